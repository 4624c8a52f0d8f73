"""The outputs of a stack, for `caraml stack output` and for references from other stacks."""

from collections.abc import Mapping
from typing import Any

from caraml_pulumi.engine.resource import STACK_TYPE
from caraml_pulumi.engine.state.backend import Backend
from caraml_pulumi.engine.state.names import StackName
from caraml_pulumi.engine.state.properties import Unseal, properties_from_json, unsealed_with
from caraml_pulumi.engine.state.secrets import PassphraseCrypter, recorded_provider, salt_of_provider
from caraml_pulumi.engine.state.snapshot import deployment_of
from caraml_pulumi.engine.values import Properties, Secret
from caraml_pulumi.errors import CaramlError


def stack_outputs(backend: Backend, stack: StackName, *, phrase: str | None = None, decrypt: bool = True) -> Properties:
    """The outputs of `stack`, its secrets decrypted with its own salt and ready to be encrypted for another stack.

    `phrase` is the passphrase; None reads it from the environment, and only if an output is secret. Without `decrypt`
    secrets have no value, and no passphrase is needed.

    Raises:
        CaramlError: there is no such stack, or its secrets cannot be decrypted.
    """
    document = backend.load(stack.project, stack.stack)
    if document is None:
        raise CaramlError(
            f"there is no stack {stack}",
            where=backend.shown_url,
            allowed=", ".join(str(name) for name in backend.list_stacks(stack.project)) or "no stack of this project",
            fix="deploy that stack first, or correct the name",
        )
    deployment = deployment_of(document)
    unseal = unsealing(document, phrase) if decrypt else lambda sealed: Secret(None)
    for resource in deployment.get("resources") or []:
        if resource.get("type") == STACK_TYPE and not resource.get("delete"):
            return properties_from_json(resource.get("outputs") or {}, unseal)
    return {}


def unsealing(document: Mapping[str, Any], phrase: str | None = None) -> Unseal:
    """How to read the secrets of a stack's state, for use elsewhere; asks for the passphrase when the first is read."""
    provider = recorded_provider(document)
    crypter = PassphraseCrypter(salt_of_provider(provider) if provider else None, phrase)
    return unsealed_with(crypter, keep_ciphertext=False)
