"""Whole numbers and numbers, strictly: neither texts nor booleans are taken for them."""

from typing import Annotated

from pydantic import BeforeValidator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.spec import as_validation_error


def whole_number(value: object) -> int:
    """`value` as an int. 2.0 is a whole number, since Pulumi's protocol carries every number as a float.

    Raises `CaramlError` for a fraction, infinity, a text or a boolean.
    """
    if (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    raise CaramlError(f"{value!r} is not a whole number", allowed="a whole number, without quotes")


def _whole_number(value: object) -> int:
    with as_validation_error():
        return whole_number(value)


WholeNumber = Annotated[int, BeforeValidator(_whole_number)]
"""A property that is a whole number."""
