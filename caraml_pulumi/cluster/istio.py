"""Istiod, the control plane of Istio: it reads VirtualServices and the Gateway API, and tells Envoys how to route."""

from pathlib import Path

import yaml

from caraml_pulumi.cluster.manifests import Manifest
from caraml_pulumi.cluster.parts import ISTIO
from caraml_pulumi.cluster.ports import LOOPBACK, free_ports
from caraml_pulumi.cluster.servers import Server
from caraml_pulumi.cluster.state import Cluster, State
from caraml_pulumi.errors import CaramlError

NAME = "istiod"
NAMESPACE = "istio-system"
PORTS = (NAME, f"{NAME}-xds", f"{NAME}-monitoring", f"{NAME}-introspection")
MESH = {"enableAutoMtls": False, "enablePrometheusMerge": False, "defaultProviders": dict[str, object]()}
"""No certificates between proxies, and no telemetry: its filters are in Istio's own build of Envoy alone."""


def prepare(cluster: Cluster, state: State) -> None:
    """Give istiod its ports and its configuration, where it has none yet.

    Raises:
        CaramlError: the cluster's directory cannot be written.
    """
    if NAME not in state.ports:
        state.ports |= dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    try:
        _mesh(cluster).write_text(yaml.safe_dump(MESH))
    except OSError as error:
        raise CaramlError(f"{cluster.home} cannot be written: {error.strerror}", fix="free some space") from error


def namespace() -> Manifest:
    """The namespace of Istio, where istiod elects its leader."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}


def server(cluster: Cluster, state: State) -> Server:
    """Istiod on loopback, without certificates, webhooks and gateways of its own.

    What it leaves out are filters that stock Envoy does not have, and what needs pods.
    """
    addresses = {port: f"{LOOPBACK}:{state.ports[port]}" for port in PORTS}
    return Server(
        NAME,
        ISTIO,
        "istiod",
        state.ports[NAME],
        (
            "discovery",
            *("--kubeconfig", str(cluster.kubeconfig)),
            *("--meshConfig", str(_mesh(cluster))),
            *("--namespace", NAMESPACE),
            *("--httpAddr", addresses[NAME]),
            *("--grpcAddr", addresses[f"{NAME}-xds"]),
            *("--monitoringAddr", addresses[f"{NAME}-monitoring"]),
            *("--ctrlz_address", LOOPBACK),
            *("--ctrlz_port", str(state.ports[f"{NAME}-introspection"])),
            *("--httpsAddr", ""),
            *("--secureGRPCAddr", ""),
        ),
        environment={
            "POD_NAME": f"{NAME}-0",
            "POD_NAMESPACE": NAMESPACE,
            "ENABLE_CA_SERVER": "false",
            "PILOT_CERT_PROVIDER": "none",
            "INJECTION_WEBHOOK_CONFIG_NAME": "",
            "VALIDATION_WEBHOOK_CONFIG_NAME": "",
            "PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER": "false",
            "PILOT_ENABLE_METADATA_EXCHANGE": "false",
            "PILOT_ENABLE_ALPN_FILTER": "false",
            "PILOT_ENABLE_TELEMETRY_LABEL": "false",
        },
        health="/ready",
        scheme="http",
    )


def xds_port(state: State) -> int:
    """The port on loopback where Envoys ask for their configuration, in plain text."""
    return state.ports[f"{NAME}-xds"]


def _mesh(cluster: Cluster) -> Path:
    return cluster.home / "mesh.yaml"
