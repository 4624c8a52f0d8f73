"""Where a release comes from, and what came from there before."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from caraml_pulumi.engine.api import Target
from caraml_pulumi.engine.state.backend import Backend
from caraml_pulumi.engine.state.history import author, update_environment
from caraml_pulumi.engine.state.snapshot import Snapshot
from caraml_pulumi.model.release import PromotedFrom, ReleaseSpec
from caraml_pulumi.model.spec import parse
from caraml_pulumi.promotion.source import Proven
from caraml_pulumi.releases.file import ReleaseFile
from caraml_pulumi.releases.recorded import RecordedRelease, recorded_releases
from caraml_pulumi.status.state import current_state


def provenance(backend: Backend, source: Target, environment: str) -> PromotedFrom:
    """Where a release comes from that is promoted now: the newest update of the source, and who promotes it."""
    newest = next(iter(backend.history(source.project.name, source.stack, 1)), None)
    who = author({"environment": update_environment(source.project.root)})
    known = {"author": who, "commit": (newest or {}).get("environment", {}).get("git.head")}
    return PromotedFrom(
        environment=environment,
        time=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        **{name: value for name, value in known.items() if value},
        **({"update": newest["version"]} if newest else {}),
    )


def base_release(
    backend: Backend, source: Target, proven: Proven, file: ReleaseFile | None
) -> Mapping[str, Any] | None:
    """What was promoted to the target last, if that came from the source and its history still tells."""
    last = file.spec.promoted_from if file else None
    if last is None or last.environment != proven.environment or last.update is None:
        return None
    document = backend.recorded(source.project.name, source.stack, last.update)
    found = releases_of(current_state(document), proven.spec) if document else []
    return found[0].spec().declared() if found else None


def releases_of(state: Snapshot, spec: ReleaseSpec) -> list[RecordedRelease]:
    """The record of a release in a stack's state: one, or none."""
    return [one for one in recorded_releases(state) if (one.project, one.model) == (spec.project, spec.model)]


def kept_provenance(release: Mapping[str, Any], file: ReleaseFile | None, environment: str) -> PromotedFrom | None:
    """Where the target's release comes from already, if it would say nothing else."""
    if file is None or file.spec.promoted_from is None or file.spec.promoted_from.environment != environment:
        return None
    there = {name: value for name, value in file.spec.declared().items() if name != "promotedFrom"}
    coming = parse(ReleaseSpec, {name: value for name, value in release.items() if name != "promotedFrom"})
    return file.spec.promoted_from if coming.declared() == there else None
