"""How each of Pulumi's step operations looks: its sign, colour and words."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class OpLook:
    """The sign and colour of an operation, and what it is called when planned, in progress, and done."""

    sign: str
    style: str
    planned: str
    running: str
    done: str


CREATE: Final = OpLook("+", "green", "create", "creating", "created")
UPDATE: Final = OpLook("~", "yellow", "update", "updating", "updated")
REPLACE: Final = OpLook("+-", "magenta", "replace", "replacing", "replaced")
DELETE: Final = OpLook("-", "red", "delete", "deleting", "deleted")
READ: Final = OpLook(">", "cyan", "read", "reading", "read")
SAME: Final = OpLook("", "dim", "", "checking", "")

LOOKS: Final[dict[str, OpLook]] = {
    "create": CREATE,
    "update": UPDATE,
    "replace": REPLACE,
    "delete": DELETE,
    "same": SAME,
    "read": READ,
    "refresh": OpLook("~", "cyan", "refresh", "refreshing", "refreshed"),
    "create-replacement": OpLook("++", "magenta", "create replacement", "creating replacement", "created replacement"),
    "delete-replaced": OpLook("--", "magenta", "delete original", "deleting original", "deleted original"),
    "read-replacement": OpLook("+-", "magenta", "read replacement", "reading replacement", "read replacement"),
    "discard": OpLook("<", "red", "forget", "forgetting", "forgotten"),
    "discard-replaced": OpLook("<<", "magenta", "forget original", "forgetting original", "forgot original"),
    "remove-pending-replace": OpLook("~", "magenta", "finish replacement", "finishing replacement", "replaced"),
    "import": OpLook("=", "cyan", "import", "importing", "imported"),
    "import-update": OpLook("=~", "cyan", "import, update", "updating", "imported, updated"),
    "import-replacement": OpLook("=>", "cyan", "import replacement", "importing replacement", "imported replacement"),
}
"""By the ``op`` of a step's metadata; ``import-update`` is for the two steps of an import that changes something."""

CHANGING: Final = frozenset({"update", "replace", "import-update"})
"""The operations that change properties of what is there."""

REPLACEMENT_STEPS: Final = frozenset(
    {
        "replace",
        "create-replacement",
        "delete-replaced",
        "read-replacement",
        "import-replacement",
        "discard-replaced",
        "remove-pending-replace",
    }
)
"""The steps that together replace one resource, and are shown as one row."""

UNCHANGED: Final = frozenset({"same", "read"})
"""The operations that change nothing."""

SUMMARY_ORDER: Final = ("create", "import", "update", "replace", "delete", "discard", "read")
"""The order in which a summary counts operations; ``same`` comes last, as "unchanged"."""


def look(op: str) -> OpLook:
    """The look of `op`; an operation of a newer Pulumi is shown by its own name."""
    return LOOKS.get(op) or OpLook("*", "cyan", op, op, op)
