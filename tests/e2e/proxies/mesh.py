"""What a platform with Istio and Knative has in its cluster, and versions without pods: model servers on loopback."""

import itertools
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc
import urllib3
from caraml.upi.v1.upi_pb2 import PredictValuesRequest
from caraml.upi.v1.upi_pb2_grpc import UniversalPredictionServiceStub

from caraml_pulumi.cluster.istio import NAMESPACE
from caraml_pulumi.cluster.knative import NAMESPACE as KNATIVE_NAMESPACE
from caraml_pulumi.kube.client import APPLY_PATCH, KubeClient
from caraml_pulumi.kube.errors import KubeError
from caraml_pulumi.manifests import Manifest, routing
from caraml_pulumi.model.endpoint import ModelEndpointSpec, plan_endpoint
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.names import SERVICE_PORT, raw_service_name
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.routing import RoutingBackend
from caraml_pulumi.model.spec import dotted, located, parse
from caraml_pulumi.model.version_plan import VersionPlan
from tests.e2e.proxies.envoy import ADDRESS, HTTP2_UPSTREAM, LABELS
from tests.e2e.proxies.model_server import ModelServer
from tests.unit.model import builders

ISTIO = "networking.istio.io/v1"
ENVOY_FILTER = "networking.istio.io/v1alpha3"
GATEWAY_API = "gateway.networking.k8s.io/v1"
INGRESS_GATEWAY = "istio-ingressgateway"
LOCAL_GATEWAY = "knative-local-gateway"
GATEWAY = "gateway"
"""The Gateway of the Gateway API."""
_numbers = itertools.count()


@dataclass
class Mesh:
    """A cluster with a gateway: requests to its port are routed by the objects in the cluster."""

    client: KubeClient
    platform: PlatformSpec
    port: int
    """Of the gateway where requests enter."""
    applied: list[str] = field(default_factory=list)
    deployed: list[tuple[VersionPlan, ModelServer]] = field(default_factory=list)
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=30, maxsize=16)
    )

    def apply(self, manifests: Iterable[Manifest]) -> None:
        """Apply objects as an update does."""
        for manifest in manifests:
            metadata = manifest["metadata"]
            path = self.client.path(
                manifest["apiVersion"], manifest["kind"], metadata.get("namespace"), metadata["name"]
            )
            options = {"fieldManager": "test", "force": "true", "fieldValidation": "Strict"}
            self.client.request("PATCH", path, manifest, options, APPLY_PATCH)
            self.applied.append(path)

    def deploy(self, server: ModelServer, namespace: str, **settings: Any) -> None:
        """Deploy a version of iris, and let `server` stand for its pods: behind its real Service, or behind Knative."""
        given = {"version": int(server.full_name.rpartition("-")[2]), "protocol": server.protocol, **settings}
        version = builders.version(self.platform, project=namespace, **given)
        if self.platform.routing.backend is RoutingBackend.GATEWAY_API:
            self.apply([grant(namespace)])
        self.deployed.append((version, server))
        self.apply(routing.version_objects(version, self.platform))
        if version.mode is DeploymentMode.SERVERLESS:
            self.apply(behind_knative(version.entry.name, namespace, server))
            return
        made = {(item["kind"], item["metadata"]["name"]): item for item in builders.objects(version, self.platform)}
        service = made["Service", raw_service_name(version.entry.name)]
        deployment = made["Deployment", version.entry.name]
        self.apply([service, _pod(service, deployment["spec"]["template"]["metadata"], server)])

    def route(self, namespace: str, traffic: Mapping[int, int], **settings: Any) -> str:
        """Route to iris by `traffic`, versions and weights, and wait until the gateway does; returns the host."""
        shares = [{"version": version, "weight": weight} for version, weight in traffic.items()]
        versions = [version for version, _ in self.deployed]
        protocol = versions[0].protocol
        given = {"model": "iris", "project": namespace, "traffic": shares, "protocol": protocol, **settings}
        with located(dotted, given):
            endpoint = plan_endpoint(parse(ModelEndpointSpec, given), self.platform, versions)
        self.apply(routing.endpoint_objects(endpoint, self.platform))
        self.settle()
        return endpoint.host

    def settle(self) -> None:
        """Wait until the gateway knows all that was applied: the newest routes, and the versions behind them.

        Istiod hears of objects of one kind in their order, but of kinds in any order.
        """
        marker = self._mark()
        until(lambda: self.request("GET", marker, "/", redirect=False).status == 302, marker)
        if self.platform.routing.backend is RoutingBackend.GATEWAY_API:
            for path in self.applied:
                if "routes/" in path:
                    until(partial(self._is_accepted, path), path)
        for version, server in self.deployed:
            until(partial(self._reaches, version), version.host)
            server.received.clear()

    def _mark(self) -> str:
        """Apply a route that answers 302 by itself; returns its host."""
        marker = f"settled-{os.getpid()}-{next(_numbers)}"
        host = f"{marker}.test"
        if self.platform.routing.backend is RoutingBackend.GATEWAY_API:
            redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 302}}
            parents = [{"namespace": NAMESPACE, "name": GATEWAY}]
            spec: Manifest = {"parentRefs": parents, "hostnames": [host], "rules": [{"filters": [redirect]}]}
            self.apply([named_object(GATEWAY_API, "HTTPRoute", marker, "default", spec=spec)])
        else:
            answer = {"name": "settled", "directResponse": {"status": 302}}
            spec = {"hosts": [host], "gateways": [self.platform.istio.gateway], "http": [answer]}
            self.apply([named_object(ISTIO, "VirtualService", marker, "default", spec=spec)])
        return host

    def _is_accepted(self, path: str) -> bool:
        """Whether istiod says of a route of the Gateway API that it does all of it and that its backends are there."""
        route = self.client.request("GET", path)
        conditions = [
            condition for parent in route.get("status", {}).get("parents", []) for condition in parent["conditions"]
        ]
        newest = [one for one in conditions if one["observedGeneration"] == route["metadata"]["generation"]]
        return {one["type"] for one in newest if one["status"] == "True"} >= {"Accepted", "ResolvedRefs"}

    def _reaches(self, version: VersionPlan) -> bool:
        """Whether the version answers at its own host."""
        if version.protocol is not Protocol.UPI_V1:
            return self.request("GET", version.host, "/").status == 200
        try:
            return bool(self.calls(1, version.host))
        except grpc.RpcError:
            return False

    def request(self, method: str, host: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """What the gateway answers."""
        url = f"http://{ADDRESS}:{self.port}{path}"
        headers = {"Host": host, **options.pop("headers", {})}
        return self.pool.request(method, url, headers=headers, **options)

    def predict(self, host: str, path: str = "/v1/predict", **options: Any) -> urllib3.BaseHTTPResponse:
        """Ask for a prediction."""
        return self.request("POST", host, path, **{"json": {"instances": [1]}, **options})

    def answers(self, count: int, host: str, path: str = "/v1/predict", **options: Any) -> Counter[str]:
        """Which version answered how many of `count` predictions."""
        found: Counter[str] = Counter()
        for _ in range(count):
            answer = self.predict(host, path, **options)
            assert answer.status == 200, answer.data
            found[json.loads(answer.data)["model"]] += 1
        return found

    def calls(self, count: int, host: str, metadata: Mapping[str, str] | None = None) -> Counter[str]:
        """Which version answered how many of `count` gRPC calls."""
        found: Counter[str] = Counter()
        with grpc.insecure_channel(f"{ADDRESS}:{self.port}", options=[("grpc.default_authority", host)]) as channel:
            stub = UniversalPredictionServiceStub(channel)
            for _ in range(count):
                answer = stub.PredictValues(
                    PredictValuesRequest(), timeout=10, metadata=tuple((metadata or {}).items())
                )
                found[answer.metadata.models[0].name] += 1
        return found

    def forget(self) -> None:
        """Delete what was applied since the last time."""
        for path in reversed(self.applied):
            try:
                self.client.request("DELETE", path)
            except KubeError as error:
                if not error.not_found:
                    raise
        self.applied.clear()


def until(holds: Callable[[], bool], host: str) -> None:
    """Wait until the gateway leads to `host` as it should."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, f"the gateway does not lead to {host}"
        time.sleep(0.02)


def platform_objects(ports: Mapping[str, int]) -> list[Manifest]:
    """The gateways of a platform, named as the installations of Istio and Knative name them, on `ports`."""
    listener = {"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}
    service = f"{GATEWAY}.{NAMESPACE}.svc.cluster.local"
    gateway = {
        "gatewayClassName": "istio",
        "addresses": [{"type": "Hostname", "value": service}],
        "listeners": [listener],
    }
    on_loopback = {
        "applyTo": "LISTENER",
        "match": {"context": "GATEWAY"},
        "patch": {"operation": "MERGE", "value": {"address": {"socket_address": {"address": ADDRESS}}}},
    }
    return [
        *(_service(name, port) for name, port in ports.items()),
        _gateway("knative-ingress-gateway", ports[INGRESS_GATEWAY]),
        _gateway("knative-local-gateway", ports[LOCAL_GATEWAY]),
        named_object(GATEWAY_API, "Gateway", GATEWAY, NAMESPACE, spec=gateway),
        named_object(ISTIO, "WorkloadEntry", "gateway", NAMESPACE, spec={"address": ADDRESS, "labels": LABELS}),
        named_object(ENVOY_FILTER, "EnvoyFilter", "loopback", NAMESPACE, spec={"configPatches": [on_loopback]}),
    ]


def grant(namespace: str) -> Manifest:
    """What a platform allows the routes of a project: to lead to its gateways."""
    spec = {
        "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": namespace}],
        "to": [{"group": "", "kind": "Service"}],
    }
    return named_object("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", namespace, NAMESPACE, spec=spec)


def behind_knative(name: str, namespace: str, server: ModelServer) -> list[Manifest]:
    """What Knative's ingress controller makes of the Service `name`: its gateway leads from the host to the pods."""
    pods = f"{name}.{namespace}.pods.internal"
    protocol = "HTTP2" if server.protocol is Protocol.UPI_V1 else "HTTP"
    entry = {
        "hosts": [pods],
        "location": "MESH_INTERNAL",
        "resolution": "STATIC",
        "ports": [{"number": 80, "name": "http", "protocol": protocol}],
        "endpoints": [{"address": server.address, "ports": {"http": server.port}}],
    }
    route = {
        "hosts": [f"{name}.{namespace}.svc.cluster.local"],
        "gateways": [f"{KNATIVE_NAMESPACE}/knative-local-gateway"],
        "http": [{"route": [{"destination": {"host": pods, "port": {"number": 80}}}]}],
    }
    return [
        named_object(ISTIO, "ServiceEntry", f"{name}-pods", namespace, spec=entry),
        named_object(ISTIO, "VirtualService", f"{name}-mesh", namespace, spec=route),
    ]


def instead_of_pods(service: str, namespace: str, server: ModelServer, port: int = SERVICE_PORT) -> list[Manifest]:
    """Lets `server` answer in place of the fake pods behind the Service `service`, which run no programs."""
    name = f"outbound|{port}||{service}.{namespace}.svc.cluster.local"
    address = {"socket_address": {"address": server.address, "port_value": server.port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    cluster = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
        **(HTTP2_UPSTREAM if server.protocol is Protocol.UPI_V1 else {}),
    }
    gateway = {"context": "GATEWAY"}
    patches = [
        {"applyTo": "CLUSTER", "match": gateway | {"cluster": {"name": name}}, "patch": {"operation": "REMOVE"}},
        {"applyTo": "CLUSTER", "match": gateway, "patch": {"operation": "ADD", "value": cluster}},
    ]
    filter_name = f"{namespace}-{service}"
    return [named_object(ENVOY_FILTER, "EnvoyFilter", filter_name, NAMESPACE, spec={"configPatches": patches})]


def _pod(service: Manifest, pod: Manifest, server: ModelServer) -> Manifest:
    """A pod of a Deployment with the labels of its template, where `server` listens."""
    [port] = service["spec"]["ports"]
    spec = {"address": server.address, "labels": pod["labels"], "ports": {str(port["targetPort"]): server.port}}
    return named_object(ISTIO, "WorkloadEntry", server.full_name, service["metadata"]["namespace"], spec=spec)


def _service(name: str, target_port: int) -> Manifest:
    ports = [{"name": "http2", "port": 80, "targetPort": target_port}]
    return named_object("v1", "Service", name, NAMESPACE, spec={"selector": LABELS, "ports": ports})


def _gateway(name: str, port: int) -> Manifest:
    server = {"port": {"number": port, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    return named_object(ISTIO, "Gateway", name, KNATIVE_NAMESPACE, spec={"selector": LABELS, "servers": [server]})


def named_object(api_version: str, kind: str, name: str, namespace: str, **rest: Any) -> Manifest:
    """A Kubernetes object."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **rest}
