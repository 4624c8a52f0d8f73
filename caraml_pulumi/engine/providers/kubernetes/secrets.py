"""Which values of an object are secret, and how they are kept out of messages."""

import base64
from collections.abc import Iterator

from caraml_pulumi.engine.values import Properties, PropertyValue, Secret, contains_secret
from caraml_pulumi.errors import CaramlError

SHORTEST_HIDDEN = 4
"""Secrets shorter than this are not looked for in messages: hiding every ``1`` would make them unreadable."""


def with_secrets(outputs: Properties, inputs: Properties) -> Properties:
    """`outputs` with the secretness of `inputs`, as pulumi-kubernetes projects it.

    The data of a Secret is always secret, as a whole; elsewhere the path that holds a secret in the inputs is, a list
    with a secret in it as a whole.
    """
    if outputs.get("kind") == "Secret":
        return {key: _secret(value) if key in ("data", "stringData") else value for key, value in outputs.items()}
    marked = dict(outputs)
    for key, wanted in inputs.items():
        if key not in outputs:
            continue
        value = outputs[key]
        if isinstance(value, dict) and isinstance(wanted, dict):
            marked[key] = with_secrets(value, wanted)
        elif contains_secret(wanted):
            marked[key] = _secret(value)
    return marked


def _secret(value: PropertyValue) -> PropertyValue:
    return value if isinstance(value, Secret) else Secret(value)


def hide_secrets(error: CaramlError, inputs: Properties) -> None:
    """Take the secret texts in `inputs` out of `error`: an API server may quote the value it refuses."""
    texts = sorted({text for text in _secret_texts(inputs) if len(text) >= SHORTEST_HIDDEN}, key=len, reverse=True)
    for text in texts:
        error.what = error.what.replace(text, "[secret]")
        error.fix = error.fix.replace(text, "[secret]")


def _secret_texts(value: PropertyValue, inside: bool = False) -> Iterator[str]:
    if isinstance(value, Secret):
        yield from _secret_texts(value.value, True)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _secret_texts(item, inside)
    elif isinstance(value, list):
        for item in value:
            yield from _secret_texts(item, inside)
    elif inside and isinstance(value, str):
        yield value
        yield base64.b64encode(value.encode()).decode()
        yield _decoded(value)


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return text
