"""Whole numbers and numbers, strictly: neither texts nor booleans are taken for them."""

from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.spec import as_validation_error, in_words

LARGEST: Final = 2**31 - 1
"""The largest whole number that Kubernetes can count."""


def whole_number(value: object) -> int:
    """`value` as an int. 2.0 is a whole number, since Pulumi's protocol carries every number as a float.

    Raises `CaramlError` for a fraction, infinity, a text or a boolean, and for a number beyond 32 bits, with which
    Kubernetes counts.
    """
    if (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer()):
        if abs(value) > LARGEST:
            raise CaramlError(f"{Decimal(value):.12g} is more than Kubernetes can count", allowed=f"at most {LARGEST}")
        return int(value)
    raise CaramlError(f"{in_words(value)} is not a whole number", allowed="digits, without quotes")


def _whole_number(value: object) -> int:
    with as_validation_error():
        return whole_number(value)


WholeNumber = Annotated[int, BeforeValidator(_whole_number)]
"""A property that is a whole number."""
