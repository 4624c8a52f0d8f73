"""Whole numbers and numbers, strictly: neither texts nor booleans are taken for them."""

from typing import Annotated

from pydantic import BeforeValidator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.spec import as_validation_error


def whole_number(value: object) -> int:
    """`value` as an int. 2.0 is a whole number, since Pulumi's protocol carries every number as a float.

    Raises `CaramlError` for a fraction, a text or a boolean.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise CaramlError(f"{value!r} is not a whole number", allowed="a whole number, without quotes")
    return int(value)


def _whole_number(value: object) -> int:
    with as_validation_error():
        return whole_number(value)


WholeNumber = Annotated[int, BeforeValidator(_whole_number)]
"""A property that is a whole number."""
