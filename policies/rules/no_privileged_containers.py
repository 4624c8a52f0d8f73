"""A container has no rights on its node: it is not privileged, and adds no capability that could take it there.

A privileged container is root on its node, and so on every other pod there. A model server needs nothing of it. The
rule follows Kubernetes' Pod Security Standards: of the profile "baseline" the fields `privileged`, `procMount`,
`capabilities.add` and Windows' `hostProcess`, of "restricted" that nobody asks for `allowPrivilegeEscalation: true`.
Capabilities that "baseline" lets a container add may be added; which ones, the setting `allowedCapabilities` says.

Containers and init containers of everything that makes pods are judged, whether a component made it or not, and so are
Pulumi's patches of it.

    # refused
    securityContext: {privileged: true}
    securityContext: {capabilities: {add: [SYS_ADMIN]}}
    # passes
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}
"""

from collections.abc import Iterable, Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import pod_security
from caraml_pulumi.model.spec import within
from policies.pods import PATCH_TYPES, POD_TYPES, Container, containers, pods
from policies.reading import at, broken
from policies.resource import Resource
from policies.rule import resource_rule


def _of_pods(workload: Resource) -> Iterator[CaramlError]:
    found = pods(workload)
    if at(found.spec, "securityContext", "windowsOptions", "hostProcess"):
        path = (*found.path, "spec", "securityContext", "windowsOptions", "hostProcess")
        yield from broken(within(*path)(pod_security.not_a_host_process), "every container", True)
    for container in containers(found, init=True):
        yield from _of_container(container, workload.settings["allowedCapabilities"])


def _of_container(container: Container, allowed: Iterable[str]) -> Iterator[CaramlError]:
    name, context = str(at(container.props, "name")), at(container.props, "securityContext")
    if not context:
        return
    path = (*container.path, "securityContext")
    yield from broken(within(*path, "privileged")(pod_security.not_privileged), name, at(context, "privileged") is True)
    yield from broken(
        within(*path, "allowPrivilegeEscalation")(pod_security.no_privilege_escalation),
        name,
        at(context, "allowPrivilegeEscalation") is True,
    )
    yield from broken(
        within(*path, "capabilities", "add")(pod_security.capabilities_within),
        name,
        at(context, "capabilities", "add"),
        allowed,
    )
    yield from broken(within(*path, "procMount")(pod_security.masked_proc), name, at(context, "procMount") or "Default")
    yield from broken(
        within(*path, "windowsOptions", "hostProcess")(pod_security.not_a_host_process),
        f'container "{name}"',
        at(context, "windowsOptions", "hostProcess") is True,
    )


policy = resource_rule(
    "no-privileged-containers",
    "No container is privileged, or adds capabilities beyond those of Kubernetes' baseline.",
    doc=__doc__,
    severity=Severity.CRITICAL,
    tags=("security",),
    steps="Remove privileged, allowPrivilegeEscalation, procMount and the capabilities from the securityContext.",
    settings={
        "allowedCapabilities": {
            "type": "array",
            "items": {"type": "string"},
            "default": list(pod_security.BASELINE_CAPABILITIES),
            "description": (
                "The capabilities that a container may add. "
                'Default: those of the profile "baseline" of the Pod Security Standards.'
            ),
        }
    },
    judges=dict.fromkeys((*POD_TYPES, *PATCH_TYPES), _of_pods),
)
