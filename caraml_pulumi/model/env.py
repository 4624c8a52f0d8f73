"""The environment variables that a model's container is promised, and the names users may not take."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.deferred import Value, is_deferred
from caraml_pulumi.model.modes import DeploymentMode, Protocol

HTTP_PORT: Final = 8080
"""The port of an HTTP_JSON model: `CARAML_HTTP_PORT`."""
GRPC_PORT: Final = 9000
"""The port of a UPI_V1 model: `CARAML_GRPC_PORT`."""
ARTIFACT_LOCATION: Final = "/mnt/models"
"""Where a model finds its artifacts: `CARAML_ARTIFACT_LOCATION`."""

SELDON_PORT: Final = 9000
"""The port of a SELDON model: `PREDICTIVE_UNIT_SERVICE_PORT` (PrimeHub)."""
PORTS: Final = {Protocol.HTTP_JSON: HTTP_PORT, Protocol.UPI_V1: GRPC_PORT, Protocol.SELDON: SELDON_PORT}
"""Where a server of each protocol listens."""

CONTRACT_NAMES: Final = (
    "STORAGE_URI",
    "CARAML_HTTP_PORT",
    "CARAML_GRPC_PORT",
    "CARAML_MODEL_NAME",
    "CARAML_MODEL_VERSION",
    "CARAML_MODEL_FULL_NAME",
    "CARAML_ARTIFACT_LOCATION",
    "CARAML_PROTOCOL",
    "CARAML_PROJECT",
    "CARAML_PREDICTOR_HOST",
)
"""What the platform sets (seed: Custom Model, Environment Variables), and what Merlin sets for transformers besides."""
LEGACY_NAMES: Final = (
    "MERLIN_PREDICTOR_PORT",
    "MERLIN_MODEL_NAME",
    "MERLIN_ARTIFACT_LOCATION",
    "MERLIN_TRANSFORMER_PORT",
    "MERLIN_TRANSFORMER_MODEL_NAME",
    "MERLIN_TRANSFORMER_MODEL_PREDICT_URL",
)
"""What Merlin set before; kept free, and set again where the platform's `legacyEnv` is on."""
KNATIVE_NAMES: Final = ("PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION")
"""What Knative sets, and refuses in a Service."""
DISABLE_LIVENESS_NAMES: Final = ("CARAML_DISABLE_LIVENESS_PROBE", "MERLIN_DISABLE_LIVENESS_PROBE")
"""Either of them set to ``true``, in any case, turns the liveness probe off (seed: Deploying a Model Version)."""

SELDON_NAMES: Final = (
    "PREDICTIVE_UNIT_SERVICE_PORT",
    "PREDICTIVE_UNIT_HTTP_SERVICE_PORT",
    "PREDICTIVE_UNIT_ID",
    "PREDICTIVE_UNIT_IMAGE",
    "PREDICTOR_ID",
    "SELDON_DEPLOYMENT_ID",
    "PREDICTIVE_UNIT_PARAMETERS",
)
"""What the platform sets for a model of protocol SELDON (PrimeHub)."""

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


def env_names_free_in_protocol(names: Iterable[str], protocol: Protocol) -> None:
    """Refuse the names that a Seldon predictive unit gets from the platform, in SELDON. Raises `CaramlError`."""
    if protocol is Protocol.SELDON:
        env_names_free(names, SELDON_NAMES)


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


def env_names_free(names: Iterable[str], set_by_platform: Iterable[str]) -> None:
    """Refuse names that this workload's own contract sets, such as PREDICTIVE_UNIT_* for SELDON."""
    taken = sorted({*names} & {*set_by_platform})
    if taken:
        raise CaramlError(
            f'environment variable "{taken[0]}" is set by the platform', fix="remove it, or choose another name"
        )


@dataclass(frozen=True, slots=True)
class Served:
    """What a container serves: a version of a model in a project."""

    model: str
    version: int
    full_name: str
    project: str


def model_contract(
    served: Served, protocol: Protocol, *, image: Value, storage_uri: Value | None, legacy: bool
) -> dict[str, Value]:
    """The variables of a model's container, in the order of the seed's table; STORAGE_URI only with an artifact.

    `CARAML_PROTOCOL` and `CARAML_PROJECT` are what Merlin gives its other containers. SELDON has the variables of a
    Seldon predictive unit in place of CaraML's ports (PrimeHub).
    """
    storage = {} if storage_uri is None else {"STORAGE_URI": storage_uri}
    seldon = protocol is Protocol.SELDON
    ports = {} if seldon else {"CARAML_HTTP_PORT": str(HTTP_PORT), "CARAML_GRPC_PORT": str(GRPC_PORT)}
    contract = {
        **storage,
        **ports,
        **_identity(served, protocol),
        "CARAML_ARTIFACT_LOCATION": ARTIFACT_LOCATION,
    }
    if seldon:
        contract |= _predictive_unit(served.full_name, image, has_artifact=storage_uri is not None)
    if legacy:
        contract |= {
            "MERLIN_PREDICTOR_PORT": str(PORTS[protocol]),
            "MERLIN_MODEL_NAME": served.full_name,
            "MERLIN_ARTIFACT_LOCATION": ARTIFACT_LOCATION,
        }
    return contract


def transformer_contract(served: Served, protocol: Protocol, *, predictor_host: str, legacy: bool) -> dict[str, Value]:
    """The variables of a transformer's container (Merlin)."""
    contract: dict[str, Value] = {
        "CARAML_HTTP_PORT": str(HTTP_PORT),
        "CARAML_GRPC_PORT": str(GRPC_PORT),
        **_identity(served, protocol),
        "CARAML_PREDICTOR_HOST": predictor_host,
    }
    if legacy:
        contract |= {
            "MERLIN_TRANSFORMER_PORT": str(HTTP_PORT),
            "MERLIN_TRANSFORMER_MODEL_NAME": served.full_name,
            "MERLIN_TRANSFORMER_MODEL_PREDICT_URL": predictor_host,
        }
    return contract


def _identity(served: Served, protocol: Protocol) -> dict[str, Value]:
    return {
        "CARAML_MODEL_NAME": served.model,
        "CARAML_MODEL_VERSION": str(served.version),
        "CARAML_MODEL_FULL_NAME": served.full_name,
        "CARAML_PROTOCOL": protocol.value,
        "CARAML_PROJECT": served.project,
    }


def _predictive_unit(full_name: str, image: Value, *, has_artifact: bool) -> dict[str, Value]:
    """What a Seldon language wrapper reads, with PrimeHub's values."""
    parameters = [{"name": "model_uri", "value": ARTIFACT_LOCATION, "type": "STRING"}]
    return {
        "PREDICTIVE_UNIT_SERVICE_PORT": str(SELDON_PORT),
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(SELDON_PORT),
        "PREDICTIVE_UNIT_ID": "model",
        "PREDICTIVE_UNIT_IMAGE": image,
        "PREDICTOR_ID": "deploy",
        "SELDON_DEPLOYMENT_ID": full_name,
        **({"PREDICTIVE_UNIT_PARAMETERS": json.dumps(parameters, separators=(",", ":"))} if has_artifact else {}),
    }
