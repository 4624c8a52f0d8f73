"""Where models and versions are reached from outside."""

from dataclasses import dataclass

from caraml_pulumi.model import names
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.routing import DEPLOYMENT_PATH, RoutingBackend


@dataclass(frozen=True, slots=True)
class Address:
    """Where a model or version is reached."""

    scheme: str
    host: str
    prefix: str = ""
    """What paths start with: nothing, or `/deployment/{name}` behind an Ingress."""

    def url(self, path: str | None) -> str:
        """The URL of `path`; over gRPC, which has none, the host alone (Merlin)."""
        return self.host if path is None else f"{self.scheme}://{self.host}{self.prefix}{path}"


def version_address(
    platform: PlatformSpec, full_name: str, workload: str, project: str, protocol: Protocol, mode: DeploymentMode
) -> Address:
    """Where the version `full_name` is reached, whose requests enter at `workload`. Raises `CaramlError` as `address`.

    Knative publishes its Services by their own names. Behind an Ingress a version is reached inside the cluster alone,
    unless the platform says otherwise.
    """
    backend = platform.routing.backend
    if backend is RoutingBackend.INGRESS and not platform.ingress.version_addresses:
        return Address("http", f"{names.service_name(workload, mode)}.{project}.svc.cluster.local")
    return address(platform, backend, workload if backend is RoutingBackend.KNATIVE else full_name, project, protocol)


def address(platform: PlatformSpec, backend: RoutingBackend, name: str, project: str, protocol: Protocol) -> Address:
    """Where the model or version `name` is reached. Raises `CaramlError` for a host longer than DNS allows.

    Behind an Ingress the models of a project share a host and differ in their paths (seed: Model Deployment); gRPC,
    whose paths are fixed, keeps hosts.
    """
    scheme = "https" if platform.routing.tls else "http"
    if backend is RoutingBackend.INGRESS and protocol is not Protocol.UPI_V1:
        of_project = names.host("", project, platform.domain, template="{project}.{domain}")
        return Address(scheme, platform.ingress.host or of_project, f"{DEPLOYMENT_PATH}/{name}")
    template, environment = platform.routing.host_template, platform.environment
    host = names.host(name, project, platform.domain, environment=environment, template=template)
    return Address(scheme, host)
