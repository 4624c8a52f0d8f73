"""In production, pods have a ServiceAccount of their own, or no token of the default one.

Every pod that names no ServiceAccount runs as its namespace's default one. A right that one of them needs is then given
to all, and what the API server's log says of one may have been another. A CustomModelVersion and an ImageBuild name
theirs with `serviceAccountName`; so does the pod of anything else. A pod that mounts no token has no rights to share:
it passes with `automountServiceAccountToken: false`, unless the setting `tokenless` is off.

    # refused
    spec: {containers: [...]}
    # passes
    spec: {serviceAccountName: iris, containers: [...]}
    spec: {automountServiceAccountToken: false, containers: [...]}
"""

from collections.abc import Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.pod_security import own_service_account
from caraml_pulumi.model.spec import within
from policies.pods import POD_TYPES, pods
from policies.reading import IMAGE_BUILD, MODEL_VERSION, at, broken
from policies.resource import Resource
from policies.rule import PRODUCTION, resource_rule


def _of_component(component: Resource) -> Iterator[CaramlError]:
    rule = within("serviceAccountName")(own_service_account)
    yield from broken(rule, component.props.get("serviceAccountName"))


def _of_pods(workload: Resource) -> Iterator[CaramlError]:
    found = pods(workload)
    if workload.settings["tokenless"] and at(found.spec, "automountServiceAccountToken") is False:
        return
    name = at(found.spec, "serviceAccountName") or at(found.spec, "serviceAccount") or None
    yield from broken(within(*found.path, "spec", "serviceAccountName")(own_service_account), name)


policy = resource_rule(
    "service-account-not-default",
    "Pods have a ServiceAccount of their own, or no token of the default one.",
    doc=__doc__,
    severity=Severity.MEDIUM,
    tags=("security",),
    steps="Make a ServiceAccount with the rights that the pods need, and name it in serviceAccountName.",
    environments=PRODUCTION,
    settings={
        "tokenless": {
            "type": "boolean",
            "default": True,
            "description": "Whether pods of the default ServiceAccount pass that mount no token of it.",
        }
    },
    judges={MODEL_VERSION: _of_component, IMAGE_BUILD: _of_component, **dict.fromkeys(POD_TYPES, _of_pods)},
)
