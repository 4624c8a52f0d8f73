"""The one error a user sees: what is wrong, the bad value, what is allowed, how to fix it, and where."""

from typing import Final

FAILED: Final = 1
"""Exit code of bad input and of an operation that failed."""
USAGE: Final = 2
"""Exit code of a wrong command line."""
POLICY_VIOLATION: Final = 3
"""Exit code when a mandatory policy is violated."""
LOCKED: Final = 4
"""Exit code when another run holds the stack's lock."""
CHANGES: Final = 5
"""Exit code of `--expect-no-changes` when there are changes."""
ROLLED_BACK: Final = 6
"""Exit code of a rollout that went back, because the new version did not hold."""
UNHEALTHY: Final = 7
"""Exit code of `caraml status` when a version's newest change has failed, or an endpoint does not answer; of
`caraml promote` when that is so of what is to be promoted."""
INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells have it (128 + SIGINT)."""


class CaramlError(Exception):
    """A failure explained to the person who can mend it.

    `what` is one sentence in the user's terms that names the bad value. `where` is a `file:line`, a property path or an
    object; `allowed` says which values are right, `fix` what to do next. Empty parts are left out of the message.
    Never put a secret in any part.
    """

    def __init__(
        self, what: str, *, where: str = "", allowed: str = "", fix: str = "", exit_code: int = FAILED
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.allowed = allowed
        self.fix = fix
        self.exit_code = exit_code

    @property
    def each(self) -> "list[CaramlError]":
        """The single failures in this one."""
        return [self]

    def __str__(self) -> str:
        """The message over several lines, its parts labelled."""
        parts = [("where", self.where), ("allowed", self.allowed), ("fix", self.fix)]
        return "\n".join([self.what, *(f"  {label + ':':<9}{text}" for label, text in parts if text)])


class CaramlErrors(CaramlError):
    """Several failures found together, so that one run shows them all."""

    def __init__(self, errors: list[CaramlError]) -> None:
        self.errors = errors
        super().__init__(f"{len(errors)} problems", exit_code=max(error.exit_code for error in errors))

    @property
    def each(self) -> list[CaramlError]:
        """The single failures in this one."""
        return self.errors

    def __str__(self) -> str:
        """Each failure's message in turn."""
        return "\n".join(str(error) for error in self.errors)


def together(errors: list[CaramlError]) -> CaramlError:
    """The failures as one to raise; there must be one at least."""
    return errors[0] if len(errors) == 1 else CaramlErrors(errors)
