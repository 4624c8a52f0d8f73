"""What a user says of a container: its command, variables, secrets and probes."""

import re
import shlex
from typing import Annotated

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import names
from caraml_pulumi.model.deferred import Value
from caraml_pulumi.model.env import env_name
from caraml_pulumi.model.probes import ProbeSettings
from caraml_pulumi.model.spec import Spec, as_validation_error, deferrable, prepared, rule

_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


def words(value: Value) -> Value:
    """A command as a list of words; a text is split as a shell splits it. Raises `CaramlError` for open quotes."""
    if not isinstance(value, str):
        return value
    try:
        return shlex.split(value)
    except ValueError as error:
        raise CaramlError(
            f"the command cannot be split into words: {error}", fix="close the quotes, or give a list"
        ) from None


def secret_key(value: str) -> str:
    """A key of a Secret. Raises `CaramlError`."""
    if not _SECRET_KEY.fullmatch(value) or value == "." or value.startswith(".."):
        raise CaramlError(f'"{value}" is not a key of a Secret', allowed="letters, digits, - _ and ., at most 253")
    return value


def _text(value: str) -> str:
    return value


Words = Annotated[list[str], prepared(words)]
EnvName = Annotated[str, rule(env_name)]
Text = Annotated[str, deferrable(_text)]


class SecretKeyRef(Spec):
    """A key of a Secret that is in the project's namespace already."""

    name: Annotated[str, rule(names.dns_name)]
    """The Secret's name."""
    key: Annotated[str, rule(secret_key)]
    """The key in it."""


class ContainerSettings(Spec):
    """A container, as a user asks for it, but for its image."""

    command: Words | None = None
    """The program to start. Default: the image's."""
    args: Words | None = None
    """Its arguments. Default: the image's."""
    env: dict[EnvName, Text] = Field(default_factory=dict)
    """Environment variables."""
    secrets: dict[EnvName, Text] = Field(default_factory=dict)
    """Variables whose values are kept in a Secret of the workload's own."""
    secret_refs: dict[EnvName, SecretKeyRef] = Field(default_factory=dict)
    """Variables whose values are in Secrets that exist."""
    disable_liveness_probe: bool = False
    """Whether there is no liveness probe, as CARAML_DISABLE_LIVENESS_PROBE says."""
    liveness_probe: ProbeSettings | None = None
    """Changes of the liveness probe. Default: GET / (seed: Custom Model); gRPC's health check; SELDON: TCP."""
    readiness_probe: ProbeSettings | None = None
    """Changes of the readiness probe. Default: GET /v1/models/{full_name}; gRPC's health check; SELDON: TCP."""
    startup_probe: ProbeSettings | None = None
    """A startup probe, for models that load slowly: like the readiness probe but for what is given. Default: none."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "ContainerSettings":
        for name, others in (("secrets", (self.env,)), ("secret_refs", (self.env, self.secrets))):
            twice = [key for key in getattr(self, name) if any(key in other for other in others)]
            with as_validation_error(name):
                if twice:
                    raise CaramlError(f'environment variable "{twice[0]}" is given twice', fix="remove one of them")
        return self
