"""The sample custom model server holds the contract: HTTP and gRPC, health and metrics, on one port."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from caraml.upi.v1.table_pb2 import Column, Row, Table, Value
from caraml.upi.v1.type_pb2 import TYPE_DOUBLE
from caraml.upi.v1.upi_pb2 import PredictValuesRequest, PredictValuesResponse, RequestMetadata
from caraml.upi.v1.upi_pb2_grpc import UniversalPredictionServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc

from examples.iris_server.predictor import FEATURES
from tests.e2e.iris_servers import IrisServer, iris_server
from tests.e2e.watched_gateway import prometheus
from tools.debian import program

pytestmark = pytest.mark.e2e

VIRGINICA = [6.6, 3.0, 5.6, 2.0]


@pytest.fixture(scope="module")
def iris() -> Iterator[IrisServer]:
    with iris_server("iris-7", CARAML_PROTOCOL="UPI_V1") as server:
        yield server


def ask_upi(server: IrisServer, *flowers: list[float]) -> PredictValuesResponse:
    request = PredictValuesRequest(
        target_name="kind",
        prediction_table=Table(
            name="flowers",
            columns=[Column(name=feature, type=TYPE_DOUBLE) for feature in FEATURES],
            rows=[
                Row(row_id=f"row-{number}", values=[Value(double_value=value) for value in flower])
                for number, flower in enumerate(flowers)
            ],
        ),
        metadata=RequestMetadata(prediction_id="p1"),
    )
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        response: PredictValuesResponse = UniversalPredictionServiceStub(channel).PredictValues(request, timeout=10)
    return response


def test_predictions_over_http_are_at_the_full_name(iris: IrisServer) -> None:
    assert iris.get("/").status == 200
    assert iris.get("/v1/models/iris-7").status == 200
    assert iris.get("/v1/models/iris-8").status == 404
    assert iris.predict({"instances": [VIRGINICA, [5.1, 3.5, 1.4, 0.2]]}).json() == {
        "predictions": ["virginica", "setosa"],
        "model": "iris-7",
    }


def test_predictions_over_grpc_are_a_row_for_each_row(iris: IrisServer) -> None:
    response = ask_upi(iris, VIRGINICA, [5.1, 3.5, 1.4, 0.2])
    rows = response.prediction_result_table.rows
    assert [(row.row_id, row.values[0].string_value) for row in rows] == [("row-0", "virginica"), ("row-1", "setosa")]
    assert (response.target_name, response.metadata.prediction_id) == ("kind", "p1")


def test_kubernetes_grpc_probe_is_answered(iris: IrisServer) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{iris.port}") as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=""), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_metrics_of_both_protocols_are_well_formed_and_on_the_same_port(iris: IrisServer) -> None:
    iris.predict()
    ask_upi(iris, VIRGINICA)
    metrics = iris.get("/metrics").data
    for protocol in (b"HTTP_JSON", b"UPI_V1"):
        assert b'iris_predictions_total{model="iris-7",outcome="ok",protocol="%s"}' % protocol in metrics
    checked = subprocess.run([program("promtool"), "check", "metrics"], input=metrics, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_prometheus_scrapes_servers_of_both_protocols(iris: IrisServer, tmp_path: Path) -> None:
    with iris_server("iris-8") as http, prometheus(tmp_path, {"upi": iris.port, "http": http.port}, []) as watcher:
        http.predict()
        ask_upi(iris, VIRGINICA)
        predictions = "sum by (job, protocol) (iris_predictions_total)"
        found: set[tuple[str, str]] = set()
        deadline = time.monotonic() + 60
        while not {("http", "HTTP_JSON"), ("upi", "UPI_V1")} <= found:
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
            series = watcher.get("query", query=predictions)["result"]
            found = {(one["metric"]["job"], one["metric"]["protocol"]) for one in series}
        assert ("http", "UPI_V1") not in found


@pytest.mark.parametrize("body", [{}, [], {"instances": 3}, {"instances": [[1, 2]]}, {"instances": [["a", 1, 2, 3]]}])
def test_a_malformed_request_is_the_clients_fault(iris: IrisServer, body: object) -> None:
    assert iris.predict(body).status == 400


def test_a_malformed_row_is_the_clients_fault(iris: IrisServer) -> None:
    with pytest.raises(grpc.RpcError) as error:
        ask_upi(iris, [1.0, 2.0])
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_request_shorter_than_the_preface_of_http_2_is_answered(iris: IrisServer) -> None:
    with socket.create_connection(("127.0.0.1", iris.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"


def test_connections_that_say_nothing_do_not_hold_up_others(iris: IrisServer) -> None:
    with socket.create_connection(("127.0.0.1", iris.port)):
        socket.create_connection(("127.0.0.1", iris.port)).close()
        assert iris.get("/").status == 200


def test_errors_and_latency_can_be_asked_for() -> None:
    with iris_server("iris-2", IRIS_ERROR_RATE="1", IRIS_LATENCY_SECONDS="0.06") as server:
        assert server.predict().status == 500
        with pytest.raises(grpc.RpcError) as error:
            ask_upi(server, VIRGINICA)
        assert error.value.code() is grpc.StatusCode.INTERNAL
        metrics = server.get("/metrics").data.decode()
    assert 'iris_predictions_total{model="iris-2",outcome="error",protocol="HTTP_JSON"} 1.0' in metrics
    assert 'iris_prediction_seconds_bucket{le="0.05",model="iris-2",protocol="UPI_V1"} 0.0' in metrics


def test_artifacts_replace_the_model_of_the_image(tmp_path: Path) -> None:
    (tmp_path / "centroids.json").write_text('{"rose": [0, 0, 0, 0]}')
    with iris_server("iris-3", CARAML_ARTIFACT_LOCATION=str(tmp_path)) as server:
        assert server.predict().json()["predictions"] == ["rose"]


def test_a_server_that_is_asked_to_end_ends() -> None:
    with iris_server("iris-4") as server:
        pass
    assert server.process.returncode == 0
