"""What a platform with Istio and Knative has in its cluster, and versions without pods: model servers on loopback."""

import itertools
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import urllib3

from caraml_pulumi.cluster.istio import NAMESPACE
from caraml_pulumi.cluster.knative import NAMESPACE as KNATIVE_NAMESPACE
from caraml_pulumi.cluster.ports import LOOPBACK
from caraml_pulumi.kube.client import APPLY_PATCH, KubeClient
from caraml_pulumi.kube.errors import KubeError
from caraml_pulumi.manifests import Manifest
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.model.version_plan import VersionPlan
from tests.e2e.proxies.envoy import ADDRESS, LABELS
from tests.e2e.proxies.model_server import ModelServer
from tests.unit.model import builders

ISTIO = "networking.istio.io/v1"
_numbers = itertools.count()


@dataclass
class Mesh:
    """A cluster with a gateway: requests to its port are routed by the objects in the cluster."""

    client: KubeClient
    port: int
    """Of the ingress gateway."""
    gateway_api_port: int
    """Of the Gateway of the Gateway API."""
    local_port: int
    """Of Knative's gateway inside the cluster."""
    applied: list[str] = field(default_factory=list)
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

    def deploy(self, version: VersionPlan, server: ModelServer) -> None:
        """Let `server` stand for the pods of `version`, behind its real Service and routes, or behind Knative."""
        made = builders.objects(version)
        routes = [item for item in made if item["kind"] in ("VirtualService", "HTTPRoute", "GRPCRoute")]
        if version.mode is DeploymentMode.SERVERLESS:
            self.apply([*_behind_knative(version, server, self.local_port), *routes])
            return
        [service] = [item for item in made if item["kind"] == "Service"]
        [deployment] = [item for item in made if item["kind"] == "Deployment"]
        self.apply([service, _pod(service, deployment["spec"]["template"]["metadata"], server), *routes])

    def settle(self) -> None:
        """Wait until the gateway knows all that was applied: istiod sends what it knows in one piece."""
        host = f"settled-{next(_numbers)}.test"
        answer = {"name": "settled", "directResponse": {"status": 299}}
        spec = {"hosts": [host], "gateways": [f"{KNATIVE_NAMESPACE}/knative-ingress-gateway"], "http": [answer]}
        self.apply([_object(ISTIO, "VirtualService", host.removesuffix(".test"), "default", spec=spec)])
        deadline = time.monotonic() + 30
        while self.request("GET", host, "/").status != 299:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def request(
        self, method: str, host: str, path: str, *, port: int | None = None, **options: Any
    ) -> urllib3.BaseHTTPResponse:
        """What the gateway answers."""
        url = f"http://{ADDRESS}:{port or self.port}{path}"
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

    def forget(self) -> None:
        """Delete what was applied since the last time."""
        for path in reversed(self.applied):
            try:
                self.client.request("DELETE", path)
            except KubeError as error:
                if not error.not_found:
                    raise
        self.applied.clear()


def platform_objects(port: int, gateway_api_port: int, local_port: int) -> list[Manifest]:
    """The gateways of a platform, named as the installations of Istio and Knative name them."""
    return [
        _service("istio-ingressgateway", {"http2": (80, port)}),
        _service("knative-local-gateway", {"http2": (80, local_port)}),
        _gateway("knative-ingress-gateway", port),
        _gateway("knative-local-gateway", local_port),
        _object(ISTIO, "WorkloadEntry", "gateway", NAMESPACE, spec={"address": ADDRESS, "labels": LABELS}),
        _object(
            "networking.istio.io/v1alpha3",
            "EnvoyFilter",
            "loopback",
            NAMESPACE,
            spec={
                "configPatches": [
                    {
                        "applyTo": "LISTENER",
                        "match": {"context": "GATEWAY"},
                        "patch": {
                            "operation": "MERGE",
                            "value": {"address": {"socket_address": {"address": ADDRESS}}},
                        },
                    }
                ]
            },
        ),
    ]


def _behind_knative(version: VersionPlan, server: ModelServer, port: int) -> list[Manifest]:
    """What Knative's ingress controller makes of a Service: its gateway leads from the host to the pods."""
    name, namespace = version.entry.name, version.project
    pods = f"{name}.pods.internal"
    protocol = "HTTP2" if server.protocol == "UPI_V1" else "HTTP"
    entry = {
        "hosts": [pods],
        "location": "MESH_INTERNAL",
        "resolution": "STATIC",
        "ports": [{"number": 80, "name": "http", "protocol": protocol}],
        "endpoints": [{"address": LOOPBACK, "ports": {"http": server.port}}],
    }
    route = {
        "hosts": [f"{name}.{namespace}.svc.cluster.local"],
        "gateways": [f"{KNATIVE_NAMESPACE}/knative-local-gateway"],
        "http": [{"route": [{"destination": {"host": pods, "port": {"number": 80}}}]}],
    }
    return [
        _object(ISTIO, "ServiceEntry", f"{name}-pods", namespace, spec=entry),
        _object(ISTIO, "VirtualService", f"{name}-mesh", namespace, spec=route),
    ]


def _pod(service: Manifest, pod: Manifest, server: ModelServer) -> Manifest:
    """A pod of a Deployment with the labels of its template, where `server` listens."""
    [port] = service["spec"]["ports"]
    spec = {"address": LOOPBACK, "labels": pod["labels"], "ports": {str(port["targetPort"]): server.port}}
    return _object(ISTIO, "WorkloadEntry", server.full_name, service["metadata"]["namespace"], spec=spec)


def _service(name: str, ports: dict[str, tuple[int, int]]) -> Manifest:
    named = [{"name": key, "port": port, "targetPort": target} for key, (port, target) in ports.items()]
    return _object("v1", "Service", name, NAMESPACE, spec={"selector": LABELS, "ports": named})


def _gateway(name: str, port: int) -> Manifest:
    server = {"port": {"number": port, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    return _object(ISTIO, "Gateway", name, KNATIVE_NAMESPACE, spec={"selector": LABELS, "servers": [server]})


def _object(api_version: str, kind: str, name: str, namespace: str, **rest: Any) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **rest}
