"""Kubernetes quantities, exactly: the whole grammar, the canonical form, and scaling that truncates."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from enum import Enum
from functools import lru_cache
from typing import Final

from caraml_pulumi.errors import CaramlError

GRAMMAR: Final = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]?|[eE][+-]?\d+)", re.ASCII)
"""A Kubernetes quantity: sign, number, suffix."""
_BINARY: Final[dict[str, Decimal]] = {"": Decimal(1)} | {
    f"{prefix}i": Decimal(1024) ** power for power, prefix in enumerate("KMGTPE", 1)
}
_DECIMAL: Final[dict[str, Decimal]] = {
    suffix: Decimal(1000) ** power for power, suffix in enumerate(("n", "u", "m", "", *"kMGTPE"), -3)
}
_LARGEST: Final = Decimal(2**63 - 1)
_SMALLEST: Final = Decimal("1e-9")
_STEP: Final = Decimal("0.001")
_DIGITS: Final = 60
"""More than a number between 1n and 2^63 needs, so that arithmetic is exact."""
_ALLOWED = (
    "a number with an optional suffix: n u m k M G T P E, Ki Mi Gi Ti Pi Ei or an exponent; for example 500m, 2Gi"
)
MEBIBYTE: Final = _BINARY["Mi"]


class Format(Enum):
    """Which suffixes a quantity is written with."""

    DECIMAL = "DecimalSI"
    BINARY = "BinarySI"
    EXPONENT = "DecimalExponent"


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """An exact amount, and the family of suffixes it was written with. Amounts compare by value alone."""

    value: Decimal
    format: Format = field(default=Format.DECIMAL, compare=False)

    def __str__(self) -> str:
        """The canonical form: no fraction, and the largest suffix that loses nothing."""
        if not self.value:
            return "0"
        with localcontext(prec=_DIGITS):
            whole = self.value == self.value.to_integral_value()
            units = _BINARY if self.format is Format.BINARY and whole and abs(self.value) >= 1024 else _DECIMAL
            suffix = next(suffix for suffix in reversed(units) if self.value % units[suffix] == 0)
            number = str(int(self.value / units[suffix]))
        if self.format is Format.EXPONENT:
            exponent = 3 * (list(_DECIMAL).index(suffix) - 3)
            return f"{number}e{exponent}" if exponent else number
        return number + suffix


def parse_quantity(text: str | int | float) -> Quantity:
    """`text` as an exact `Quantity`, by Kubernetes' grammar.

    A number, as YAML gives it for `cpu: 1`, is taken as its decimal text. Raises `CaramlError` for anything else, for
    an amount beyond 2^63-1 and for one finer than 1n, both of which Kubernetes would silently change.
    """
    return _parsed(str(text))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Quantity:
    match = GRAMMAR.fullmatch(text)
    if not match:
        raise CaramlError(f'"{text}" is not a quantity', allowed=_ALLOWED)
    sign, number, suffix = match.groups()
    with localcontext(prec=_DIGITS):
        if suffix[:1] in ("e", "E") and len(suffix) > 1 and suffix != "Ei":
            exponent = int(suffix[1:]) if len(suffix) <= 4 else 999
            unit, style = Decimal(10) ** exponent, Format.EXPONENT
        elif suffix.endswith("i"):
            unit, style = _BINARY[suffix], Format.BINARY
        else:
            unit, style = _DECIMAL[suffix], Format.DECIMAL
        value = Decimal(f"{sign}{number}") * unit
        if abs(value) > _LARGEST or len(number) > _DIGITS // 2 or value % _SMALLEST:
            raise CaramlError(f'"{text}" is too large or too fine', allowed="at most 2^63-1, in steps of 1n")
    return Quantity(value, style)


def quantity(text: str | int | float) -> str:
    """The canonical form of an amount of a resource, such as ``500m`` for ``0.5``.

    Raises `CaramlError` if it is no quantity, negative, or finer than 1m, which the API server would round up.
    """
    parsed = parse_quantity(text)
    if parsed.value < 0:
        raise CaramlError(f'"{text}" is negative', allowed="0 or more")
    if parsed.value % _STEP:
        raise CaramlError(f'"{text}" is too fine for a resource', allowed="steps of 1m")
    return str(parsed)


def bytes_of_memory(text: str | int | float) -> str:
    """The canonical form of an amount of memory: whole bytes, such as ``512Mi``.

    Raises `CaramlError` as `quantity` does, and for a part of a byte: ``128m`` is 128 thousandths of one.
    """
    canonical = quantity(text)
    if parse_quantity(canonical).value % 1:
        number = re.sub(r"[^0-9.]+$", "", str(text))
        raise CaramlError(
            f'"{text}" is not whole bytes of memory' + (": m is a thousandth of a byte" if number != str(text) else ""),
            allowed="whole bytes, such as 512Mi or 2Gi",
            fix=f"did you mean {number}Mi?",
        )
    return canonical


def scaled(text: str, factor: float, *, step: str = "1m") -> str:
    """`text` times `factor`, truncated to whole `step`s as Merlin does: ``250m`` by 1.25 is ``312m``.

    Raises `CaramlError` for what is then beyond 2^63-1.
    """
    amount = parse_quantity(text)
    with localcontext(prec=_DIGITS):
        size, product = parse_quantity(step).value, amount.value * Decimal(str(factor))
        if product > _LARGEST:
            raise CaramlError(f"{text} times {factor:g} is too large", allowed="at most 2^63-1")
        steps = (product / size).to_integral_value("ROUND_FLOOR")
        return str(Quantity(steps * size, amount.format))


def total(shares: Iterable[tuple[Quantity, int]]) -> Quantity:
    """The sum of amounts, each times a whole number, exactly; written in the suffixes of the first."""
    shares = list(shares)
    with localcontext(prec=_DIGITS):
        value = sum((amount.value * count for amount, count in shares), Decimal(0))
    return Quantity(value, shares[0][0].format if shares else Format.DECIMAL)
