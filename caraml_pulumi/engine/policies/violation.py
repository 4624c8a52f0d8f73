"""What a policy has found."""

from dataclasses import dataclass
from typing import Any, Final, Literal

Level = Literal["advisory", "mandatory", "disabled", "remediate"]
LEVELS: Final[tuple[Level, ...]] = ("advisory", "mandatory", "disabled", "remediate")
"""Pulumi's enforcement levels, in the order of its protocol."""
SEVERITIES: Final = {1: "low", 2: "medium", 3: "high", 4: "critical"}
"""Pulumi's severities, by their numbers in its protocol; 0 is none."""


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A policy that does not judge a resource, and why: mostly for a value that only the update knows."""

    policy: str
    pack: str
    version: str
    reason: str
    urn: str = ""

    def event(self) -> dict[str, Any]:
        """The payload of a ``policyNotApplicableEvent``."""
        return {
            **({"resourceUrn": self.urn} if self.urn else {}),
            "reason": self.reason,
            "policyName": self.policy,
            "policyPackName": self.pack,
            "policyPackVersion": self.version,
        }


@dataclass(frozen=True, slots=True)
class Violation:
    """One finding of one policy.

    `level` is ``mandatory`` (stops the update), ``advisory`` (a warning), or ``remediate`` for the note that a policy
    has changed the inputs. `urn` is the resource that it is about; empty when it is about the whole stack.
    `severity` is what the policy says of itself, empty if nothing.
    """

    policy: str
    pack: str
    version: str
    description: str
    message: str
    level: Level
    urn: str = ""
    severity: str = ""

    @property
    def mandatory(self) -> bool:
        """Whether it stops the update."""
        return self.level == "mandatory"

    def event(self) -> dict[str, Any]:
        """The payload of Pulumi's ``policyEvent``."""
        return {
            **({"resourceUrn": self.urn} if self.urn else {}),
            "message": self.message,
            "color": "never",
            "policyName": self.policy,
            "policyPackName": self.pack,
            "policyPackVersion": self.version,
            "policyPackVersionTag": self.version,
            "enforcementLevel": self.level,
            **({"severity": self.severity} if self.severity else {}),
        }
