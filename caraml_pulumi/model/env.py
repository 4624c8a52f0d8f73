"""The environment variables that a model's container is promised, and the names users may not take."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.deferred import is_deferred
from caraml_pulumi.model.modes import DeploymentMode

HTTP_PORT: Final = 8080
"""The port of an HTTP_JSON model: `CARAML_HTTP_PORT`."""
GRPC_PORT: Final = 9000
"""The port of a UPI_V1 model: `CARAML_GRPC_PORT`."""
ARTIFACT_LOCATION: Final = "/mnt/models"
"""Where a model finds its artifacts: `CARAML_ARTIFACT_LOCATION`."""

CONTRACT_NAMES: Final = (
    "STORAGE_URI",
    "CARAML_HTTP_PORT",
    "CARAML_GRPC_PORT",
    "CARAML_MODEL_NAME",
    "CARAML_MODEL_VERSION",
    "CARAML_MODEL_FULL_NAME",
    "CARAML_ARTIFACT_LOCATION",
)
"""What the platform sets (seed: Custom Model, Environment Variables)."""
LEGACY_NAMES: Final = ("MERLIN_PREDICTOR_PORT", "MERLIN_MODEL_NAME", "MERLIN_ARTIFACT_LOCATION")
"""What Merlin set before; kept free."""
KNATIVE_NAMES: Final = ("PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION")
"""What Knative sets, and refuses in a Service."""
DISABLE_LIVENESS_NAMES: Final = ("CARAML_DISABLE_LIVENESS_PROBE", "MERLIN_DISABLE_LIVENESS_PROBE")
"""Either of them set to ``true``, in any case, turns the liveness probe off (seed: Deploying a Model Version)."""

_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


def env_name(value: str) -> str:
    """The name of a variable, as Kubernetes takes it and as no other part of the platform sets it."""
    if not _NAME.fullmatch(value):
        raise CaramlError(
            f'"{value}" is not a name of an environment variable',
            allowed="letters, digits, _ - and .; no digit first",
        )
    if value in CONTRACT_NAMES or value in LEGACY_NAMES:
        raise CaramlError(
            f'environment variable "{value}" is set by the platform',
            allowed="any but " + ", ".join((*CONTRACT_NAMES, *LEGACY_NAMES)),
            fix="remove it, or choose another name",
        )
    return value


def env_names_free_in_mode(names: Iterable[str], mode: DeploymentMode) -> None:
    """Refuse the names that Knative keeps for itself, in SERVERLESS."""
    taken = [name for name in names if name in KNATIVE_NAMES]
    if taken and mode is DeploymentMode.SERVERLESS:
        raise CaramlError(
            f'environment variable "{taken[0]}" is set by Knative',
            allowed="any but " + ", ".join(KNATIVE_NAMES),
            fix="remove it, or choose another name",
        )


def liveness_wanted(variables: Mapping[str, Any]) -> bool:
    """Whether a version gets a liveness probe: it does unless either switch is ``true`` in any case.

    Raises `CaramlError` for a switch that is not known at preview.
    """
    for name in DISABLE_LIVENESS_NAMES:
        value = variables.get(name, "")
        if is_deferred(value):
            raise CaramlError(f'environment variable "{name}" must be known at preview', fix="give a plain value")
        if value.lower() == "true":
            return False
    return True


def contract(*, model: str, version: int, full_name: str, storage_uri: str | None = None) -> dict[str, str]:
    """The variables of the contract, in the order of the seed's table; STORAGE_URI only with an artifact."""
    storage = {"STORAGE_URI": storage_uri} if storage_uri else {}
    return storage | {
        "CARAML_HTTP_PORT": str(HTTP_PORT),
        "CARAML_GRPC_PORT": str(GRPC_PORT),
        "CARAML_MODEL_NAME": model,
        "CARAML_MODEL_VERSION": str(version),
        "CARAML_MODEL_FULL_NAME": full_name,
        "CARAML_ARTIFACT_LOCATION": ARTIFACT_LOCATION,
    }
