"""The exemptions in force, from what the rules are configured to."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from caraml_pulumi.review.document import ExemptionReview

if TYPE_CHECKING:
    from caraml_pulumi.engine.policies import Rule

_SETTING: Final = "exemptions"
SOON: Final = timedelta(days=30)
"""How long before its end an exemption is pointed out."""


def exemptions(rules: "Iterable[Rule]", today: date) -> list[ExemptionReview]:
    """The exemptions that have not ended, those that end first before the others.

    One that is not right, or has ended, is a violation of its rule instead.
    """
    found = [
        exemption
        for rule in rules
        if rule.level != "disabled"
        for given in _listed(rule.values.get(_SETTING))
        if (exemption := _read(rule.name, given, today))
    ]
    return sorted(found, key=lambda one: (one.expires, one.policy, one.resource))


def _listed(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _read(policy: str, given: Mapping[str, Any], today: date) -> ExemptionReview | None:
    said = {key: str(given.get(key) or "").strip() for key in ("resource", "owner", "reason", "expires")}
    try:
        expires = date.fromisoformat(said["expires"])
    except ValueError:
        return None
    if not all(said.values()) or expires < today:
        return None
    return ExemptionReview(policy=policy, **said, ends_soon=expires - today <= SOON)
