"""How a Deployment replaces its replicas."""

import re
from typing import Annotated

from pydantic import model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.numbers import whole_number
from caraml_pulumi.model.spec import Spec, as_validation_error, prepared


def replicas_or_percent(value: object) -> int | str:
    """A number of replicas, or a percentage such as ``25%``. Raises `CaramlError`."""
    if isinstance(value, str):
        if not re.fullmatch(r"(100|[1-9]?\d)%", value):
            raise CaramlError(f'"{value}" is not a number of replicas', allowed="a whole number, or 0% to 100%")
        return value
    number = whole_number(value)
    if number < 0:
        raise CaramlError(f"{number} is not a number of replicas", allowed="0 or more, or a percentage")
    return number


ReplicasOrPercent = Annotated[int | str, prepared(replicas_or_percent)]


class RollingUpdate(Spec):
    """How many replicas may be above and below the number during an update; the defaults are KServe's.

    With `maxSurge` 0 and `maxUnavailable` 1, PrimeHub's choice, an update fits into a quota that is used up.
    """

    max_surge: ReplicasOrPercent = "25%"
    """Replicas above the number, rounded up."""
    max_unavailable: ReplicasOrPercent = "25%"
    """Replicas below the number, rounded down."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "RollingUpdate":
        with as_validation_error():
            if {self.max_surge, self.max_unavailable} <= {0, "0%"}:
                raise CaramlError("with maxSurge and maxUnavailable 0 no replica can be replaced", fix="raise one")
        return self
