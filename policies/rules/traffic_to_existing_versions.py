"""Requests go to versions that are deployed, and that speak one protocol.

A version that an endpoint names must be deployed by the stack, and must not be stopped: its requests would be answered
by nobody. All versions of an endpoint speak the same protocol (Merlin), since a client knows one.

A stack that deploys no version of the model at all leads to versions of another stack; these are not judged: the
endpoint itself looks in the cluster whether they are ready. Where some versions are of this stack and some of another,
name the others in the setting `elsewhere`.

Of routes that no component made, those that carry the label `app` of a model under the platform's prefix are judged: a
Service, a Configuration or a Revision of Knative that they name must be in the stack, if the stack deploys a version of
the model in that namespace.

Refused, where the stack deploys versions 1 and 2:

```yaml
traffic: [{version: 1, weight: 90}, {version: 3, weight: 10}]
```
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.labels import APP, ORCHESTRATOR, ORCHESTRATOR_NAME
from caraml_pulumi.model.modes import Protocol, VersionStatus
from caraml_pulumi.model.spec import within
from caraml_pulumi.model.traffic import backend_exists, no_version_is_stopped, one_protocol, version_exists
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA, label_prefix
from policies.pods import KNATIVE_CONFIGURATION
from policies.reading import (
    KNATIVE_SERVICE,
    MODEL_ENDPOINT,
    MODEL_VERSION,
    SERVICE,
    Properties,
    at,
    broken,
    version_of_object,
)
from policies.resource import Resource, Stack
from policies.routes import ROUTE_TYPES, divisions, namespace_of
from policies.rule import Blamed, blame, stack_rule
from policies.versions import READ, Owner, deployed_versions, made_by, owner, routed

ELSEWHERE = "elsewhere"
Names = Mapping[str, set[str]]
Model = tuple[str, str]
"""A project and a model in it."""


def _judge(stack: Stack) -> Iterator[Blamed]:
    prefix, elsewhere = label_prefix(stack.settings), stack.settings[ELSEWHERE]
    read = stack.of(*READ)
    deployed, declared = _deployed(read, prefix), _declared(read)
    for endpoint in read:
        if endpoint.type == MODEL_ENDPOINT and "traffic" in endpoint.props:
            of = owner(endpoint.props)
            errors = _of_endpoint(endpoint.props, deployed.get(of, set()), declared.get(of, {}), elsewhere)
            yield from blame(endpoint.urn, errors)
    names, models = _names(stack), {of[1:] for of in deployed}
    for route in read:
        if route.type in ROUTE_TYPES and not made_by(route, MODEL_ENDPOINT, MODEL_VERSION):
            yield from blame(route.urn, _of_route(route, models, names, prefix))


def _deployed(resources: list[Resource], prefix: str) -> Mapping[Owner, set[int]]:
    """The versions that are deployed, by what they are of."""
    found: dict[Owner, set[int]] = {}
    for version in deployed_versions(resources, prefix):
        found.setdefault(version[:3], set()).add(version.version)
    return found


def _declared(resources: list[Resource]) -> Mapping[Owner, dict[int, Properties]]:
    """What components say of their versions, deployed or stopped."""
    found: dict[Owner, dict[int, Properties]] = {}
    for item in resources:
        if item.type == MODEL_VERSION and "version" in item.props:
            found.setdefault(owner(item.props), {})[int(item.props["version"])] = item.props
    return found


def _of_endpoint(
    endpoint: Properties, own: set[int], declared: Mapping[int, Properties], elsewhere: list[str]
) -> Iterator[CaramlError]:
    _, project, model = owner(endpoint)
    named = sorted({version for version, _ in routed(endpoint)})
    stopped = {number for number, one in declared.items() if one.get("status") == VersionStatus.TERMINATED}
    yield from broken(no_version_is_stopped, [version for version in named if version in stopped])
    for version in named if own or stopped else ():
        known = any(fnmatchcase(f"{project}/{model}/{version}", pattern) for pattern in elsewhere)
        if version not in stopped and not known:
            yield from broken(within("traffic")(version_exists), version, own, model=model, project=project)
    spoken = [declared[version]["protocol"] for version in named if "protocol" in declared.get(version, {})]
    yield from broken(one_protocol, [Protocol(protocol) for protocol in spoken])


def _of_route(route: Resource, models: set[Model], names: Names, prefix: str) -> Iterator[CaramlError]:
    labels, namespace = at(route.props, "metadata", "labels"), namespace_of(route.props)
    model = at(labels, prefix + APP)
    is_ours = at(labels, prefix + ORCHESTRATOR) == ORCHESTRATOR_NAME and version_of_object(route.props, prefix) is None
    if not is_ours or (namespace, model) not in models:
        return
    known = names.get(namespace, set())
    for division in divisions(route):
        for target in division.targets:
            name = target.name.rpartition("-")[0] if target.kind == "Revision" else target.name
            is_here = target.weight and target.namespace == namespace and not target.host
            if is_here and name and name not in known:
                rule = within(*division.path)(backend_exists)
                yield from broken(rule, target.kind, target.name, known, namespace=namespace)


def _names(stack: Stack) -> Names:
    """What routes may name, by namespace."""
    found: dict[str, set[str]] = {}
    for item in stack.of(SERVICE, KNATIVE_SERVICE, KNATIVE_CONFIGURATION):
        found.setdefault(namespace_of(item.props), set()).add(str(at(item.props, "metadata", "name")))
    return found


policy = stack_rule(
    "traffic-to-existing-versions",
    "Requests go to versions that are deployed, and that speak one protocol.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("traffic",),
    steps="Deploy the version, or give its traffic to one that is deployed.",
    settings={
        LABEL_PREFIX: LABEL_PREFIX_SCHEMA,
        ELSEWHERE: {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Versions that other stacks deploy, as project/model/version or a pattern with *.",
        },
    },
    judge=_judge,
)
