"""The cluster that a stack is deployed to: whether it answers, what it knows, and what one may do there."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from caraml_pulumi.doctor.checks import Check, Finding, Level, failed
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.kube.kubeconfig import load_cluster_config
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.routing import RoutingBackend
from caraml_pulumi.model.target_cluster import is_the_cluster
from caraml_pulumi.stack_files import StackFiles

AREA: Final = "the cluster"
SERVERS: Final = {
    "serving.knative.dev": ("Knative Serving", ("services",)),
    "networking.istio.io": ("Istio", ("virtualservices",)),
    "gateway.networking.k8s.io": ("the Gateway API", ("httproutes",)),
    "monitoring.coreos.com": ("the Prometheus operator", ("prometheusrules", "podmonitors")),
}
"""The API groups that an environment may need, what brings them, and what is made of them."""
_ALWAYS: Final = (
    ("", "services"),
    ("", "configmaps"),
    ("", "secrets"),
    ("", "resourcequotas"),
    ("", "limitranges"),
    ("apps", "deployments"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("policy", "poddisruptionbudgets"),
)
_VERBS: Final = ("create", "patch", "delete")
_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_REQUEST_SECONDS: Final = 8.0


@dataclass(frozen=True)
class ClusterChecks:
    """The checks of the cluster of one stack, whose kubeconfig and context are those that its configuration names."""

    stack: str
    files: Callable[[], StackFiles]
    kubeconfig: str | None = None
    context: str | None = None

    def checks(self) -> list[Check]:
        """All of them; what needs an answer of the cluster follows one that gives it."""
        return [Check(AREA, f"cluster of {self.stack}", self._run)]

    def _run(self) -> Iterator[Finding]:
        matter = f"cluster of {self.stack}"
        config = load_cluster_config(self.kubeconfig, self.context)
        files = self._known_files()
        client = KubeClient(config)
        try:
            version = client.request("GET", "/version", timeout=_REQUEST_SECONDS)["gitVersion"]
            context = f"context {config.context}, " if config.context else ""
            yield Finding(matter, Level.OK, f"{context}{config.server}, Kubernetes {version}")
            if files is not None:
                try:
                    cluster = files.platform.cluster
                    is_the_cluster(cluster, environment=self.stack, context=config.context, server=config.server)
                except CaramlError as error:
                    yield failed(matter, error)
                yield from self._kinds(client, files)
                yield self._rights(client, files)
        finally:
            client.close()

    def _known_files(self) -> StackFiles | None:
        try:
            return self.files()
        except CaramlError:
            return None  # the check of the files tells

    def _kinds(self, client: KubeClient, files: StackFiles) -> Iterator[Finding]:
        groups = {one["name"] for one in client.request("GET", "/apis", timeout=_REQUEST_SECONDS)["groups"]}
        for group in needed_groups(files):
            name, _ = SERVERS[group]
            if group in groups:
                yield Finding(f"{name} for {self.stack}", Level.OK, f"the cluster serves {group}")
            else:
                fix = f"install {name}, or choose settings of the platform that need it not"
                yield Finding(f"{name} for {self.stack}", Level.FAILED, f"the cluster does not serve {group}", fix)

    def _rights(self, client: KubeClient, files: StackFiles) -> Finding:
        matter = f"rights in {self.stack}"
        wanted = list(_wanted(files))
        with ThreadPoolExecutor(8) as pool:
            allowed = list(pool.map(lambda one: _may(client, *one), wanted))
        denied = [one for one, may in zip(wanted, allowed, strict=True) if not may]
        if not denied:
            return Finding(matter, Level.OK, f"all {len(wanted)} that were asked for")
        shown = [
            f"{verb} {resource}{f' in {namespace}' if namespace else ''}" for verb, _, resource, namespace in denied
        ]
        more = f" and {len(shown) - 4} more" if len(shown) > 4 else ""
        fix = "ask who runs the cluster for a Role that allows it, or choose another context"
        return Finding(matter, Level.FAILED, f"you may not {', '.join(shown[:4])}{more}", fix)


def needed_groups(files: StackFiles) -> Sequence[str]:
    """The API groups besides Kubernetes' own that the releases of an environment need."""
    platform = files.platform
    versions = [version for release in files.releases for version in release.versions if not version.stopped]
    backend = platform.routing.backend
    needed = {
        "serving.knative.dev": backend is RoutingBackend.KNATIVE
        or any(
            (version.deployment_mode or platform.default_deployment_mode) is DeploymentMode.SERVERLESS
            for version in versions
        ),
        "networking.istio.io": backend is RoutingBackend.ISTIO,
        "gateway.networking.k8s.io": backend is RoutingBackend.GATEWAY_API,
        "monitoring.coreos.com": platform.monitoring.enabled and any(release.endpoint for release in files.releases),
    }
    return [group for group, is_needed in needed.items() if is_needed]


def _wanted(files: StackFiles) -> Iterator[tuple[str, str, str, str]]:
    """Verb, group, resource and namespace of what an update may do."""
    ours = [(group, resource) for group in needed_groups(files) for resource in SERVERS[group][1]]
    for name, project in files.projects.items():
        if project.create_namespace and not project.existing:
            yield "create", "", "namespaces", ""
        for group, resource in (*_ALWAYS, *ours):
            for verb in _VERBS:
                yield verb, group, resource, name


def _may(client: KubeClient, verb: str, group: str, resource: str, namespace: str) -> bool:
    """Whether we may; a review of access is answered, and nothing is stored."""
    asked = {"verb": verb, "group": group, "resource": resource} | ({"namespace": namespace} if namespace else {})
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
    answer = client.request("POST", _REVIEWS, body=body, timeout=_REQUEST_SECONDS)
    return bool((answer.get("status") or {}).get("allowed"))
