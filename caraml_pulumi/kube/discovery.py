"""Which kinds a cluster serves, asked lazily one group version at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube.errors import KubeError

_FIXES: Final = {
    "monitoring.coreos.com": "install the Prometheus operator, or set monitoring.enabled of the platform to false",
    "networking.istio.io": "install Istio, or set routing.backend of the platform to what the cluster has",
    "gateway.networking.k8s.io": "install the Gateway API, or set routing.backend of the platform to what there is",
    "serving.knative.dev": "install Knative Serving, or deploy versions with deploymentMode RAW_DEPLOYMENT",
}
"""What to do about the kinds of an API group that models need only as their platform is set."""


class NoSuchKind(CaramlError):
    """The cluster does not serve this kind: most often a CustomResourceDefinition that is not installed (yet)."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(
            f"the cluster has no kind {kind} in {api_version}",
            fix=_FIXES.get(
                api_version.partition("/")[0],
                "install the CustomResourceDefinition or operator that brings it, or correct apiVersion and kind",
            ),
        )
        self.api_version = api_version
        self.kind = kind


@dataclass(frozen=True, slots=True)
class ApiResource:
    """How a kind is addressed: ``/apis/GROUP/VERSION[/namespaces/NS]/plural``."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """The path of the collection, or of the object `name` in it."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name else "")


class Discovery:
    """The kinds of one cluster. A kind that was found is remembered; one that was not is asked for again each time.

    `get` is the client's GET of a path. Safe to use from several threads.
    """

    def __init__(self, get: Callable[[str], Any]) -> None:
        self._get = get
        self._lock = Lock()
        self._versions: dict[str, dict[str, ApiResource]] = {}

    def resource(self, api_version: str, kind: str) -> ApiResource:
        """How to address `kind`. Raises `NoSuchKind`, or `KubeError` when the cluster cannot be asked."""
        found = self._versions.get(api_version, {}).get(kind)
        if found is not None:
            return found
        with self._lock:
            found = self._versions.get(api_version, {}).get(kind)
            if found is None:
                self._versions[api_version] = self._fetch(api_version, kind)
                found = self._versions[api_version].get(kind)
        if found is None:
            raise NoSuchKind(api_version, kind)
        return found

    def _fetch(self, api_version: str, kind: str) -> dict[str, ApiResource]:
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            listed = self._get(root).get("resources") or []
        except KubeError as error:
            if error.not_found:
                raise NoSuchKind(api_version, kind) from error
            raise
        return {
            item["kind"]: ApiResource(api_version, item["kind"], item["name"], bool(item["namespaced"]))
            for item in listed
            if "/" not in item["name"]  # subresources such as deployments/scale share or change the kind
        }
