"""Whose logs are read: the containers of a version's replicas, found by Merlin's selectors."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import KubeClient
from caraml_pulumi.model.labels import INFERENCE_SERVICE, KSERVE_COMPONENT, PREDICTOR, TRANSFORMER
from caraml_pulumi.model.names import MODEL_CONTAINER
from caraml_pulumi.observed.objects import Object, at, items_at, number_at, text_at
from caraml_pulumi.status.clusters import Clients
from caraml_pulumi.status.deployed import WORKLOADS, DeployedVersion

STORAGE_INITIALIZER: Final = "storage-initializer"
CONTAINERS: Final = frozenset((MODEL_CONTAINER, TRANSFORMER, STORAGE_INITIALIZER))
"""Containers that are read unless another is named; Knative's queue-proxy is not among them (Merlin)."""


@dataclass(frozen=True, slots=True)
class Source:
    """A container of a pod, as often as it was started."""

    namespace: str
    pod: str
    container: str
    starts: int
    runs: bool = field(compare=False)
    """Whether it goes on."""

    @property
    def title(self) -> str:
        """As a line's prefix names it."""
        return f"{self.pod} {self.container}"


@dataclass(frozen=True, slots=True)
class Replicas:
    """The pods of versions in one namespace: who is asked, and the selector."""

    client: KubeClient
    namespace: str
    selector: str

    def pods(self) -> list[Object]:
        """The pods there are now."""
        path = self.client.path("v1", "Pod", self.namespace)
        listed: list[Object] = self.client.request("GET", path, params={"labelSelector": self.selector})["items"]
        return listed


def replicas_of(versions: Iterable[DeployedVersion], clients: Clients) -> list[Replicas]:
    """Where the pods of `versions` are, by Merlin's selectors: a set of names, predictors and transformers."""
    names: dict[tuple[str, str], set[str]] = {}
    for version in versions:
        for ref in version.objects:
            known = names.setdefault((ref.provider, version.project), set())
            known.add(version.full_name)
            if (ref.api_version, ref.kind) in WORKLOADS:
                known.add(ref.name.removesuffix(f"-{TRANSFORMER}"))
    return [
        Replicas(
            clients[provider],
            namespace,
            f"{INFERENCE_SERVICE} in ({','.join(sorted(known))}),{KSERVE_COMPONENT} in ({PREDICTOR},{TRANSFORMER})",
        )
        for (provider, namespace), known in sorted(names.items())
    ]


def container_is_there(replicas: Iterable[Replicas], container: str) -> None:
    """Refuse a container that no replica has; where there are no replicas, there may come one. Raises `CaramlError`."""
    pods = [pod for one in replicas for pod in one.pods()]
    names = {
        text_at(each, "name")
        for pod in pods
        for kind in ("initContainers", "containers")
        for each in items_at(pod, "spec", kind)
    }
    if names and container not in names:
        raise CaramlError(
            f'no replica has a container "{container}"', where="--container", allowed=", ".join(sorted(names))
        )


def sources_in(pod: Object, containers: frozenset[str], *, previous: bool = False) -> Iterator[Source]:
    """The containers of a pod that have something to say: those that were started, or ended before if `previous`.

    One that waits to be started again has what it said until it ended.
    """
    for kind in ("initContainerStatuses", "containerStatuses"):
        for status in items_at(pod, "status", kind):
            runs, ended = bool(at(status, "state", "running")), bool(at(status, "state", "terminated"))
            before = bool(at(status, "lastState", "terminated"))
            if text_at(status, "name") in containers and (before or (not previous and (runs or ended))):
                yield Source(
                    text_at(pod, "metadata", "namespace"),
                    text_at(pod, "metadata", "name"),
                    text_at(status, "name"),
                    number_at(status, "restartCount"),
                    runs=runs,
                )
