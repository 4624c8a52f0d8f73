"""Knative Serving in a local cluster: its own webhook, controller and autoscalers, and stand-ins for its data plane."""

import time

from caraml_pulumi.cluster.manifests import Manifest, read
from caraml_pulumi.cluster.parts import KNATIVE
from caraml_pulumi.cluster.servers import Server
from caraml_pulumi.cluster.state import Cluster, State
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.kube.errors import KubeError

NAMESPACE = "knative-serving"
ACTIVATOR_ADDRESS = "10.64.255.254"
AUTOSCALER_ADDRESS = "10.64.255.253"
"""What the autoscaler writes into an Endpoints object as its own address: the API server accepts no loopback there."""
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
LEASE_HOLDERS = {"knative-autoscaler-hpa": "hpaautoscaler"}
"""Servers that hold their leases under another name than their own."""
REGISTRATIONS = (
    "validatingwebhookconfigurations/config.webhook.serving.knative.dev",
    "validatingwebhookconfigurations/validation.webhook.serving.knative.dev",
    "mutatingwebhookconfigurations/webhook.serving.knative.dev",
)
READY_SECONDS = 120

PODSPEC_FEATURES = (
    "affinity",
    "fieldref",
    "init-containers",
    "nodeselector",
    "persistent-volume-claim",
    "persistent-volume-write",
    "priorityclassname",
    "runtimeclassname",
    "schedulername",
    "securitycontext",
    "tolerations",
    "topologyspreadconstraints",
    "volumes-emptydir",
)
"""Parts of a pod template that Knative refuses unless they are enabled."""

SETTINGS: dict[str, dict[str, str]] = {
    # Fake pods have no image: tags of these registries are not resolved to digests.
    "config-deployment": {
        "queue-sidecar-image": "registry.local/knative/queue",
        "registries-skipping-tag-resolving": "kind.local,ko.local,dev.local,registry.local",
    },
    "config-features": {
        **{f"kubernetes.podspec-{feature}": "enabled" for feature in PODSPEC_FEATURES},
        "kubernetes.containerspec-addcapabilities": "enabled",
        # Otherwise every new Service is answered by a warning about the container's security context.
        "secure-pod-defaults": "enabled",
    },
    # With the activator always in the path the autoscaler does not scrape the fake pods, and scaling to zero works.
    "config-autoscaler": {"target-burst-capacity": "-1", "allow-zero-initial-scale": "true"},
    "config-domain": {"example.test": ""},
    "config-observability": {"metrics.backend-destination": "none"},
}
"""What the configuration differs in from Knative's defaults."""

INGRESS_API = "networking.internal.knative.dev/v1alpha1"
INGRESS_STAGE: Manifest = {
    "apiVersion": "kwok.x-k8s.io/v1alpha1",
    "kind": "Stage",
    "metadata": {"name": "kingress-ready"},
    "spec": {
        "resourceRef": {"apiGroup": INGRESS_API, "kind": "Ingress"},
        "selector": {
            "matchExpressions": [
                {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"},
                {
                    "key": "(.status.observedGeneration // 0) == .metadata.generation",
                    "operator": "In",
                    "values": ["false"],
                },
            ]
        },
        "next": {
            "statusTemplate": """
{{ $now := Now }}
observedGeneration: {{ .metadata.generation }}
conditions:
{{ range $type := list "LoadBalancerReady" "NetworkConfigured" "Ready" }}
- {type: {{ $type }}, status: "True", lastTransitionTime: {{ $now | Quote }}}
{{ end }}
privateLoadBalancer: {ingress: [{domainInternal: knative-local-gateway.istio-system.svc.cluster.local}]}
publicLoadBalancer: {ingress: [{domainInternal: istio-ingressgateway.istio-system.svc.cluster.local}]}
"""
        },
    },
}
"""Stands in for the ingress controller (net-istio): every Knative Ingress becomes ready for its current generation."""


def crds() -> list[Manifest]:
    """The kinds of Knative Serving, its networking and its image caching."""
    return [manifest for manifest in read(KNATIVE) if manifest["kind"] == "CustomResourceDefinition"]


def namespace() -> Manifest:
    """The namespace of Knative Serving."""
    return read(KNATIVE, "*/100-namespace.json")[0]


def configuration() -> list[Manifest]:
    """Roles, accounts and ConfigMaps, and the objects that stand in for the activator and expose the webhook.

    The ConfigMaps get `SETTINGS` before the webhook that checks them exists.
    """
    return [*_settings(), *read(KNATIVE, "*/200-*"), *_stand_ins()]


def registrations(state: State) -> list[Manifest]:
    """The webhook registrations.

    The API server reaches the webhook's process through a Service of type ExternalName that names `localhost`; it takes
    the port from the registration and the TLS name from the Service. Knative's own reconcilers leave both alone.
    """
    manifests = read(KNATIVE, "*/webhooks/*")
    for manifest in manifests:
        for webhook in manifest["webhooks"]:
            webhook["clientConfig"]["service"]["port"] = state.ports["knative-webhook"]
    return manifests


def webhook(cluster: Cluster, state: State) -> Server:
    """Validates and completes Services, and validates the ConfigMaps."""
    port = state.ports["knative-webhook"]
    return _server(cluster, state, "knative-webhook", {"WEBHOOK_NAME": "webhook", "WEBHOOK_PORT": str(port)})


def autoscaler(cluster: Cluster, state: State) -> Server:
    """Decides on the number of replicas."""
    environment = {"POD_IP": AUTOSCALER_ADDRESS, "STATS_PORT": str(state.ports["knative-autoscaler"])}
    return _server(cluster, state, "knative-autoscaler", environment)


def autoscaler_hpa(cluster: Cluster, state: State) -> Server:
    """Makes a HorizontalPodAutoscaler of each revision that is scaled on cpu or memory."""
    return _reconciler(cluster, state, "knative-autoscaler-hpa")


def controller(cluster: Cluster, state: State) -> Server:
    """Turns Services into Revisions, Routes and Deployments."""
    return _reconciler(cluster, state, "knative-controller")


def forget_leases(client: KubeClient, server: Server) -> None:
    """Remove the leases of a server that is about to start.

    One that was killed has left its leases behind, and the next would wait 75 s for them to run out.
    """
    component = LEASE_HOLDERS.get(server.name, server.name.removeprefix("knative-"))
    for lease in client.request("GET", LEASES)["items"]:
        name = lease["metadata"]["name"]
        if name.startswith((f"{component}.", f"{component}-")):
            client.request("DELETE", f"{LEASES}/{name}")


def wait_ready(client: KubeClient) -> None:
    """Wait until the webhook is registered with its certificate and answers for a Service.

    Raises:
        CaramlError: it does not after two minutes.
    """
    deadline = time.monotonic() + READY_SECONDS
    while (problem := _not_ready(client)) is not None:
        if time.monotonic() > deadline:
            raise CaramlError(f"Knative Serving is not ready after {READY_SECONDS} s: {problem}")
        time.sleep(0.05)


def _not_ready(client: KubeClient) -> str | None:
    """Why Knative Serving cannot be used yet."""
    for registration in REGISTRATIONS:
        answer = client.request("GET", f"/apis/admissionregistration.k8s.io/v1/{registration}")
        if not answer["webhooks"][0]["clientConfig"].get("caBundle"):
            return f"{registration} has no certificate"
    container = {"image": "registry.local/app/api:1"}
    probe = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": "probe", "namespace": "default"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    path = "/apis/serving.knative.dev/v1/namespaces/default/services"
    try:
        client.request("POST", path, body=probe, params={"dryRun": "All"})
    except KubeError as error:
        return error.message
    return None


def _reconciler(cluster: Cluster, state: State, name: str) -> Server:
    """One of Knative's processes that serve nothing but their own health."""
    return _server(cluster, state, name, {"PROBES_PORT": str(state.ports[name])}, health="/readiness")


def _server(cluster: Cluster, state: State, name: str, more: dict[str, str], health: str = "") -> Server:
    """One of Knative's processes; they are configured by their environment."""
    environment = {
        "KUBECONFIG": str(cluster.kubeconfig),
        "KUBE_API_QPS": "300",
        "KUBE_API_BURST": "600",
        "SYSTEM_NAMESPACE": NAMESPACE,
        "CONFIG_LOGGING_NAME": "config-logging",
        "CONFIG_OBSERVABILITY_NAME": "config-observability",
        "CONFIG_LEADERELECTION_NAME": "config-leader-election",
        "METRICS_DOMAIN": "knative.dev/internal/serving",
        "POD_NAME": f"{name}-0",
        "PROFILING_PORT": str(state.ports[f"{name}-profiling"]),
        **more,
    }
    return Server(name, KNATIVE, name, state.ports[name], environment=environment, health=health, scheme="http")


def _settings() -> list[Manifest]:
    """Knative's ConfigMaps with our settings; the commented `_example` in each stays, its checksum is validated."""
    maps = [*read(KNATIVE, "*/configmaps/*"), *read(KNATIVE, "*/config-network.json")]
    return [{**one, "data": {**one.get("data", {}), **SETTINGS.get(one["metadata"]["name"], {})}} for one in maps]


def _stand_ins() -> list[Manifest]:
    """The activator, which is only an address here but must exist, and the way to the webhook."""
    ports = {"http": (80, 8012), "http2": (81, 8013), "https": (443, 8112)}

    def named(kind: str, name: str, **rest: object) -> Manifest:
        return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, **rest}

    service_ports = [{"name": name, "port": port, "targetPort": target} for name, (port, target) in ports.items()]
    subset = {
        "addresses": [{"ip": ACTIVATOR_ADDRESS}],
        "ports": [{"name": name, "port": target} for name, (_, target) in ports.items()],
    }
    return [
        named("Service", "activator-service", spec={"ports": service_ports}),
        named("Endpoints", "activator-service", subsets=[subset]),
        named("Service", "webhook", spec={"type": "ExternalName", "externalName": "localhost"}),
        named("Secret", "webhook-certs"),
    ]
