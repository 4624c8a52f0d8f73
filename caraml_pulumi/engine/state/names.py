"""The name of a stack in a backend."""

import re
from dataclasses import dataclass
from typing import Final

from caraml_pulumi.errors import CaramlError

ORGANIZATION: Final = "organization"
"""The one organization of Pulumi's self-managed backends."""

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def check_name(kind: str, name: str, *, where: str = "") -> str:
    """`name` if Pulumi allows it for a project or stack (`kind`); names become file names of the backend.

    Raises:
        CaramlError: it is empty, too long, has other characters, or is ``.`` or ``..``.
    """
    if not _NAME.fullmatch(name) or name in {".", ".."}:
        raise CaramlError(
            f"{name!r} cannot be the name of a {kind}",
            where=where,
            allowed="1 to 100 letters, digits, '-', '_' and '.'",
            fix=f"choose another name for the {kind}",
        )
    return name


@dataclass(frozen=True, slots=True)
class StackName:
    """A stack and the project it belongs to."""

    project: str
    stack: str

    def __str__(self) -> str:
        """The name as Pulumi writes it in full: ``organization/project/stack``."""
        return f"{ORGANIZATION}/{self.project}/{self.stack}"

    @classmethod
    def parse(cls, text: str, project: str = "") -> "StackName":
        """Read ``organization/project/stack``, ``project/stack`` or ``stack`` (then of `project`).

        Raises:
            CaramlError: it has more parts, a part that cannot be a name, another organization (self-managed backends
                have only ``organization``), or no project where `project` gives none.
        """
        parts = text.split("/")
        if len(parts) > 3:
            raise CaramlError(
                f"{text!r} is not the name of a stack", allowed="stack, project/stack or organization/project/stack"
            )
        stack = check_name("stack", parts[-1])
        named = check_name("project", parts[-2]) if len(parts) > 1 else project
        if len(parts) == 3 and parts[0] != ORGANIZATION:
            raise CaramlError(
                f"{text!r} names the organization {parts[0]!r}, which a self-managed backend does not have",
                allowed=ORGANIZATION,
                fix=f"write {ORGANIZATION}/{named}/{stack}",
            )
        if not named:
            raise CaramlError(f"{text!r} does not say which project the stack is in", fix=f"write project/{stack}")
        return cls(named, stack)
