"""PrimeHub's groups: how their names are written into a label, and their quotas."""

from string import ascii_lowercase, digits
from typing import Annotated, Final

from pydantic import Field

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.labels import LABEL_LENGTH
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.resources import MemoryText, QuantityText
from caraml_pulumi.model.spec import Spec

GROUP_LABEL: Final = "primehub.io/group"
"""By it PrimeHub's quota counts pods, and its console lists them (seed: Model Deployment)."""

_UNESCAPED: Final = frozenset(ascii_lowercase + digits)


class GroupQuota(Spec):
    """What the deployed versions of a group may use together; what is left out is unlimited (PrimeHub)."""

    cpu: QuantityText | None = None
    """CPU cores of all limits."""
    memory: MemoryText | None = None
    """Memory of all limits."""
    gpu: Annotated[WholeNumber, Field(ge=0)] | None = None
    """GPUs of all kinds."""
    max_deployments: Annotated[WholeNumber, Field(ge=0)] | None = None
    """Versions deployed at a time, stopped ones not counted."""


def group_label(group: str) -> dict[str, str]:
    """The label of a group: each byte of its name that is no small letter or digit as a dash and its hexadecimal code.

    Raises `CaramlError` for a name that is then too long for a label.
    """
    encoded = group.encode(errors="surrogatepass")
    escaped = "".join(chr(byte) if chr(byte) in _UNESCAPED else f"-{byte:02x}" for byte in encoded)
    value = f"escaped-{escaped}"
    if len(value) > LABEL_LENGTH:
        raise CaramlError(
            f'group "{group}" is too long for a label: {value} has {len(value)} characters',
            allowed=f"at most {LABEL_LENGTH}; what is no small letter or digit counts as three or more",
        )
    return {GROUP_LABEL: value}


def group_name(value: str) -> str:
    """The name of a PrimeHub group that fits into a label. Raises `CaramlError`."""
    group_label(value)
    return value
