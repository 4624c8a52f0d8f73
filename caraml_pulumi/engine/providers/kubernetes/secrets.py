"""Which values of an object are secret, and how they are kept out of messages."""

import base64

from caraml_pulumi.engine.secrecy import mask, secret_texts
from caraml_pulumi.engine.values import Properties, PropertyValue, Secret, contains_secret
from caraml_pulumi.errors import CaramlError


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
    texts = secret_texts([inputs], _forms)
    error.what, error.fix = mask(error.what, texts), mask(error.fix, texts)


def _forms(text: str) -> tuple[str, ...]:
    return text, base64.b64encode(text.encode()).decode(), _decoded(text)


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return text
