"""The words that the review of the terminal and that of Markdown share."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from caraml_pulumi.engine.display.ops import look
from caraml_pulumi.review.document import (
    Amount,
    EndpointReview,
    ExemptionReview,
    ModelReview,
    NamesChange,
    ProjectReview,
    ResourceChange,
    Review,
    VersionReview,
)
from caraml_pulumi.review.subjects import kind_of


class Line(NamedTuple):
    """A property of a model's part, before and after."""

    name: str
    before: str | None
    after: str | None


class Part(NamedTuple):
    """A version or the endpoint of a model, what becomes of it, and its lines."""

    title: str
    change: str
    lines: list[Line]


def parts(model: ModelReview) -> list[Part]:
    """The versions of a model in their order, then its endpoint."""
    found = [Part(f"version {one.version}", one.change, _of_version(one)) for one in model.versions]
    return [
        *found,
        *([Part("endpoint", model.endpoint.change, _of_endpoint(model.endpoint))] if model.endpoint else []),
    ]


def _of_version(version: VersionReview) -> list[Line]:
    before, after = version.weight.before, version.weight.after
    weight = (
        [Line("weight", _percent(before), _percent(after))] if before != after or version.change != "changed" else []
    )
    weight = weight if before is not None or after is not None else []
    return [*weight, *_common(version)]


def _of_endpoint(endpoint: EndpointReview) -> list[Line]:
    return _common(endpoint)


def _common(part: VersionReview | EndpointReview) -> list[Line]:
    lines = [Line(one.name, one.before, one.after) for one in part.properties]
    lines += [Line(one.name, *names(one)) for one in part.names]
    objects = objects_in_words(part.objects)
    quiet = part.change in ("added", "removed") and all(one.op in ("create", "delete") for one in part.objects)
    return [*lines, *([Line("objects", None, objects)] if objects and not quiet else [])]


def names(change: NamesChange) -> tuple[str | None, str | None]:
    """Names that go on the left, names that come or change on the right."""
    before = ", ".join([*change.removed, *change.changed])
    changed = [f"{name} (changed)" for name in change.changed]
    return before or None, ", ".join([*change.added, *changed]) or None


def objects_in_words(objects: Iterable[ResourceChange]) -> str:
    """``+ Deployment, Service; ~ HorizontalPodAutoscaler``: kinds by operation."""
    ordered = sorted(objects, key=lambda one: (one.op, kind_of(one.type)))
    groups = []
    for op, group in groupby(ordered, key=lambda one: one.op):
        kinds = [kind_of(one.type) for one in group]
        counted = [f"{kinds.count(kind)} {kind}s" if kinds.count(kind) > 1 else kind for kind in dict.fromkeys(kinds)]
        groups.append(f"{look(op).planned} {', '.join(counted)}")
    return "; ".join(groups)


def _percent(weight: int | None) -> str | None:
    return None if weight is None else f"{weight} %"


class Sum(NamedTuple):
    """A row of the capacity of a project."""

    name: str
    before: str
    after: str
    quota: str
    over: bool = False
    """Whether it is above the quota."""


def sums(project: ProjectReview, currency: str | None) -> Iterator[Sum]:
    """What the versions of a project may use together, of its quota, and what they cost a month."""
    rows: Sequence[tuple[str, Amount]] = (
        ("versions", project.deployments),
        ("CPU", project.cpu),
        ("memory", project.memory),
        ("GPU", project.gpu),
    )
    for name, amount in rows:
        if name == "GPU" and {amount.before, amount.after, amount.quota_before, amount.quota_after} <= {"0", None}:
            continue
        quota = amount.quota_after or "none"
        if amount.quota_before != amount.quota_after:
            quota = f"{amount.quota_before or 'none'} → {quota}"
        over = (amount.percent_after or 0) > 100 or (amount.quota_after == "0" and amount.after != "0")
        yield Sum(
            name,
            _of_quota(amount.before, amount.percent_before),
            _of_quota(amount.after, amount.percent_after),
            quota,
            over,
        )
    if project.cost is not None and currency:
        cost = project.cost
        yield Sum("cost a month, fewest replicas", f"{cost.min_before} {currency}", f"{cost.min_after} {currency}", "")
        yield Sum("cost a month, most replicas", f"{cost.max_before} {currency}", f"{cost.max_after} {currency}", "")


def _of_quota(amount: str | None, percent: int | None) -> str:
    words = "no limit" if amount is None else amount
    return words if percent is None else f"{words} ({percent} %)"


def counts(review: Review) -> str:
    """``2 to create, 1 to update, 7 unchanged``."""
    changing = [
        f"{count} to {look(op).planned}" for op, count in review.resources.items() if op not in ("same", "read")
    ]
    same = review.resources.get("same")
    return ", ".join([*changing, *([f"{same} unchanged"] if same else [])]) or "no resources"


def other_changes(review: Review) -> Iterator[tuple[str, str]]:
    """Operations, and the other resources that they are done to: ``create``, ``2 core/v1:Secret``."""
    for op, group in groupby(review.others, key=lambda one: one.op):
        yield look(op).planned, ", ".join(f"{one.count} {one.type.removeprefix('kubernetes:')}" for one in group)


def destroyed(change: ResourceChange) -> str:
    """``delete Deployment iris-1``."""
    return f"{look(change.op).planned} {kind_of(change.type)} {change.name}"


def exemption(one: ExemptionReview) -> str:
    """When an exemption ends, in words."""
    return f"until {one.expires}" + (", ends soon" if one.ends_soon else "")
