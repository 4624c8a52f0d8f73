"""Alerts of a model: on which metric, how severe, from which value on."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.spec import Spec, as_validation_error


class AlertMetric(StrEnum):
    """What an alert watches (Merlin)."""

    THROUGHPUT = "throughput"
    """Requests per second, of all versions together; alerts below the target."""
    LATENCY = "latency"
    """A percentile of the milliseconds that requests take, of each version."""
    ERROR_RATE = "error_rate"
    """Percent of the requests that fail, of all versions together."""
    CPU = "cpu"
    """CPU in use, in percent of what the replicas ask for."""
    MEMORY = "memory"
    """Memory in use, in percent of what the replicas ask for."""


class AlertSeverity(StrEnum):
    """How urgent an alert is (Merlin)."""

    WARNING = "warning"
    """Somebody should look at it on the next day."""
    CRITICAL = "critical"
    """Somebody should look at it now."""


def alert_can_fire(metric: AlertMetric, target: float | None) -> None:
    """Refuse a target that nothing is beyond: no share is above 100 percent, no rate below 0. Raises `CaramlError`."""
    if target is None:
        return
    if metric is AlertMetric.ERROR_RATE and target >= 100:
        raise CaramlError(f"no error rate is above {target:g} percent", allowed="0 to less than 100")
    if metric is AlertMetric.THROUGHPUT and target == 0:
        raise CaramlError("no throughput is below 0", allowed="more than 0", fix="set enabled: false to have no alert")


def model_has_alerts(model: str, project: str, *, alerts: bool) -> None:
    """Refuse an endpoint of a model that nothing warns of. Raises `CaramlError`."""
    if not alerts:
        raise CaramlError(
            f'model "{model}" in {project} answers requests, and no alert watches it',
            fix="leave monitoring of its ModelEndpoint enabled, or add a ModelMonitoring or a PrometheusRule for it",
        )


DEFAULT_PERCENTILE: Final = 95.0
"""Of latency, where an alert names no other."""


class AlertSpec(Spec):
    """An alert: it fires when the metric has been beyond the target for five minutes (Merlin)."""

    metric: AlertMetric
    """What is watched."""
    severity: AlertSeverity
    """The alert's label ``severity``."""
    target: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)] | None = None
    """The last good value: requests per second, milliseconds, or percent. Default: that of the alert of the same metric
    and severity that it replaces."""
    percentile: Annotated[float, Field(ge=1, lt=100, strict=True)] | None = None
    """Of latency: which percentile. Default: 95."""
    enabled: bool = True
    """Whether there is this alert; false takes a default one away."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "AlertSpec":
        with as_validation_error("percentile"):
            if self.percentile is not None and self.metric is not AlertMetric.LATENCY:
                raise CaramlError(f"an alert on {self.metric} has no percentile", allowed="latency alone has one")
        with as_validation_error("target"):
            alert_can_fire(self.metric, self.target)
        return self

    @property
    def key(self) -> tuple[AlertMetric, AlertSeverity]:
        """What alerts replace each other by."""
        return self.metric, self.severity


def alerts_are_distinct(alerts: list[AlertSpec]) -> list[AlertSpec]:
    """`alerts` if no two of them are the same but for the target. Raises `CaramlError`."""
    seen = set()
    for alert in alerts:
        same = (*alert.key, alert.percentile or DEFAULT_PERCENTILE)
        if same in seen:
            raise CaramlError(
                f"there are two {alert.severity} alerts on {alert.metric}", fix="remove one of them, or merge them"
            )
        seen.add(same)
    return alerts


def _pair(metric: AlertMetric, warning: float, critical: float) -> list[AlertSpec]:
    return [
        AlertSpec(metric=metric, severity=AlertSeverity.WARNING, target=warning),
        AlertSpec(metric=metric, severity=AlertSeverity.CRITICAL, target=critical),
    ]


DEFAULT_ALERTS: Final = (
    *_pair(AlertMetric.ERROR_RATE, 1, 5),
    *_pair(AlertMetric.LATENCY, 1000, 2000),
    *_pair(AlertMetric.CPU, 80, 95),
    *_pair(AlertMetric.MEMORY, 80, 95),
)
"""The alerts of a platform that says nothing; there is no throughput that is too low for every model."""


def decided_alerts(given: Sequence[AlertSpec], defaults: Sequence[AlertSpec]) -> tuple[AlertSpec, ...]:
    """The alerts of a model: `defaults`, with those that are `given` in place of the same metric and severity.

    Raises `CaramlError` for an alert that has no target of its own and none of a default.
    """
    replaced = {alert.key for alert in given}
    targets = {alert.key: alert.target for alert in defaults}
    kept = [alert for alert in defaults if alert.key not in replaced]
    decided = []
    for alert in [*kept, *given]:
        if not alert.enabled:
            continue
        target = targets.get(alert.key) if alert.target is None else alert.target
        if target is None:
            raise CaramlError(f"the {alert.severity} alert on {alert.metric} has no target", fix="give it a target")
        percentile = (alert.percentile or DEFAULT_PERCENTILE) if alert.metric is AlertMetric.LATENCY else None
        decided.append(alert.model_copy(update={"target": target, "percentile": percentile}))
    order = list(AlertMetric)
    return tuple(
        sorted(decided, key=lambda alert: (order.index(alert.metric), alert.severity is AlertSeverity.CRITICAL))
    )
