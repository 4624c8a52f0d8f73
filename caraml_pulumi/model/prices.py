"""What compute costs, and what a workload costs a month for what it reserves."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Final

from pydantic import Field

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.gpu import extended_resource
from caraml_pulumi.model.quantities import parse_quantity
from caraml_pulumi.model.spec import Locate, Spec, parse, prepared, rule

PRICES_KEY: Final = "caraml:prices"
"""The key of a stack's configuration that has the prices."""
HOURS_PER_MONTH: Final = 730
"""A twelfth of a year of 365 days."""
_GIBIBYTE: Final = Decimal(2**30)
_ALL: Final = "all"
"""What stands for GPUs whose price is not given by name."""
_CENT: Final = Decimal("0.01")


def currency(value: str) -> str:
    """The code of a currency, as ISO 4217 has it. Raises `CaramlError` for anything else."""
    if not (len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):
        raise CaramlError(f'"{value}" is not the code of a currency', allowed="three capital letters, such as EUR")
    return value


def gpu(name: str) -> str:
    """What Kubernetes calls a GPU, or `all`. Raises `CaramlError` for anything else."""
    return name if name == _ALL else extended_resource(name)


def by_name(value: object) -> object:
    """One price as that of all GPUs."""
    return value if value is None or isinstance(value, Mapping) else {_ALL: value}


Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Prices(Spec):
    """What an hour of compute costs, from the stack's configuration `caraml:prices`."""

    currency: Annotated[str, rule(currency)]
    """The currency, by its code in ISO 4217."""
    cpu_per_hour: Price
    """A CPU core."""
    memory_gib_per_hour: Annotated[Price, Field(alias="memoryGiBPerHour")]
    """A GiB of memory."""
    gpu_per_hour: Annotated[dict[Annotated[str, rule(gpu)], Price] | None, prepared(by_name)] = None
    """A GPU: one price for all, or by what Kubernetes calls them. Default: the price of a GPU is not known."""

    def gpu(self, resource: str) -> Decimal | None:
        """The price of a GPU that Kubernetes calls `resource`; None if it is not known."""
        prices = self.gpu_per_hour or {}
        price = prices.get(resource, prices.get(_ALL))
        return None if price is None else Decimal(str(price))

    def hourly(self, cpu: str, memory: str, gpus: Mapping[str, int]) -> Decimal | None:
        """What a replica costs that reserves so much; None if the price of one of its GPUs is not known."""
        amount = Decimal(str(self.cpu_per_hour)) * parse_quantity(cpu).value
        amount += Decimal(str(self.memory_gib_per_hour)) * parse_quantity(memory).value / _GIBIBYTE
        for resource, count in gpus.items():
            price = self.gpu(resource)
            if price is None:
                return None
            amount += price * count
        return amount


def monthly(hourly: Decimal) -> str:
    """What an hourly price comes to in a month, to the cent: ``123.40``."""
    return str((hourly * HOURS_PER_MONTH).quantize(_CENT, ROUND_HALF_UP))


def parse_prices(settings: Any, *, locate: Locate) -> Prices:  # noqa: ANN401 - whatever the configuration has
    """The prices in the configuration `settings`. Raises `CaramlError`, located by `locate`."""
    return parse(Prices, settings, locate=locate)
