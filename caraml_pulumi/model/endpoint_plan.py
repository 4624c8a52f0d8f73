"""A model endpoint with every value decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from caraml_pulumi.model.address import Address
from caraml_pulumi.model.clients import Access
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.names import service_name
from caraml_pulumi.model.routing import Cors, PathMatch, Retries, RoutingBackend, TextMatch

PREDICT_PATH: Final = "/v1/predict"
"""Where a model endpoint is asked for predictions, whichever version answers (Merlin)."""


@dataclass(frozen=True, slots=True)
class Share:
    """A version and its share of the requests."""

    version: int
    weight: int
    full_name: str
    """`{model}-{version}`."""
    workload: str
    """The name of the workload where the version's requests enter: its transformer's if it has one."""
    mode: DeploymentMode
    host: str
    """The version's own host, outside."""
    predict_path: str | None
    """The version's own path of predictions; nothing over gRPC."""
    timeout_seconds: int | None = None
    """How long the version lets a request take, if it says so and is at hand."""

    @property
    def service(self) -> str:
        """The name of the Service of the workload."""
        return service_name(self.workload, self.mode)


@dataclass(frozen=True, slots=True)
class Route:
    """Requests and the versions that they are divided over."""

    headers: Mapping[str, TextMatch]
    """Headers that the requests have."""
    path: PathMatch | None
    """Their path, where it is not the endpoint's."""
    shares: Sequence[Share]

    @property
    def is_default(self) -> bool:
        """Whether it takes all requests that no other route does."""
        return not self.headers and self.path is None


@dataclass(frozen=True, slots=True)
class EndpointPlan:
    """An endpoint with every value decided: what its manifests are made from."""

    model: str
    project: str
    environment: str
    backend: RoutingBackend
    address: Address
    path: str | None
    """Where predictions are asked for, below the address; nothing over gRPC."""
    protocol: Protocol
    routes: Sequence[Route]
    """In the order in which they are tried; the default route is last."""
    mirror: Share | None
    """The version that gets copies of the requests."""
    mirror_percentage: int
    timeout_seconds: int | None
    retries: Retries | None
    cors: Cors | None
    max_request_size: str | None
    access: Access
    labels: Mapping[str, str]

    @property
    def host(self) -> str:
        """The host of the endpoint."""
        return self.address.host

    @property
    def url(self) -> str:
        """Where predictions are asked for; over gRPC a host alone (Merlin)."""
        return self.address.url(self.path)

    @property
    def shares(self) -> Sequence[Share]:
        """The versions of the default route."""
        return self.routes[-1].shares

    def reached(self) -> list[Share]:
        """The versions that get requests or copies of them, each once; they must be ready."""
        shares = [share for route in self.routes for share in route.shares if share.weight]
        shares += [self.mirror] if self.mirror else []
        return list({share.version: share for share in shares}.values())

    def routing(self) -> dict[str, Any]:
        """Which model it is of, and where its requests go.

        Policies over a whole stack see outputs only, so it is among them.
        """
        optional = {
            "matches": [_match_props(route) for route in self.routes[:-1]] or None,
            "mirror": self.mirror and {"version": self.mirror.version, "percentage": self.mirror_percentage},
        }
        return {
            "model": self.model,
            "project": self.project,
            "environment": self.environment,
            "protocol": self.protocol.value,
            "traffic": _traffic_props(self.shares),
            **{name: value for name, value in optional.items() if value is not None},
        }

    def props(self) -> dict[str, Any]:
        """The decided values in camelCase, as policies and previews read them; of clients their names alone."""
        optional = {
            "timeoutSeconds": self.timeout_seconds,
            "retries": self.retries and self.retries.props(),
            "cors": self.cors and self.cors.props(),
            "maxRequestSize": self.max_request_size,
            "clients": [client.name for client in self.access.clients] or None,
        }
        return {
            **self.routing(),
            "backend": self.backend.value,
            "host": self.host,
            "tls": self.address.scheme == "https",
            "access": self.access.type.value,
            **{name: value for name, value in optional.items() if value is not None},
            "labels": dict(self.labels),
        }


def _traffic_props(shares: Sequence[Share]) -> list[dict[str, int]]:
    return [{"version": share.version, "weight": share.weight} for share in shares]


def _match_props(route: Route) -> dict[str, Any]:
    headers = {name: match.props() for name, match in route.headers.items()}
    return {
        **({"headers": headers} if headers else {}),
        **({"path": route.path.props()} if route.path else {}),
        "traffic": _traffic_props(route.shares),
    }
