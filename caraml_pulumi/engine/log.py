"""Pulumi's Engine protocol: what a program and its dynamic providers log."""

from collections.abc import Mapping
from typing import Final

from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2

from caraml_pulumi.engine.output_capture import outside_program
from caraml_pulumi.engine.reporter import Reporter, Severity

_SEVERITIES: Final[Mapping[int, Severity]] = {
    engine_pb2.DEBUG: "debug",
    engine_pb2.INFO: "info",
    engine_pb2.WARNING: "warning",
    engine_pb2.ERROR: "error",
}


class EngineLog:
    """Passes messages on to the display. Methods take one message each, as those of `Monitor` do."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    @outside_program
    def Log(self, request: engine_pb2.LogRequest, context: object = None) -> Empty:
        """A message of the program, or of its SDK. The SDK's debug messages are many, and dropped."""
        severity = _SEVERITIES[request.severity]
        if severity != "debug":
            self._reporter.diagnostic(severity, request.message.rstrip("\n"), request.urn, ephemeral=request.ephemeral)
        return Empty()

    def RequirePulumiVersion(
        self, request: engine_pb2.RequirePulumiVersionRequest, context: object = None
    ) -> engine_pb2.RequirePulumiVersionResponse:
        """Any version is fine: the embedded engine follows the SDK that is installed."""
        return engine_pb2.RequirePulumiVersionResponse()
