"""Copies of requests go to a version that does not answer requests itself.

A mirror shows how a version does with real requests before it gets any. One that answers them already would get them
twice: its load doubles, and what it does besides answering, such as writing a log, is done twice.

A ModelEndpoint may mirror to no version that has weight, in its traffic or in a match. Of a VirtualService, an
HTTPRoute or a GRPCRoute that no component made, no rule may mirror to a Service that has weight in it.

Refused:

```yaml
traffic: [{version: 1, weight: 90}, {version: 2, weight: 10}]
mirror: {version: 2}
```
"""

from collections.abc import Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.spec import within
from caraml_pulumi.model.traffic import copies_are_apart, mirror_is_apart
from policies.reading import MODEL_ENDPOINT, broken
from policies.resource import Resource
from policies.routes import GATEWAY_ROUTES, VIRTUAL_SERVICES, divisions
from policies.rule import resource_rule
from policies.versions import routed


def _of_endpoint(endpoint: Resource) -> Iterator[CaramlError]:
    if mirror := endpoint.props.get("mirror"):
        weighted = {version for version, weight in routed(endpoint.props) if weight}
        yield from broken(within("mirror", "version")(mirror_is_apart), int(mirror["version"]), weighted)


def _of_route(route: Resource) -> Iterator[CaramlError]:
    """A copy keeps the host of its request; where a target is reached by another one, it is another target."""
    for division in divisions(route):
        answering = [target.place for target in division.targets if target.weight and not target.host]
        for mirror in division.mirrors:
            yield from broken(within(*division.path[:-1])(copies_are_apart), mirror.place, answering)


policy = resource_rule(
    "mirror-not-serving",
    "Copies of requests go to no version that answers requests.",
    doc=__doc__,
    severity=Severity.MEDIUM,
    tags=("traffic",),
    steps="Mirror to a version without weight, or take the mirror out.",
    judges={
        MODEL_ENDPOINT: _of_endpoint,
        **dict.fromkeys((*VIRTUAL_SERVICES, *GATEWAY_ROUTES), _of_route),
    },
)
