"""What a resource is in models' terms: the version, endpoint or project that it is, or is a part of."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from caraml_pulumi.engine.display.tree import Row
from caraml_pulumi.engine.display.values import SECRET, is_secret, is_unknown
from caraml_pulumi.engine.resource import STACK_TYPE, urn_name, urn_type

VERSION_TYPE: Final = "caraml:index:CustomModelVersion"
ENDPOINT_TYPE: Final = "caraml:index:ModelEndpoint"
MONITORING_TYPE: Final = "caraml:index:ModelMonitoring"
PROJECT_TYPE: Final = "caraml:index:ModelProject"


class Kind(Enum):
    """What a component is."""

    VERSION = VERSION_TYPE
    ENDPOINT = ENDPOINT_TYPE
    MONITORING = MONITORING_TYPE
    PROJECT = PROJECT_TYPE


_BY_TYPE: Final = {kind.value: kind for kind in Kind}
_UNKNOWN: Final = "?"


@dataclass(frozen=True, slots=True)
class Subject:
    """A component of a model or a project. `model` is empty of a project, `version` None of all but a version."""

    kind: Kind
    urn: str
    project: str
    model: str = ""
    version: int | None = None

    @property
    def text(self) -> str:
        """It in words: ``version 2 of iris-team/iris``."""
        if self.kind is Kind.PROJECT:
            return f"project {self.project}"
        model = f"{self.project}/{self.model}"
        return (
            f"version {self.version} of {model}"
            if self.kind is Kind.VERSION
            else f"{self.kind.name.lower()} of {model}"
        )


def inputs(row: Row, side: str) -> Mapping[str, Any] | None:
    """The inputs of a resource before (``old``) or after (``new``); None if it is not there then."""
    if (side == "new" and row.op == "delete") or (side == "old" and row.op == "create"):
        return None
    state = row.metadata.get(side)
    return None if not state else state.get("inputs") or {}


def subject_of(row: Row) -> Subject | None:
    """What a component is; None for any other resource, and for one that does not say which it is."""
    kind = _BY_TYPE.get(row.type)
    props = inputs(row, "new") or inputs(row, "old") or {}
    if kind is None:
        return None
    project, model = text(props.get("project")), text(props.get("model"))
    if kind is Kind.VERSION:
        number = whole(props.get("version"))
        return None if number is None else Subject(kind, row.urn, project, model, number)
    return Subject(kind, row.urn, project or row.name, "" if kind is Kind.PROJECT else model)


def owner_of(urn: str, rows: Mapping[str, Row]) -> Subject | None:
    """The component that a resource is, or the nearest one above it that tells of a model or a project."""
    seen: set[str] = set()
    while urn and urn not in seen:
        seen.add(urn)
        row = rows.get(urn)
        if row is None:
            return None
        if (subject := subject_of(row)) is not None:
            return subject
        urn = row.parent
    return None


def in_words(urn: str, rows: Mapping[str, Row]) -> str:
    """A resource in models' terms: ``version 2 of iris-team/iris``, ``Deployment iris-2 of version 2 of …``."""
    if not urn or urn_type(urn) == STACK_TYPE:
        return "the stack as a whole"
    owner = owner_of(urn, rows)
    own = f"{kind_of(urn_type(urn))} {urn_name(urn)}"
    if owner is None:
        return own
    return owner.text if owner.urn == urn else f"{own} of {owner.text}"


def kind_of(type_: str) -> str:
    """The last part of a type: ``Deployment`` of ``kubernetes:apps/v1:Deployment``."""
    return type_.rpartition(":")[2]


def text(value: object) -> str:
    """A text of the inputs; ``?`` for one that is not known yet, nothing for what is none."""
    if is_secret(value):
        return SECRET
    if is_unknown(value):
        return _UNKNOWN
    return value if isinstance(value, str) else ""


def whole(value: object) -> int | None:
    """A whole number of the inputs, None for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer():
        return int(value)
    return None
