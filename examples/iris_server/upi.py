"""UPI_V1: the Universal Prediction Interface over gRPC, with gRPC's health check for the probes."""

from concurrent.futures import ThreadPoolExecutor

import grpc
from caraml.upi.v1.table_pb2 import Column, Row, Table, Value
from caraml.upi.v1.type_pb2 import TYPE_STRING
from caraml.upi.v1.upi_pb2 import PredictValuesRequest, PredictValuesResponse, ResponseMetadata
from caraml.upi.v1.upi_pb2_grpc import (
    UniversalPredictionServiceServicer,
    add_UniversalPredictionServiceServicer_to_server,
)
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from .predictor import Failure, InvalidRequest, Predictor
from .request_metrics import GrpcMetrics


class Service(UniversalPredictionServiceServicer):  # type: ignore[misc]  # generated without types
    """Answers `PredictValues`: a row for each row that was asked for, in the same order."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def PredictValues(self, request: PredictValuesRequest, context: grpc.ServicerContext) -> PredictValuesResponse:
        """The kind of the flower in each row of the prediction table."""
        rows = request.prediction_table.rows
        try:
            kinds = self._predictor.predict("UPI_V1", [[value.double_value for value in row.values] for row in rows])
        except InvalidRequest as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except Failure as error:
            context.abort(grpc.StatusCode.INTERNAL, str(error))
        return PredictValuesResponse(
            prediction_result_table=Table(
                name="predictions",
                columns=[Column(name="kind", type=TYPE_STRING)],
                rows=[
                    Row(row_id=row.row_id, values=[Value(string_value=kind)])
                    for row, kind in zip(rows, kinds, strict=True)
                ],
            ),
            target_name=request.target_name,
            metadata=ResponseMetadata(prediction_id=request.metadata.prediction_id),
        )


def grpc_server(predictor: Predictor, address: str) -> grpc.Server:
    """A server of UPI and of gRPC's health check at `address`, not started yet."""
    server = grpc.server(ThreadPoolExecutor(max_workers=16), interceptors=[GrpcMetrics(predictor.registry)])
    add_UniversalPredictionServiceServicer_to_server(Service(predictor), server)
    healthy = health.HealthServicer()
    healthy.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    server.add_insecure_port(address)
    return server
