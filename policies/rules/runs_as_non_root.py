"""In production, containers say that they do not run as root.

A process that breaks out of a container as root is root on its node. `runAsNonRoot: true`, on the container or the pod,
makes the kubelet refuse to start an image that would run as root; a `runAsUser` above 0 has the same effect. The
container's own word counts before the pod's. A rule of the profile "restricted" of Kubernetes' Pod Security Standards,
advisory since a cluster can see to it by itself.

Builds of images are left out (setting `builds`): Kaniko, with which an ImageBuild builds, unpacks an image's files with
their owners, which only root may.

    # advised against
    containers: [{name: model, image: ghcr.io/team/iris:1}]
    # passes
    securityContext: {runAsNonRoot: true}
"""

from collections.abc import Iterator

from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.labels import COMPONENT, IMAGE_BUILDER
from caraml_pulumi.model.pod_security import runs_as_non_root
from caraml_pulumi.model.spec import within
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA, label_prefix
from policies.pods import POD_TYPES, containers, pods
from policies.reading import Properties, Value, at, broken
from policies.resource import Resource
from policies.rule import PRODUCTION, resource_rule


def _of_pods(workload: Resource) -> Iterator[CaramlError]:
    found = pods(workload)
    prefix = label_prefix(workload.settings)
    if not workload.settings["builds"] and at(found.labels, prefix + COMPONENT) == IMAGE_BUILDER:
        return
    of_pod = at(found.spec, "securityContext")
    for container in containers(found, init=True):
        own = at(container.props, "securityContext")
        user, non_root = _said("runAsUser", own, of_pod), _said("runAsNonRoot", own, of_pod)
        rule = within(*container.path, "securityContext")(runs_as_non_root)
        yield from broken(rule, str(at(container.props, "name")), non_root, user)


def _said(name: str, *contexts: Properties) -> Value:
    """What the first security context says that says anything."""
    return next((context[name] for context in contexts if context.get(name) is not None), None)


policy = resource_rule(
    "runs-as-non-root",
    "Containers say that they do not run as root.",
    doc=__doc__,
    level=EnforcementLevel.ADVISORY,
    severity=Severity.MEDIUM,
    tags=("security",),
    steps="Set securityContext.runAsNonRoot: true, and a USER with a number in the image.",
    environments=PRODUCTION,
    settings={
        "builds": {
            "type": "boolean",
            "default": False,
            "description": "Whether the Jobs of an ImageBuild are judged as well.",
        },
        LABEL_PREFIX: LABEL_PREFIX_SCHEMA,
    },
    judges=dict.fromkeys(POD_TYPES, _of_pods),
)
