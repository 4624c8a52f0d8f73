"""What becomes of the models: a block for each of which a version, the endpoint or an object changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from caraml_pulumi.engine.display.tree import Row
from caraml_pulumi.engine.reporter import is_default_provider
from caraml_pulumi.review.document import (
    EndpointChange,
    EndpointReview,
    ModelReview,
    ResourceChange,
    VersionChange,
    VersionReview,
    Weight,
)
from caraml_pulumi.review.properties import (
    NAMED_OF_ENDPOINT,
    NAMED_OF_VERSION,
    OF_ENDPOINT,
    OF_MONITORING,
    OF_VERSION,
    Props,
    alerts_changed,
    changed,
    names_changed,
)
from caraml_pulumi.review.subjects import Kind, Subject, inputs, kind_of, owner_of, subject_of, text, whole

Weights = Mapping[int, int]


@dataclass(slots=True)
class Component:
    """A component of a model, and what changes below it."""

    subject: Subject
    row: Row
    objects: list[Row] = field(default_factory=list)

    @property
    def old(self) -> Props | None:
        """Its inputs before; None if it is new."""
        return inputs(self.row, "old")

    @property
    def new(self) -> Props | None:
        """Its inputs after; None if it goes."""
        return inputs(self.row, "new")

    @property
    def changes(self) -> bool:
        """Whether it changes, or anything below it."""
        return self.row.changed or bool(self.objects)


@dataclass(slots=True)
class Model:
    """A model and its components."""

    project: str
    name: str
    versions: list[Component] = field(default_factory=list)
    endpoints: list[Component] = field(default_factory=list)
    monitoring: list[Component] = field(default_factory=list)

    @property
    def components(self) -> list[Component]:
        """All of them."""
        return [*self.versions, *self.endpoints, *self.monitoring]


def gather(rows: Mapping[str, Row]) -> tuple[list[Model], list[Row]]:
    """The models, ordered by project and name, and the changed resources that are no part of one."""
    models: dict[tuple[str, str], Model] = {}
    components: dict[str, Component] = {}
    for row in rows.values():
        subject = subject_of(row)
        if subject is None or subject.kind is Kind.PROJECT:
            continue
        model = models.setdefault((subject.project, subject.model), Model(subject.project, subject.model))
        component = components[row.urn] = Component(subject, row)
        kinds = {Kind.VERSION: model.versions, Kind.ENDPOINT: model.endpoints, Kind.MONITORING: model.monitoring}
        kinds[subject.kind].append(component)
    others = []
    for row in rows.values():
        if not row.changed or row.urn in components or is_default_provider(row.urn):
            continue
        owner = owner_of(row.urn, rows)
        if owner is not None and owner.urn in components:
            components[owner.urn].objects.append(row)
        else:
            others.append(row)
    return [models[key] for key in sorted(models)], others


def review_of(model: Model) -> ModelReview:
    """What becomes of a model: of its versions in their order those that change, and its endpoint."""
    before, after = _weights(model.endpoints, "old"), _weights(model.endpoints, "new")
    versions = [_version(one, before, after) for one in model.versions]
    environments = (
        text(props.get("environment"))
        for one in model.components
        for props in (one.new, one.old)
        if props and "environment" in props
    )
    return ModelReview(
        project=model.project,
        model=model.name,
        environment=next(environments, ""),
        versions=sorted(
            (
                one
                for one in versions
                if one.change != "unchanged" or one.objects or one.weight.before != one.weight.after
            ),
            key=lambda one: (one.version, one.urn),
        ),
        endpoint=_endpoint(model),
    )


def _resource_changes(rows: Iterable[Row]) -> list[ResourceChange]:
    """Changed resources by their types and names."""
    found = [ResourceChange(op=row.op, type=row.type, name=row.name, urn=row.urn) for row in rows]
    return sorted(found, key=lambda one: (kind_of(one.type), one.name, one.op, one.urn))


def _version(component: Component, before: Weights, after: Weights) -> VersionReview:
    old, new, number = component.old, component.new, component.subject.version or 0
    return VersionReview(
        version=number,
        full_name=f"{component.subject.model}-{number}",
        change=_change_of_version(component),
        weight=Weight(
            before=before.get(number) if old is not None else None, after=after.get(number) if new is not None else None
        ),
        properties=changed(OF_VERSION, old, new),
        names=names_changed(NAMED_OF_VERSION, old, new),
        objects=_resource_changes(component.objects),
        urn=component.subject.urn,
    )


def _change_of_version(component: Component) -> VersionChange:
    old, new = component.old, component.new
    if old is None or new is None:
        return "removed" if new is None else "added"
    if component.row.op == "replace":
        return "replaced"
    was, stops = old.get("stopped") is True, new.get("stopped") is True
    if was != stops:
        return "stopped" if stops else "started"
    return "changed" if component.changes else "unchanged"


def _endpoint(model: Model) -> EndpointReview | None:
    """What becomes of the endpoint and the monitoring of a model; None if nothing does."""
    components = [*model.endpoints, *model.monitoring]
    if not any(component.changes for component in components):
        return None
    first = components[0]
    properties, names = [], []
    for component in components:
        table = OF_ENDPOINT if component.subject.kind is Kind.ENDPOINT else OF_MONITORING
        properties += changed(table, component.old, component.new)
        names += names_changed(NAMED_OF_ENDPOINT, component.old, component.new)
        names += alerts_changed(component.old, component.new)
    return EndpointReview(
        change=_change_of_endpoint(first),
        properties=properties,
        names=names,
        objects=_resource_changes(row for component in components for row in component.objects),
        urn=first.subject.urn,
    )


def _change_of_endpoint(component: Component) -> EndpointChange:
    if component.old is None:
        return "added"
    if component.new is None:
        return "removed"
    return "replaced" if component.row.op == "replace" else "changed"


def _weights(endpoints: Iterable[Component], side: str) -> dict[int, int]:
    """Percent of the requests by version, on the default route."""
    weights: dict[int, int] = {}
    for component in endpoints:
        shares = (component.old if side == "old" else component.new) or {}
        traffic = shares.get("traffic")
        for share in traffic if isinstance(traffic, list) else []:
            if isinstance(share, Mapping):
                number, weight = whole(share.get("version")), whole(share.get("weight"))
                if number is not None and weight is not None:
                    weights[number] = weight
    return weights
