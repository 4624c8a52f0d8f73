"""Who may call an endpoint: anybody, or clients with a name and a token (seed: Model Deployment)."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.container import SecretKeyRef, Text
from caraml_pulumi.model.deferred import is_deferred
from caraml_pulumi.model.spec import Spec, as_validation_error, rule

SHORTEST_TOKEN: Final = 8
"""A token stands alone against anybody who can reach the endpoint."""

_CLIENT = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_.@]*")


class AccessType(StrEnum):
    """Who may call an endpoint; the values are PrimeHub's."""

    PUBLIC = "public"
    """Anybody who reaches it."""
    PRIVATE = "private"
    """Clients with a name and a token, by HTTP's basic authentication."""


def client_name(value: str) -> str:
    """The name of a client, as a line of an htpasswd file takes it. Raises `CaramlError`."""
    if not _CLIENT.fullmatch(value):
        raise CaramlError(
            f'"{value}" is not the name of a client', allowed="letters, digits, - _ . and @; a letter or digit first"
        )
    return value


class EndpointClient(Spec):
    """A client of a private endpoint: its name and its token, or where the token is."""

    name: Annotated[str, rule(client_name)]
    """The user of HTTP's basic authentication."""
    token: Text | None = Field(default=None, repr=False)
    """The password; may be an Output. It is kept as a hash, in a Secret."""
    token_ref: SecretKeyRef | None = None
    """The Secret of the project that keeps the token, and its key there."""

    @model_validator(mode="after")
    def _one_token(self) -> "EndpointClient":
        with as_validation_error("token"):
            if (self.token is None) == (self.token_ref is None):
                raise CaramlError(
                    f'client "{self.name}" needs one token', allowed="either token or tokenRef", fix="give one of them"
                )
            if self.token is not None and not is_deferred(self.token):
                token_is_long_enough(self.name, self.token)
        return self


def token_is_long_enough(client: str, token: str) -> None:
    """Refuse a token that is guessed soon. The error does not show it."""
    if len(token) < SHORTEST_TOKEN:
        raise CaramlError(
            f'the token of client "{client}" has {len(token)} characters', allowed=f"at least {SHORTEST_TOKEN}"
        )


def tokens_are_long_enough(tokens: Mapping[str, str]) -> None:
    """The same for tokens by client that were not known before: Outputs, and those that the project's secrets keep."""
    for client, token in tokens.items():
        token_is_long_enough(client, token)


class Access(Spec):
    """Who may call an endpoint."""

    type: AccessType = AccessType.PUBLIC
    """Anybody, or clients alone."""
    clients: list[EndpointClient] = Field(default_factory=list)
    """The clients of a private endpoint."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "Access":
        with as_validation_error("clients"):
            if self.clients and self.type is AccessType.PUBLIC:
                raise CaramlError("a public endpoint has no clients", fix="set type to private, or remove the clients")
            if not self.clients and self.type is AccessType.PRIVATE:
                raise CaramlError("a private endpoint without clients lets nobody in", fix="add a client")
            names = [client.name for client in self.clients]
            for name in names:
                if names.count(name) > 1:
                    raise CaramlError(f'client "{name}" is there twice', fix="give each client its own name")
        return self
