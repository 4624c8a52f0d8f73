"""Which series count the requests of a version: by its mode, its protocol, and whose metrics the platform has.

An error is an answer that is the server's fault: HTTP 500 and above, and the gRPC statuses that OpenTelemetry counts as
errors of a server. Merlin counts every answer but 200 and OK.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.monitoring import KnativeTelemetry, MonitoringSpec, RequestMetrics
from caraml_pulumi.model.names import container_name
from caraml_pulumi.model.promql import Series, quoted
from caraml_pulumi.model.watched import WatchedVersion, pod_names, revision_names, service_names

HTTP_ERRORS: Final = "5.."
GRPC_ERRORS: Final = {
    "Unknown": 2,
    "DeadlineExceeded": 4,
    "Unimplemented": 12,
    "Internal": 13,
    "Unavailable": 14,
    "DataLoss": 15,
}
"""The statuses that are a server's fault, by the names that go-grpc-prometheus gives them."""
QUEUE_PROXY_CONTAINER: Final = "queue-proxy"


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Whose metrics tell of requests, and the label that all metrics of the cluster have."""

    requests: RequestMetrics = RequestMetrics.ISTIO
    knative: KnativeTelemetry = KnativeTelemetry.OPENCENSUS
    cluster_name: str | None = None

    def labels(self, **labels: str) -> tuple[tuple[str, str], ...]:
        """`labels` and that of the cluster."""
        cluster = {"cluster_name": self.cluster_name} if self.cluster_name else {}
        return tuple({**cluster, **labels}.items())


def telemetry(monitoring: MonitoringSpec, *, routed_by_istio: bool) -> Telemetry:
    """What `monitoring` says, with its default decided."""
    default = RequestMetrics.ISTIO if routed_by_istio else RequestMetrics.QUEUE_PROXY
    return Telemetry(monitoring.request_metrics or default, monitoring.knative_telemetry, monitoring.cluster_name)


@dataclass(frozen=True, slots=True)
class RequestSeries:
    """Counters of a version's requests, and the histogram of their durations."""

    requests: Series
    failed: Series
    durations: Series
    milliseconds: int
    """What the durations are multiplied by to be milliseconds."""


def of_istio(version: WatchedVersion, on: Telemetry) -> RequestSeries:
    """What the gateways of Istio count, who call the version's Service.

    A gateway names the Service also where no replica answers; the workload, by which Merlin selects, is then unknown.
    Sidecars of the replicas count the same requests again, as `reporter` destination.
    """
    grpc = version.protocol is Protocol.UPI_V1
    labels = on.labels(
        destination_service_namespace=version.project,
        reporter="source",
        request_protocol="grpc" if grpc else "http",
    )
    by, names = "destination_service_name", (service_names(version),)
    requests = Series("istio_requests_total", labels, by, names)
    statuses = "|".join(str(status) for status in GRPC_ERRORS.values())
    error = f"grpc_response_status=~{quoted(statuses)}" if grpc else f"response_code=~{quoted(HTTP_ERRORS)}"
    durations = Series("istio_request_duration_milliseconds_bucket", labels, by, names)
    return RequestSeries(requests, requests.with_matcher(error), durations, 1)


def of_queue_proxy(version: WatchedVersion, on: Telemetry) -> RequestSeries:
    """What Knative's queue-proxy counts beside each replica, without probes."""
    if on.knative is KnativeTelemetry.OPENTELEMETRY:
        return _of_opentelemetry(version, on, {"container": QUEUE_PROXY_CONTAINER})
    labels, names = on.labels(namespace_name=version.project), (revision_names(version),)
    requests = Series("revision_request_count", labels, "revision_name", names)
    durations = Series("revision_request_latencies_bucket", labels, "revision_name", names)
    return RequestSeries(requests, requests.with_matcher('response_code_class="5xx"'), durations, 1)


def of_server(version: WatchedVersion, on: Telemetry) -> RequestSeries:
    """What the model's server counts itself, without what probes ask."""
    container = container_name(version.entry)
    if version.protocol is not Protocol.UPI_V1:
        return _of_opentelemetry(version, on, {"container": container, "http_request_method": "POST"})
    labels, names = on.labels(namespace=version.project, container=container), (pod_names(version, version.entry),)
    but = ('grpc_service!="grpc.health.v1.Health"',)
    requests = Series("grpc_server_handled_total", labels, "pod", names, but)
    failed = requests.with_matcher(f"grpc_code=~{quoted('|'.join(GRPC_ERRORS))}")
    return RequestSeries(
        requests, failed, Series("grpc_server_handling_seconds_bucket", labels, "pod", names, but), 1000
    )


def _of_opentelemetry(version: WatchedVersion, on: Telemetry, labels: Mapping[str, str]) -> RequestSeries:
    chosen, names = on.labels(namespace=version.project, **labels), (pod_names(version, version.entry),)
    requests = Series("http_server_request_duration_seconds_count", chosen, "pod", names)
    failed = requests.with_matcher(f"http_response_status_code=~{quoted(HTTP_ERRORS)}")
    durations = Series("http_server_request_duration_seconds_bucket", chosen, "pod", names)
    return RequestSeries(requests, failed, durations, 1000)


def served(version: WatchedVersion, on: Telemetry) -> RequestSeries:
    """What tells how many requests the version's replicas serve, and how fast."""
    if on.requests is RequestMetrics.SERVER:
        return of_server(version, on)
    if version.mode is DeploymentMode.SERVERLESS:
        return of_queue_proxy(version, on)
    return of_istio(version, on) if on.requests is RequestMetrics.ISTIO else of_server(version, on)


def answered(version: WatchedVersion, on: Telemetry) -> RequestSeries:
    """What tells how many of its requests fail.

    A gateway sees also those that reach no replica; over gRPC the queue-proxy sees no failure at all, since its HTTP
    status is 200.
    """
    if on.requests is RequestMetrics.ISTIO:
        return of_istio(version, on)
    return of_server(version, on) if version.protocol is Protocol.UPI_V1 else served(version, on)
