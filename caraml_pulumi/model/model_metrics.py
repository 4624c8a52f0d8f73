"""The metrics of a model: of each its title, its unit, and what Prometheus is asked.

Alerts, recording rules, dashboards and rollouts are made of these objects, so that they all see the same numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from caraml_pulumi.model.alerts import DEFAULT_PERCENTILE, AlertMetric
from caraml_pulumi.model.labels import PREDICTOR
from caraml_pulumi.model.names import container_name
from caraml_pulumi.model.promql import Series, labelled, rates, total, total_rate, union
from caraml_pulumi.model.request_series import Telemetry, answered, served
from caraml_pulumi.model.watched import WatchedVersion, pod_names

WINDOW: Final = "1m"
"""Over how long rates are taken (Merlin)."""
VERSION_LABEL: Final = "model_version"
"""The label with a version's full name: Merlin's variable of dashboards."""

Versions = Sequence[WatchedVersion]
Query = Callable[[Versions, Telemetry, str, float], str]
"""What is asked of some versions, over a window and, of latency, for a percentile."""


@dataclass(frozen=True, slots=True)
class ModelMetric:
    """A metric of a model's versions."""

    title: str
    """As the names of Merlin's alerts have it."""
    unit: str
    """As Grafana names it."""
    record: str
    """The name under which it is recorded for each version."""
    query: Query

    def of(
        self, versions: Versions, on: Telemetry, *, window: str = WINDOW, percentile: float = DEFAULT_PERCENTILE
    ) -> str:
        """The metric of `versions` in PromQL: latency and weight of each, all else of all together."""
        return self.query(versions, on, window, percentile)


def requests_per_second(versions: Versions, on: Telemetry, window: str) -> str:
    """How many requests there are in a second, where failures are counted."""
    return total_rate([answered(version, on).requests for version in versions], window)


def failures_per_second(versions: Versions, on: Telemetry, window: str) -> str:
    """How many of them fail; 0 where nothing has failed yet."""
    failed = total_rate([answered(version, on).failed for version in versions], window)
    return f"({failed} or vector(0))"


def _throughput(versions: Versions, on: Telemetry, window: str, _: float) -> str:
    """No series is no request: a model that nobody reaches has none, and that is to be noticed."""
    found = total_rate([served(version, on).requests for version in versions], window)
    return f"round({found}, 0.001) or vector(0)"


def _error_rate(versions: Versions, on: Telemetry, window: str, _: float) -> str:
    return f"100 * {failures_per_second(versions, on, window)} / {requests_per_second(versions, on, window)}"


def _latency(versions: Versions, on: Telemetry, window: str, percentile: float) -> str:
    """Of each version, since buckets of different histograms cannot be added."""
    return union([labelled(_quantile(one, on, window, percentile), VERSION_LABEL, one.full_name) for one in versions])


def _quantile(version: WatchedVersion, on: Telemetry, window: str, percentile: float) -> str:
    found = served(version, on)
    quantile = f"histogram_quantile({percentile / 100:.12g}, sum by (le) ({rates([found.durations], window)}))"
    return quantile if found.milliseconds == 1 else f"{found.milliseconds} * {quantile}"


def _cpu(versions: Versions, on: Telemetry, window: str, _: float) -> str:
    used = total_rate(_containers("container_cpu_usage_seconds_total", versions, on), window)
    return f"100 * {used} / {_requested('cpu', versions, on)}"


def _memory(versions: Versions, on: Telemetry, _: str, __: float) -> str:
    """The working set, by which the kubelet kills: other memory is only files that could be read again."""
    used = total(_containers("container_memory_working_set_bytes", versions, on))
    return f"100 * {used} / {_requested('memory', versions, on)}"


def _requested(resource: str, versions: Versions, on: Telemetry) -> str:
    return total(_containers("kube_pod_container_resource_requests", versions, on, resource=resource))


def _containers(metric: str, versions: Versions, on: Telemetry, **labels: str) -> Iterator[Series]:
    """The series of the containers of models and transformers, without what runs beside them."""
    for version in versions:
        for component in version.components:
            chosen = on.labels(namespace=version.project, container=container_name(component), **labels)
            yield Series(metric, chosen, "pod", (pod_names(version, component),))


def _replicas(versions: Versions, on: Telemetry, _: str, __: float) -> str:
    """Pods of predictors that are ready."""
    ready = [
        Series(
            "kube_pod_status_ready",
            on.labels(namespace=version.project, condition="true"),
            "pod",
            (pod_names(version, PREDICTOR),),
        )
        for version in versions
    ]
    return f"{total(ready)} or vector(0)"


def _weight(versions: Versions, _: Telemetry, __: str, ___: float) -> str:
    """What the endpoint is told, so that it can be compared with the requests that arrive."""
    return union([labelled(f"vector({one.weight or 0})", VERSION_LABEL, one.full_name) for one in versions])


METRICS: Final = {
    AlertMetric.THROUGHPUT: ModelMetric("Throughput", "reqps", "caraml_model_version:requests:rate1m", _throughput),
    AlertMetric.LATENCY: ModelMetric("Latency", "ms", "caraml_model_version:latency_milliseconds:rate1m", _latency),
    AlertMetric.ERROR_RATE: ModelMetric(
        "Error Rate", "percent", "caraml_model_version:error_percent:rate1m", _error_rate
    ),
    AlertMetric.CPU: ModelMetric("Cpu", "percent", "caraml_model_version:cpu_percent:rate1m", _cpu),
    AlertMetric.MEMORY: ModelMetric("Memory", "percent", "caraml_model_version:memory_percent", _memory),
}
"""What alerts watch."""
REPLICAS: Final = ModelMetric("Replicas", "short", "caraml_model_version:replicas", _replicas)
WEIGHT: Final = ModelMetric("Weight", "percent", "caraml_model_version:weight_percent", _weight)


@dataclass(frozen=True, slots=True)
class VersionQueries:
    """What a rollout asks about one version."""

    requests: str
    """Requests per second."""
    error_rate: str
    """Percent of the requests that fail; nothing while there are none."""
    latency: str
    """Milliseconds; nothing while there are no requests."""


def version_queries(
    version: WatchedVersion, on: Telemetry, *, window: str = WINDOW, percentile: float = DEFAULT_PERCENTILE
) -> VersionQueries:
    """The expressions of one version, as its alerts have them."""

    def asked(kind: AlertMetric) -> str:
        return METRICS[kind].of([version], on, window=window, percentile=percentile)

    return VersionQueries(asked(AlertMetric.THROUGHPUT), asked(AlertMetric.ERROR_RATE), asked(AlertMetric.LATENCY))
