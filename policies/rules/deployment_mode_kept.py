"""A version that runs keeps its deployment mode.

Merlin refuses to change the mode of a deployed version, and so does `caraml` with either engine. This rule makes a bare
`pulumi up` refuse it as well. A stopped version may change its mode. Nor may an autoscaled RAW_DEPLOYMENT get a fixed
number of replicas in one update, unless its autoscaler has come to that number before.

The rule compares with the stack as it was. `caraml` hands that over by itself; with the Pulumi CLI, export it first:

```
pulumi stack export --file before.json
CARAML_STACK_BEFORE=$PWD/before.json pulumi up --policy-pack policies
```

Without it the rule is not applicable. Of objects that no component made, a Knative Service that carries the labels of a
version may not become a Deployment, nor the other way round.
"""

from collections.abc import Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.changes import change_allowed, deployment_mode_may_change
from caraml_pulumi.model.modes import DeploymentMode
from policies.evidence import STACK_BEFORE, STACK_BEFORE_SCHEMA, stack_before
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA, label_prefix
from policies.reading import (
    DEPLOYMENT,
    KNATIVE_SERVICE,
    MODEL_VERSION,
    broken,
    version_of_component,
    version_of_object,
)
from policies.resource import Resource
from policies.rule import resource_rule

_MODES = {
    KNATIVE_SERVICE: DeploymentMode.SERVERLESS.value,
    DEPLOYMENT: DeploymentMode.RAW_DEPLOYMENT.value,
}


def _of_version(version: Resource) -> Iterator[CaramlError]:
    found = version_of_component(version.props)
    if found is None:
        return

    def rule() -> None:
        for old in stack_before(version.settings, version.urn).versions(label_prefix(version.settings)).get(found, ()):
            if old.type == MODEL_VERSION:
                change_allowed(version.type, old.props, version.props)

    yield from broken(rule)


def _of_workload(workload: Resource) -> Iterator[CaramlError]:
    prefix = label_prefix(workload.settings)
    found = version_of_object(workload.props, prefix)
    if found is None:
        return

    def rule() -> None:
        before = {item.type for item in stack_before(workload.settings, workload.urn).versions(prefix).get(found, ())}
        for type_ in before & _MODES.keys() if workload.type not in before else ():
            new = {"model": found.model, "version": found.version, "deploymentMode": _MODES[workload.type]}
            deployment_mode_may_change({"deploymentMode": _MODES[type_]}, new)

    yield from broken(rule)


policy = resource_rule(
    "deployment-mode-kept",
    "A version that runs keeps its deployment mode.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("change",),
    steps="Stop the version in one update and deploy it in the other mode in the next, or deploy another version.",
    settings={STACK_BEFORE: STACK_BEFORE_SCHEMA, LABEL_PREFIX: LABEL_PREFIX_SCHEMA},
    judges={MODEL_VERSION: _of_version, KNATIVE_SERVICE: _of_workload, DEPLOYMENT: _of_workload},
)
