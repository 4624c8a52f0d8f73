"""Metrics of requests under the names that platforms know: OpenTelemetry's over HTTP, go-grpc-prometheus' over gRPC.

With them the alerts and dashboards of caraml-pulumi work where no gateway and no queue-proxy counts requests
(`monitoring.requestMetrics: SERVER`).
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import grpc
from prometheus_client import CollectorRegistry, Counter, Histogram

UNARY = "unary"


class HttpMetrics:
    """How long requests over HTTP take, by method and status."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "http_server_request_duration_seconds",
            "Time of a request over HTTP.",
            ["http_request_method", "http_response_status_code"],
            registry=registry,
        )

    def answered(self, method: str, status: HTTPStatus, seconds: float) -> None:
        """Count a request."""
        self._seconds.labels(method, str(status.value)).observe(seconds)


class GrpcMetrics(grpc.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """How many calls over gRPC end in which status, and how long they take."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["grpc_type", "grpc_service", "grpc_method"]
        self._handled = Counter("grpc_server_handled", "Calls over gRPC.", [*labels, "grpc_code"], registry=registry)
        self._seconds = Histogram(
            "grpc_server_handling_seconds", "Time of a call over gRPC.", labels, registry=registry
        )

    def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """Measure calls of one request and one answer, as predictions are."""
        handler = continuation(handler_call_details)
        answer = None if handler is None else handler.unary_unary
        if handler is None or answer is None:
            return handler
        _, service, method = handler_call_details.method.split("/")

        def measured(request: object, context: Any) -> object:  # noqa: ANN401 - its code is not in the stubs
            start, code = time.perf_counter(), grpc.StatusCode.UNKNOWN
            try:
                answered = answer(request, context)
                code = grpc.StatusCode.OK
                return answered
            finally:
                self._seconds.labels(UNARY, service, method).observe(time.perf_counter() - start)
                self._handled.labels(UNARY, service, method, code_name(context.code() or code)).inc()

        return grpc.unary_unary_rpc_method_handler(
            measured, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer
        )


def code_name(code: grpc.StatusCode) -> str:
    """A gRPC status as Go writes it: `InvalidArgument`."""
    return "OK" if code is grpc.StatusCode.OK else "".join(part.capitalize() for part in code.name.split("_"))
