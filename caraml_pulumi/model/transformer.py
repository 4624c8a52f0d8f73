"""A transformer: what stands before a version's model, and changes what goes in and what comes out."""

import json
from enum import StrEnum
from typing import Annotated, Final

from pydantic import model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.deferred import Value
from caraml_pulumi.model.images import image_reference
from caraml_pulumi.model.modes import Protocol
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.spec import as_validation_error, deferrable, prepared, rule
from caraml_pulumi.model.workload import WorkloadSettings

CONFIG_NAME: Final = "STANDARD_TRANSFORMER_CONFIG"
UPI_HTTP_NAME: Final = "PREDICTOR_UPI_HTTP_ENABLED"
"""A transformer's variable: ``true`` if its predictor speaks HTTP_JSON though the version speaks UPI_V1 (Merlin)."""
SERVER_DEFAULTS: Final = {"SERVER_TIMEOUT": "30s", "MODEL_TIMEOUT": "1s"}
"""Merlin's, for the standard transformer."""


class TransformerType(StrEnum):
    """What kind of transformer it is; the values are Merlin's."""

    CUSTOM = "custom"
    """An image of the user's."""
    STANDARD = "standard"
    """Merlin's image, and a configuration."""


def compact_json(value: Value) -> Value:
    """A configuration as compact JSON text, from a map or a text. Raises `CaramlError` for a text that is not JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise CaramlError(f"the configuration is not JSON: {error}", fix="give a map, or JSON") from None
    return json.dumps(value, separators=(",", ":"), sort_keys=True) if isinstance(value, dict) else value


class TransformerSettings(WorkloadSettings):
    """A transformer, as a user asks for it; it runs in the mode of its version and speaks its protocol."""

    type: TransformerType = TransformerType.CUSTOM
    """Whether it is an image of one's own or Merlin's standard transformer."""
    image: Annotated[str, rule(image_reference), deferrable(image_reference)] | None = None
    """The image of a custom transformer."""
    config: Annotated[str, prepared(compact_json)] | None = None
    """The configuration of the standard transformer: a map, or JSON."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "TransformerSettings":
        with as_validation_error("image"):
            if self.type is TransformerType.CUSTOM and self.image is None:
                raise CaramlError("transformer image name is not specified", fix="add its image")
            if self.type is TransformerType.STANDARD and self.image is not None:
                raise CaramlError(
                    "the image of the standard transformer is the platform's", fix="remove it, or type custom"
                )
        with as_validation_error("config"):
            if self.type is TransformerType.STANDARD and self.config is None:
                raise CaramlError("the standard transformer has no config", fix="add its config")
            if self.type is TransformerType.CUSTOM and self.config is not None:
                raise CaramlError("a custom transformer takes no config", fix="pass it in env, or use type standard")
        return self


def transformer_image(settings: TransformerSettings, platform: PlatformSpec) -> Value:
    """The image that runs. Raises `CaramlError` where the platform offers no standard transformer."""
    if settings.type is TransformerType.CUSTOM:
        return settings.image
    if platform.standard_transformer is None:
        raise CaramlError(
            "the platform offers no standard transformer", fix="set the platform's standardTransformer, or type custom"
        )
    return platform.standard_transformer.image


def standard_env(
    settings: TransformerSettings, platform: PlatformSpec, protocol: Protocol, *, project: str, model: str
) -> dict[str, str]:
    """The variables of the standard transformer, which a user's own may override; none for a custom one.

    For UPI_V1 it logs predictions to Kafka, to a topic of the model (Merlin).
    """
    if settings.type is TransformerType.CUSTOM or platform.standard_transformer is None:
        return {}
    logs = protocol is Protocol.UPI_V1
    topic = {"KAFKA_TOPIC": f"caraml-{project}-{model}-prediction-log"} if logs else {}
    config = {CONFIG_NAME: settings.config or ""}
    return {**SERVER_DEFAULTS, **topic, **platform.standard_transformer.env, **config}


def predictor_protocol(protocol: Protocol, transformer: TransformerSettings | None) -> Protocol:
    """What the predictor speaks: what its version does, unless a transformer translates (Merlin)."""
    translates = transformer is not None and str(transformer.env.get(UPI_HTTP_NAME, "")).lower() == "true"
    return Protocol.HTTP_JSON if translates and protocol is Protocol.UPI_V1 else protocol
