"""PrimeHub's groups: how their names are written into a label."""

from string import ascii_lowercase, digits
from typing import Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.labels import LABEL_LENGTH

GROUP_LABEL: Final = "primehub.io/group"
"""By it PrimeHub's quota counts pods, and its console lists them (seed: Model Deployment)."""

_UNESCAPED: Final = frozenset(ascii_lowercase + digits)


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
