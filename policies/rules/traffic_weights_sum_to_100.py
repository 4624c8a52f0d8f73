"""The weights of a division of traffic are percentages: whole numbers that sum to 100.

A weight says how many of a hundred requests a version gets; weights that sum to something else mean other shares than
they say, or are refused by what routes them. The default traffic of a ModelEndpoint is judged, and that of each
match.

Of objects that no component made: the percentages of a Knative Route or Service; the weights of each route of a
VirtualService that has more than one destination; and the canary weight of an Ingress, which ingress-nginx counts to
100 or to its annotation `canary-weight-total`. Weights of an HTTPRoute or a GRPCRoute are proportions and need no
sum.

Refused:

```yaml
traffic:
  - {version: 1, weight: 90}
  - {version: 2, weight: 20}
```
"""

from collections.abc import Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.spec import Path, within
from caraml_pulumi.model.traffic import canary_weight_within, weights_sum_to_100
from policies.reading import KNATIVE_SERVICE, MODEL_ENDPOINT, broken
from policies.resource import Resource
from policies.routes import INGRESS, INGRESS_NGINX, KNATIVE_ROUTE, VIRTUAL_SERVICES, canary_weight, divisions
from policies.rule import resource_rule


def _of_endpoint(endpoint: Resource) -> Iterator[CaramlError]:
    yield from _hold(("traffic",), [share["weight"] for share in endpoint.props["traffic"]])
    for index, match in enumerate(endpoint.props.get("matches") or ()):
        yield from _hold(("matches", index, "traffic"), [share["weight"] for share in match["traffic"]])


def _of_knative(route: Resource) -> Iterator[CaramlError]:
    for division in divisions(route):
        yield from _hold(division.path, [target.weight for target in division.targets])


def _of_virtual_service(route: Resource) -> Iterator[CaramlError]:
    for division in divisions(route):
        if len(division.targets) > 1:
            yield from _hold(division.path, [target.weight for target in division.targets])


def _of_ingress(ingress: Resource) -> Iterator[CaramlError]:
    if weight := canary_weight(ingress):
        rule = within("metadata", "annotations", f"{INGRESS_NGINX}/canary-weight")(canary_weight_within)
        yield from broken(rule, *weight)


def _hold(path: Path, weights: list[float]) -> Iterator[CaramlError]:
    yield from broken(within(*path)(weights_sum_to_100), weights)


policy = resource_rule(
    "traffic-weights-sum-to-100",
    "The weights of a division of traffic sum to 100.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("traffic",),
    steps="Give weights that sum to 100.",
    judges={
        MODEL_ENDPOINT: _of_endpoint,
        KNATIVE_ROUTE: _of_knative,
        KNATIVE_SERVICE: _of_knative,
        **dict.fromkeys(VIRTUAL_SERVICES, _of_virtual_service),
        INGRESS: _of_ingress,
    },
)
