"""Why a version is not deployed, in PrimeHub's words where it has them (seed: Model Deployment, Deployment Phases)."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.quantities import parse_quantity, total
from caraml_pulumi.model.quota import exceeded
from caraml_pulumi.observed.troubles import Cause, Trouble

_PASSING: Final = frozenset((Cause.EVICTED, Cause.NODE, Cause.RESTARTED, Cause.UNREADY, Cause.VOLUME))
"""What may still go away by itself."""
_QUOTA: Final = re.compile(r"exceeded quota: \S+, requested: (.*), used: (.*), limited: (.*)")
_KIND: Final = re.compile(r"^(limits|requests)\.")
_GROUP_RESOURCE: Final = "group resource not enough"
_CLUSTER_RESOURCE: Final = "cluster resource not enough"


def is_failure(trouble: Trouble) -> bool:
    """Whether a version with this trouble has failed, not merely waits."""
    return trouble.cause not in _PASSING


def most_telling(troubles: Sequence[Trouble]) -> Trouble:
    """What must be mended first; that a deadline has passed only where nothing tells why."""
    return min(troubles, key=lambda trouble: (trouble.cause is Cause.DEADLINE, trouble.rank))


def explained(trouble: Trouble, group: str) -> str:
    """What `trouble` means for a version of the project `group`."""
    if trouble.cause is Cause.QUOTA:
        return f"{_GROUP_RESOURCE}: {'; '.join(_exceeded(trouble.text, group)) or trouble.text}"
    if trouble.cause is Cause.UNSCHEDULABLE and "Insufficient" in trouble.text:
        return f"{_CLUSTER_RESOURCE}: {trouble.text.partition(': ')[2]}"
    if trouble.cause is Cause.INITIALIZER:
        return f"the model's files cannot be copied: {trouble.text}"
    return trouble.text


def _exceeded(message: str, group: str) -> Iterator[str]:
    """What a ResourceQuota refused, resource by resource, with all that is asked for together."""
    found = _QUOTA.search(message)
    if not found:
        return
    requested, used, limited = (_amounts(part) for part in found.groups())
    for resource, limit in limited.items():
        try:
            asked = total((parse_quantity(amounts.get(resource, "0")), 1) for amounts in (used, requested))
        except CaramlError:
            continue
        yield exceeded(group, _KIND.sub("", resource).rpartition("/")[2], limit, str(asked))


def _amounts(text: str) -> dict[str, str]:
    """Amounts by resource in ``limits.cpu=2,limits.memory=1Gi``."""
    pairs = (item.partition("=") for item in text.split(","))
    return {name.strip(): amount.strip() for name, equals, amount in pairs if equals}
