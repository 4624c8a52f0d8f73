"""What the platform and the person who tries things out tell the server, in environment variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SHIPPED_MODEL = Path(__file__).parent / "model"
"""The model of an image that gets no artifacts."""


@dataclass(frozen=True)
class Settings:
    """The contract's variables, and three to make the server worse than it is."""

    full_name: str
    """`CARAML_MODEL_FULL_NAME`: the name of the model in its paths, such as ``iris-2``."""
    port: int
    """`CARAML_GRPC_PORT` if `CARAML_PROTOCOL` is UPI_V1, else `CARAML_HTTP_PORT`."""
    model_dir: Path
    """`CARAML_ARTIFACT_LOCATION`, if there is a model; else the one in the image."""
    address: str
    """`IRIS_ADDRESS`: where to listen. Default: everywhere, as a container has to."""
    error_rate: float
    """`IRIS_ERROR_RATE`: the share of predictions that fail, 0 to 1. Default: 0."""
    latency_seconds: float
    """`IRIS_LATENCY_SECONDS`: how much longer each prediction takes. Default: 0."""


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in `environment`. Raises KeyError and ValueError for variables that are missing or wrong."""
    grpc = environment.get("CARAML_PROTOCOL") == "UPI_V1"
    artifacts = Path(environment.get("CARAML_ARTIFACT_LOCATION", "/mnt/models"))
    return Settings(
        full_name=environment["CARAML_MODEL_FULL_NAME"],
        port=int(environment["CARAML_GRPC_PORT" if grpc else "CARAML_HTTP_PORT"]),
        model_dir=artifacts if (artifacts / "centroids.json").exists() else SHIPPED_MODEL,
        address=environment.get("IRIS_ADDRESS", ""),
        error_rate=float(environment.get("IRIS_ERROR_RATE", "0")),
        latency_seconds=float(environment.get("IRIS_LATENCY_SECONDS", "0")),
    )
