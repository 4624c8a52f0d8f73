"""What the versions of each project may use together, and what they cost, before and after a change.

Capacity is counted as the quota of a group counts it: limits times replicas at most, stopped versions not at all. Cost
is that of the requests, which are what the scheduler keeps free on a node.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from caraml_pulumi.engine.display.tree import Row
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.quantities import Quantity, parse_quantity, total
from caraml_pulumi.model.quota import Demand, Share
from caraml_pulumi.review.document import Amount, Cost, ProjectReview
from caraml_pulumi.review.subjects import Kind, inputs, subject_of, whole

if TYPE_CHECKING:
    from caraml_pulumi.model.prices import Prices

Props = Mapping[str, Any]


@dataclass(slots=True)
class _Side:
    """The versions of a project before, or after."""

    demands: list[Demand] = field(default_factory=list)
    least: Decimal | None = Decimal(0)
    """What an hour costs with the fewest replicas; None if a price is not known."""
    most: Decimal | None = Decimal(0)
    quota: Props = field(default_factory=dict)


@dataclass(slots=True)
class _Project:
    old: _Side = field(default_factory=_Side)
    new: _Side = field(default_factory=_Side)
    unknown: set[str] = field(default_factory=set)


def projects(rows: Iterable[Row], prices: "Prices | None") -> list[ProjectReview]:
    """The projects of a stack by name, those whose sums stay the same as well."""
    found: dict[str, _Project] = {}
    for row in rows:
        subject = subject_of(row)
        if subject is None or subject.kind not in (Kind.VERSION, Kind.PROJECT):
            continue
        project = found.setdefault(subject.project, _Project())
        for side, props in ((project.old, inputs(row, "old")), (project.new, inputs(row, "new"))):
            if props is None:
                continue
            if subject.kind is Kind.PROJECT:
                quota = props.get("quota")
                side.quota = quota if isinstance(quota, Mapping) else {}
            elif not _count(side, f"{subject.model}-{subject.version}", props, prices):
                project.unknown.add(f"{subject.model}-{subject.version}")
    return [_review(name, project, prices) for name, project in sorted(found.items())]


def _count(side: _Side, name: str, props: Props, prices: "Prices | None") -> bool:
    """Count a version, unless it is stopped. Says whether what it asks for is known."""
    if props.get("stopped") is True:
        return True
    workloads = [props, *([props["transformer"]] if isinstance(props.get("transformer"), Mapping) else [])]
    requests = [_request(workload) for workload in workloads]
    try:
        side.demands.append(Demand.of(name, [_share(request) for request in requests]))
        if prices is not None:
            for request in requests:
                _charge(side, request, prices)
    except (CaramlError, KeyError, TypeError, ValueError):
        return False
    return True


def _request(workload: Props) -> Props:
    request = workload.get("resourceRequest")
    return request if isinstance(request, Mapping) else {}


def _share(request: Props) -> Share:
    """What a workload may use. Raises `KeyError`, `ValueError` or `CaramlError` for what is not known."""
    memory = request.get("memoryLimit")
    if memory is not None:
        parse_quantity(memory)
    parse_quantity(request["cpuLimit"])
    return Share(
        cpu_limit=request["cpuLimit"],
        memory_limit=memory,
        gpus=_number(request.get("gpuRequest", 0)),
        replicas=_number(request["maxReplica"]),
    )


def _charge(side: _Side, request: Props, prices: "Prices") -> None:
    gpus = _number(request.get("gpuRequest", 0))
    hourly = prices.hourly(
        request["cpuRequest"], request["memoryRequest"], {str(request["gpuResource"]): gpus} if gpus else {}
    )
    if hourly is None or side.least is None or side.most is None:
        side.least = side.most = None
        return
    side.least += hourly * _number(request["minReplica"])
    side.most += hourly * _number(request["maxReplica"])


def _number(value: object) -> int:
    number = whole(value)
    if number is None:
        raise ValueError(f"{value!r} is not a whole number")
    return number


def _review(name: str, project: _Project, prices: "Prices | None") -> ProjectReview:
    old, new = project.old, project.new
    amounts = {
        "deployments": _amount(old, new, "maxDeployments", lambda side: Quantity(Decimal(len(side.demands)))),
        "cpu": _amount(old, new, "cpu", lambda side: total((one.cpu, 1) for one in side.demands)),
        "memory": _amount(old, new, "memory", _memory),
        "gpu": _amount(old, new, "gpu", lambda side: Quantity(Decimal(sum(one.gpu for one in side.demands)))),
    }
    cost = _cost(old, new) if prices else None
    differs = any((one.before, one.quota_before) != (one.after, one.quota_after) for one in amounts.values())
    priced = cost is not None and (cost.min_before, cost.max_before) != (cost.min_after, cost.max_after)
    return ProjectReview(
        project=name, **amounts, cost=cost, not_counted=sorted(project.unknown), changed=differs or priced
    )


def _memory(side: _Side) -> Quantity | None:
    """The memory of all versions; None if one of them has no limit."""
    limited = [(one.memory, 1) for one in side.demands if one.memory is not None]
    return total(limited) if len(limited) == len(side.demands) else None


def _amount(old: _Side, new: _Side, name: str, sum_of: Callable[[_Side], Quantity | None]) -> Amount:
    before, after = sum_of(old), sum_of(new)
    quota_before, quota_after = _quota(old.quota, name), _quota(new.quota, name)
    return Amount(
        before=None if before is None else str(before),
        after=None if after is None else str(after),
        quota_before=None if quota_before is None else str(quota_before),
        quota_after=None if quota_after is None else str(quota_after),
        percent_before=_percent(before, quota_before),
        percent_after=_percent(after, quota_after),
    )


def _quota(quota: Props, name: str) -> Quantity | None:
    value = quota.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return None if value is None or isinstance(value, Mapping) else parse_quantity(value)
    except CaramlError:
        return None


def _percent(amount: Quantity | None, quota: Quantity | None) -> int | None:
    if amount is None or quota is None or not quota.value:
        return None
    return int((amount.value * 100 / quota.value).to_integral_value("ROUND_CEILING"))


def _cost(old: _Side, new: _Side) -> Cost | None:
    from caraml_pulumi.model.prices import monthly

    hours = (old.least, new.least, old.most, new.most)
    known = [monthly(amount) for amount in hours if amount is not None]
    if len(known) < len(hours):
        return None
    return Cost(min_before=known[0], min_after=known[1], max_before=known[2], max_after=known[3])
