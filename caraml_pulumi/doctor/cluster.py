"""The cluster that a stack is deployed to: whether it answers, what it knows, and what one may do there."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from caraml_pulumi.doctor.checks import Check, Finding, Level, failed
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.kube.kubeconfig import load_cluster_config
from caraml_pulumi.model.needs import SERVERS, needed_groups, needed_resources
from caraml_pulumi.model.target_cluster import is_the_cluster
from caraml_pulumi.stack_files import StackFiles

AREA: Final = "the cluster"
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
        for group in needed_groups(files.platform, files.releases):
            name = SERVERS[group].title
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


def _wanted(files: StackFiles) -> Iterator[tuple[str, str, str, str]]:
    """Verb, group, resource and namespace of what an update may do."""
    for name, project in files.projects.items():
        if project.create_namespace and not project.existing:
            yield "create", "", "namespaces", ""
        if project.deployers or project.viewers:
            yield "create", "rbac.authorization.k8s.io", "roles", name
            yield "create", "rbac.authorization.k8s.io", "rolebindings", name
        for resource in needed_resources(files.platform, files.releases):
            for verb in _VERBS:
                yield verb, resource.group, resource.plural, name


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
