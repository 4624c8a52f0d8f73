"""The words that the review of the terminal and that of Markdown share."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from caraml_pulumi.engine.display.ops import look
from caraml_pulumi.review.document import (
    Amount,
    EndpointReview,
    ExemptionReview,
    Loss,
    ModelReview,
    NamesChange,
    ProjectReview,
    ResourceChange,
    Review,
    VersionReview,
)
from caraml_pulumi.review.subjects import kind_of

_IMAGE: Final = re.compile(r"([^\s:@]+(?::\d+)?/[^\s:@]+)([:@]\S+)")
"""An image with a registry or a directory: its repository, and its tag or digest or both."""


class Line(NamedTuple):
    """A property of a model's part, before and after, or a note on it in place of both."""

    name: str
    before: str | None = None
    after: str | None = None
    note: str = ""
    only: bool = False
    """Whether it comes, or goes, with what it belongs to."""


class Part(NamedTuple):
    """A version or the endpoint of a model, what becomes of it, and its lines."""

    title: str
    change: str
    lines: list[Line]


def parts(model: ModelReview) -> list[Part]:
    """The versions of a model in their order, then its endpoint."""
    found = [Part(f"version {one.version}", one.change, _of_version(one)) for one in model.versions]
    if model.endpoint:
        found.append(Part("endpoint", model.endpoint.change, _common(model.endpoint)))
    return found


def _of_version(version: VersionReview) -> list[Line]:
    """The weight, unless a version that changes keeps it, and what it has in common with an endpoint."""
    before, after = version.weight.before, version.weight.after
    if before == after and (before is None or version.change == "changed"):
        return _common(version)
    settled = version.change in ("added", "removed")
    return [Line("weight", _percent(before), _percent(after), only=settled), *_common(version)]


def _common(part: VersionReview | EndpointReview) -> list[Line]:
    settled = part.change in ("added", "removed")
    lines = [Line(one.name, one.before, _shortened(one.before, one.after), only=settled) for one in part.properties]
    lines += [Line(one.name, note=_names(one, settled=settled)) for one in part.names]
    objects = objects_in_words(part.objects)
    quiet = settled and all(one.op in ("create", "delete") for one in part.objects)
    return [*lines, *([Line("objects", note=objects)] if objects and not quiet else [])]


def _shortened(before: str | None, after: str | None) -> str | None:
    """``…:2.1`` for an image whose repository stays: what follows the repository is what changes."""
    old, new = (_IMAGE.fullmatch(text or "") for text in (before, after))
    return f"…{new[2]}" if old and new and old[1] == new[1] else after


def _names(change: NamesChange, *, settled: bool) -> str:
    """``added A, changed B, removed C``; the names alone where all come, or all go, with what they belong to."""
    groups = (("added", change.added), ("changed", change.changed), ("removed", change.removed))
    return ", ".join(", ".join(names) if settled else f"{verb} {', '.join(names)}" for verb, names in groups if names)


def objects_in_words(objects: Iterable[ResourceChange]) -> str:
    """``create Deployment, 2 Service; update HorizontalPodAutoscaler``: kinds by operation."""
    ops: dict[str, Counter[str]] = {}
    for one in objects:
        ops.setdefault(one.op, Counter())[kind_of(one.type)] += 1
    return "; ".join(f"{look(op).planned} {_counted(kinds)}" for op, kinds in sorted(ops.items()))


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(kind if count == 1 else f"{count} {kind}" for kind, count in sorted(kinds.items()))


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
        if amount.quota_before not in (amount.quota_after, None):
            quota = f"{amount.quota_before} → {quota}"
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
    """Operations, and the kinds of the other resources that they are done to: ``create``, ``Namespace, 2 Secret``."""
    ops: dict[str, Counter[str]] = {}
    for one in review.others:
        ops.setdefault(one.op, Counter())[kind_of(one.type)] += one.count
    yield from ((look(op).planned, _counted(kinds)) for op, kinds in ops.items())


def loss(one: Loss) -> str:
    """``delete version 1 of iris-team/iris, which takes 90 % of the requests``."""
    takes = f", which takes {one.weight} % of the requests" if one.weight else ""
    return f"{look(one.op).planned} {one.subject}{takes}"


class Silence(NamedTuple):
    """A rule that did not judge, why, and what."""

    policy: str
    reason: str
    subjects: str


def silences(review: Review) -> Iterator[Silence]:
    """The rules that did not judge, each once for a reason, with what they did not judge."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in review.unjudged:
        groups.setdefault((one.policy, one.reason), []).append(one.subject)
    for (policy, reason), subjects in groups.items():
        more = f" and {len(subjects) - 1} more" if len(subjects) > 1 else ""
        yield Silence(policy, reason, f"{_shortest(subjects)}{more}")


def _shortest(subjects: Sequence[str]) -> str:
    """The subject that stands for the others: a component rather than an object of it."""
    return min(subjects, key=lambda subject: (subject.count(" of "), subject))


def exemption(one: ExemptionReview) -> str:
    """When an exemption ends, in words."""
    return f"until {one.expires}" + (", ends soon" if one.ends_soon else "")
