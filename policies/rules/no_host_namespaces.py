"""Pods share nothing of their node: neither its network and ports, nor its processes and their memory.

With hostNetwork a container hears what every pod of its node says, and passes by network policies; with hostPID it sees
and may end the node's processes; a hostPort is taken for all other replicas. Kubernetes' Pod Security Standards refuse
hostNetwork, hostPID, hostIPC and hostPort in the profile "baseline". Whatever makes pods is judged, and Pulumi's
patches of it.

    # refused
    spec: {hostNetwork: true}
    ports: [{containerPort: 8080, hostPort: 8080}]
    # passes
    ports: [{containerPort: 8080}]
"""

from collections.abc import Iterator

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.pod_security import HOST_NAMESPACES, no_host_port, own_namespace
from caraml_pulumi.model.spec import within
from policies.pods import PATCH_TYPES, POD_TYPES, containers, pods
from policies.reading import at, broken
from policies.resource import Resource
from policies.rule import resource_rule


def _of_pods(workload: Resource) -> Iterator[CaramlError]:
    found = pods(workload)
    for name in HOST_NAMESPACES:
        shared = at(found.spec, name) is True
        yield from broken(within(*found.path, "spec", name)(own_namespace), name, shared)
    for container in containers(found, init=True):
        for index, port in enumerate(at(container.props, "ports")):
            rule = within(*container.path, "ports", index, "hostPort")(no_host_port)
            yield from broken(rule, str(at(container.props, "name")), at(port, "hostPort") or 0)


policy = resource_rule(
    "no-host-namespaces",
    "Pods share neither network, ports, processes nor memory with their node.",
    doc=__doc__,
    severity=Severity.HIGH,
    tags=("security",),
    steps="Remove hostNetwork, hostPID, hostIPC and hostPort; reach pods through a Service.",
    judges=dict.fromkeys((*POD_TYPES, *PATCH_TYPES), _of_pods),
)
