"""Promotion: what runs in production ran in the environment before."""

from collections.abc import Collection
from datetime import datetime, timedelta

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.images import parse_image
from caraml_pulumi.model.modes import VersionStatus
from caraml_pulumi.model.states import Phase

HEALTHY = (VersionStatus.RUNNING, VersionStatus.SERVING)
"""The states of a version that answers requests."""


def is_proven(status: str, phase: str) -> bool:
    """Whether a version answers, and with what was asked for last: while an update fails, the image before answers."""
    return status in HEALTHY and phase == Phase.DEPLOYED


def digest_of(reference: str) -> str:
    """The digest in an image reference; empty if there is none, or the reference is none."""
    try:
        return parse_image(reference).digest
    except CaramlError:
        return ""


def digest_deployed_before(image: str, proven: Collection[str], *, environment: str, how: str) -> None:
    """Refuse an image whose digest is not among those `proven` in `environment`, the one before.

    The digest alone counts: a promotion may copy an image to another registry. `how` says how to prove it.
    """
    digest = digest_of(image)
    if digest not in proven:
        raise CaramlError(
            f'image "{image}" was not deployed and healthy in {environment}',
            allowed=", ".join(sorted(proven)) or "no digest: no version there was",
            fix=how,
        )


def evidence_is_fresh(time: datetime, now: datetime, max_age_hours: float) -> None:
    """Refuse evidence older than `max_age_hours`, or of a time that is still to come; 0: of any age."""
    age = now - time
    if max_age_hours and age > timedelta(hours=max_age_hours):
        raise CaramlError(
            f"what was deployed before was looked at {age.total_seconds() / 3600:.1f} hours ago",
            allowed=f"at most {max_age_hours:g} hours",
            fix="look again",
        )
    if age < -timedelta(minutes=5):
        raise CaramlError(
            f"what was deployed before was looked at in the future, {time.isoformat()}",
            fix="set the clocks, or look again",
        )
