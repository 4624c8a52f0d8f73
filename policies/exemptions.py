"""Exemptions: violations that a team has agreed to live with, for a reason and until a day.

Each rule has a setting `exemptions`. An exemption that has ended, or that does not say who agreed to it and why,
exempts nothing and is a violation of its rule itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.spec import within

EXEMPTIONS: Final = "exemptions"
SCHEMA: Final = {
    "type": "array",
    "default": [],
    "description": (
        "Resources whose violations of this rule are agreed on: `resource` (its name or URN, or a pattern with *), "
        "`owner` (who answers for it), `reason`, and `expires` (the last day, YYYY-MM-DD)."
    ),
    "items": {
        "type": "object",
        "properties": {key: {"type": "string"} for key in ("resource", "owner", "reason", "expires")},
        "required": ["resource", "owner", "reason", "expires"],
    },
}
_KEYS: Final = ("resource", "owner", "reason", "expires")


class Exemption(NamedTuple):
    """One agreed violation, of the resources that `resource` names."""

    resource: str
    """The logical name or the URN of a resource, or a pattern with ``*``, ``?`` and ``[…]``."""
    owner: str
    reason: str
    expires: date
    """The last day on which it holds, in UTC."""

    @property
    def in_force(self) -> bool:
        """Whether its last day has not passed."""
        return today() <= self.expires

    def covers(self, name: str, urn: str) -> bool:
        """Whether it is for that resource, and still in force."""
        named = self.resource in (name, urn) or fnmatchcase(name, self.resource) or fnmatchcase(urn, self.resource)
        return named and self.in_force


def today() -> date:
    """The day by which exemptions are judged, in UTC."""
    return datetime.now(UTC).date()


def read_exemptions(settings: Mapping[str, Any]) -> list[Exemption]:
    """The exemptions in a rule's settings; those that are not right are left out, and named by `problems`."""
    return [item for item in map(_read, settings.get(EXEMPTIONS) or ()) if isinstance(item, Exemption)]


def problems(settings: Mapping[str, Any]) -> Iterator[CaramlError]:
    """What is wrong with the exemptions in a rule's settings: not right, or ended."""
    for index, given in enumerate(settings.get(EXEMPTIONS) or ()):
        read = _read(given)
        try:
            with within(EXEMPTIONS, index):
                if isinstance(read, CaramlError):
                    raise read
                has_not_ended(read)
        except CaramlError as error:
            yield error


def has_not_ended(exemption: Exemption) -> None:
    """Refuse an exemption whose last day has passed."""
    if not exemption.in_force:
        raise CaramlError(
            f'the exemption of "{exemption.resource}" ended on {exemption.expires} (owner: {exemption.owner})',
            fix="mend what it exempted and remove it, or agree on another day with its owner",
        )


def covered(exemptions: Iterable[Exemption], name: str, urn: str) -> bool:
    """Whether one of `exemptions` is for that resource."""
    return any(exemption.covers(name, urn) for exemption in exemptions)


def _read(given: object) -> Exemption | CaramlError:
    if not isinstance(given, Mapping):
        return CaramlError("an exemption is not an object", allowed=", ".join(_KEYS))
    unknown = [str(key) for key in given if key not in _KEYS]
    missing = [key for key in _KEYS if not str(given.get(key) or "").strip()]
    if unknown or missing:
        what = f"has no {', '.join(missing)}" if missing else f"has an unknown {', '.join(unknown)}"
        return CaramlError(
            f'the exemption of "{given.get("resource", "")}" {what}',
            allowed="resource, owner, reason and expires, all of them",
        )
    try:
        expires = date.fromisoformat(str(given["expires"]))
    except ValueError:
        return CaramlError(f'"{given["expires"]}" is not a day', allowed="YYYY-MM-DD, such as 2027-03-31")
    return Exemption(str(given["resource"]), str(given["owner"]), str(given["reason"]), expires)
