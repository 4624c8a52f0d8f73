"""Where replicas run: node selectors, tolerations, affinity and the spread over zones or nodes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import labels, names
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.spec import Spec, as_validation_error, rule

NodeSelector = dict[Annotated[str, rule(labels.label_key)], Annotated[str, rule(labels.label_value)]]
"""Labels that a node must have."""


class TolerationOperator(StrEnum):
    """How a toleration is compared with a taint."""

    EXISTS = "Exists"
    """The taint has the key, with any value."""
    EQUAL = "Equal"
    """The taint has the key and the value."""


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    """They do not come to the node."""
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    """They come to the node only if no other takes them."""
    NO_EXECUTE = "NoExecute"
    """They do not come to the node, and those there are evicted."""


class Toleration(Spec):
    """A taint that replicas tolerate; the properties are Kubernetes'."""

    key: Annotated[str, rule(labels.label_key)] | None = None
    """The taint's key. Default: every key, with the operator Exists."""
    operator: TolerationOperator = TolerationOperator.EQUAL
    """Exists, or Equal to `value`."""
    value: Annotated[str, rule(labels.label_value)] | None = None
    """The taint's value, for Equal."""
    effect: TaintEffect | None = None
    """Default: every effect."""
    toleration_seconds: WholeNumber | None = None
    """Seconds until a replica leaves, for NoExecute. Default: never."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "Toleration":
        with as_validation_error():
            if self.operator is TolerationOperator.EXISTS and self.value:
                raise CaramlError(
                    f'a toleration with operator Exists has the value "{self.value}"', fix="remove the value, or Equal"
                )
            if self.operator is TolerationOperator.EQUAL and self.key is None:
                raise CaramlError("a toleration with operator Equal has no key", fix="add its key, or use Exists")
            if self.toleration_seconds is not None and self.effect is not TaintEffect.NO_EXECUTE:
                raise CaramlError("tolerationSeconds needs the effect NoExecute", fix="set the effect, or remove it")
        return self


class WhenUnsatisfiable(StrEnum):
    """What the scheduler does when the spread cannot be kept."""

    DO_NOT_SCHEDULE = "DoNotSchedule"
    """A replica waits until it can be kept."""
    SCHEDULE_ANYWAY = "ScheduleAnyway"
    """A replica goes where the spread is broken least."""


class NodePolicy(StrEnum):
    """Whether nodes that a replica cannot run on count for the spread."""

    HONOR = "Honor"
    """They do not count."""
    IGNORE = "Ignore"
    """They count."""


class TopologySpreadConstraint(Spec):
    """How replicas are spread; the properties are Kubernetes', and which pods count is decided for each workload."""

    topology_key: Annotated[str, rule(labels.label_key)]
    """The node label whose values are the domains, such as ``topology.kubernetes.io/zone``."""
    max_skew: Annotated[WholeNumber, Field(ge=1)] = 1
    """By how many replicas domains may differ."""
    when_unsatisfiable: WhenUnsatisfiable = WhenUnsatisfiable.SCHEDULE_ANYWAY
    """DoNotSchedule or ScheduleAnyway."""
    min_domains: Annotated[WholeNumber, Field(ge=1)] | None = None
    """Domains at least, for DoNotSchedule."""
    node_affinity_policy: NodePolicy | None = None
    """Whether nodes that the node selector leaves out count. Default: Honor."""
    node_taints_policy: NodePolicy | None = None
    """Whether nodes with taints that are not tolerated count. Default: Ignore."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "TopologySpreadConstraint":
        with as_validation_error("min_domains"):
            if self.min_domains is not None and self.when_unsatisfiable is not WhenUnsatisfiable.DO_NOT_SCHEDULE:
                raise CaramlError(
                    "minDomains needs whenUnsatisfiable DoNotSchedule", fix="set it, or remove minDomains"
                )
        return self


def spread_once(constraints: list[TopologySpreadConstraint]) -> list[TopologySpreadConstraint]:
    """`constraints` if no two are alike in what Kubernetes tells them apart by. Raises `CaramlError`."""
    keys = [(constraint.topology_key, constraint.when_unsatisfiable) for constraint in constraints]
    for index, (key, when) in enumerate(keys):
        if (key, when) in keys[:index]:
            raise CaramlError(f'"{key}" is spread over twice with {when.value}', fix="remove one of them")
    return constraints


TopologySpread = Annotated[list[TopologySpreadConstraint], rule(spread_once)]
"""How replicas are spread, over one domain after the other."""


class PlacementSettings(Spec):
    """Where replicas may run, besides what their GPU or instance type says."""

    node_selector: NodeSelector = Field(default_factory=dict)
    """Labels that nodes must have."""
    tolerations: list[Toleration] = Field(default_factory=list)
    """Taints that replicas tolerate."""
    affinity: dict[str, Any] | None = None
    """A Kubernetes Affinity, as it is."""
    priority_class_name: Annotated[str, rule(names.dns_name)] | None = None
    """The PriorityClass of the pods."""
    runtime_class_name: Annotated[str, rule(names.dns_name)] | None = None
    """The RuntimeClass of the pods."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the replicas of a planned workload may run."""

    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    affinity: Mapping[str, Any] | None = None
    priority_class_name: str | None = None
    runtime_class_name: str | None = None
    topology_spread: tuple[TopologySpreadConstraint, ...] = ()


def merged_node_selectors(selectors: Iterable[tuple[str, Mapping[str, str]]]) -> dict[str, str]:
    """The selectors of several sources, each with its name, as one.

    Raises `CaramlError` where two ask for different values of a label: no node could have both.
    """
    merged: dict[str, str] = {}
    source_of: dict[str, str] = {}
    for source, selector in selectors:
        for key, value in selector.items():
            if merged.setdefault(key, value) != value:
                raise CaramlError(
                    f'{source} wants nodes with {key}="{value}", {source_of[key]} with {key}="{merged[key]}"',
                    fix="remove one of them: no node has both",
                )
            source_of.setdefault(key, source)
    return merged
