"""The servers of plain Kubernetes: etcd, API server, controllers, scheduler, and kwok, which plays the node."""

import base64
import json
import secrets
from pathlib import Path
from typing import Any

from caraml_pulumi.cluster import pki
from caraml_pulumi.cluster.files import write_private
from caraml_pulumi.cluster.manifests import read
from caraml_pulumi.cluster.parts import KUBERNETES, KWOK
from caraml_pulumi.cluster.ports import LOOPBACK
from caraml_pulumi.cluster.servers import Server
from caraml_pulumi.cluster.state import Cluster, State
from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.kube.errors import KubeError

SERVICE_NETWORK = "10.0.0.0/16"
POD_NETWORK = "10.64.0.0/16"
QPS, BURST = 300, 600
"""Client-side limits of the controllers. The defaults (20 a second) make deletions of a large stack take minutes."""
WORKERS = 20
HPA_SECONDS = 1
"""How often HorizontalPodAutoscalers are looked at. With the default of 15 s a Knative Service that has one takes as
long to become ready."""
NODE = "kwok-0"
CAPACITY = {"cpu": "512", "memory": "4Ti", "pods": "5000"}
"""Of the fake node: enough that nothing a test deploys is ever unschedulable by accident."""


def etcd(cluster: Cluster, state: State) -> Server:
    """The store. Without fsync: a cluster survives killed processes, and need not survive a power cut."""
    url = f"https://{LOOPBACK}:{state.ports['etcd']}"
    peer = f"https://{LOOPBACK}:{state.ports['etcd-peer']}"
    keys = cluster.pki
    return Server(
        "etcd",
        KUBERNETES,
        "etcd",
        state.ports["etcd"],
        (
            f"--name={cluster.name}",
            f"--data-dir={cluster.home / 'etcd'}",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster={cluster.name}={peer}",
            "--client-cert-auth",
            f"--cert-file={keys / 'server.crt'}",
            f"--key-file={keys / 'server.key'}",
            f"--trusted-ca-file={keys / 'ca.crt'}",
            "--peer-client-cert-auth",
            f"--peer-cert-file={keys / 'server.crt'}",
            f"--peer-key-file={keys / 'server.key'}",
            f"--peer-trusted-ca-file={keys / 'ca.crt'}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ),
        health="/health",
    )


def apiserver(cluster: Cluster, state: State) -> Server:
    """The API server: RBAC, client certificates, and tokens from a file for the unprivileged user."""
    keys = cluster.pki
    return Server(
        "apiserver",
        KUBERNETES,
        "kube-apiserver",
        state.ports["apiserver"],
        (
            f"--etcd-servers=https://{LOOPBACK}:{state.ports['etcd']}",
            f"--etcd-cafile={keys / 'ca.crt'}",
            f"--etcd-certfile={keys / 'server.crt'}",
            f"--etcd-keyfile={keys / 'server.key'}",
            f"--bind-address={LOOPBACK}",
            f"--advertise-address={LOOPBACK}",
            f"--secure-port={state.ports['apiserver']}",
            f"--tls-cert-file={keys / 'server.crt'}",
            f"--tls-private-key-file={keys / 'server.key'}",
            f"--client-ca-file={keys / 'ca.crt'}",
            f"--token-auth-file={keys / 'tokens.csv'}",
            f"--service-account-key-file={keys / 'service-account.pub'}",
            f"--service-account-signing-key-file={keys / 'service-account.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-cluster-ip-range={SERVICE_NETWORK}",
            "--authorization-mode=Node,RBAC",
            "--endpoint-reconciler-type=none",
            "--allow-privileged=true",
            "--profiling=false",
        ),
        health="/readyz",
    )


def controller_manager(cluster: Cluster, state: State) -> Server:
    """The controllers: default service accounts, Deployments, garbage collection, removal of namespaces."""
    keys = cluster.pki
    return Server(
        "controller-manager",
        KUBERNETES,
        "kube-controller-manager",
        state.ports["controller-manager"],
        (
            *_serving(cluster, state.ports["controller-manager"]),
            f"--kubeconfig={cluster.kubeconfig}",
            f"--service-account-private-key-file={keys / 'service-account.key'}",
            f"--root-ca-file={keys / 'ca.crt'}",
            f"--cluster-signing-cert-file={keys / 'ca.crt'}",
            f"--cluster-signing-key-file={keys / 'ca.key'}",
            "--leader-elect=false",
            f"--horizontal-pod-autoscaler-sync-period={HPA_SECONDS}s",
            "--controllers=*,-cloud-node-lifecycle-controller,-service-lb-controller,-node-route-controller",
            f"--kube-api-qps={QPS}",
            f"--kube-api-burst={BURST}",
            f"--concurrent-gc-syncs={2 * WORKERS}",
            f"--concurrent-namespace-syncs={WORKERS}",
            f"--concurrent-deployment-syncs={WORKERS}",
            f"--concurrent-replicaset-syncs={WORKERS}",
            f"--concurrent-service-endpoint-syncs={WORKERS}",
        ),
        health="/healthz",
    )


def scheduler(cluster: Cluster, state: State) -> Server:
    """The scheduler, which binds pods to the fake node."""
    return Server(
        "scheduler",
        KUBERNETES,
        "kube-scheduler",
        state.ports["scheduler"],
        (*_serving(cluster, state.ports["scheduler"]), f"--config={cluster.home / 'scheduler.json'}"),
        health="/healthz",
    )


def kwok(cluster: Cluster, state: State) -> Server:
    """The fake kubelet: pods on its node get an address and become ready at once."""
    return Server(
        "kwok",
        KWOK,
        "kwok",
        state.ports["kwok"],
        (
            f"--config={cluster.home / 'kwok.yaml'}",
            f"--kubeconfig={cluster.kubeconfig}",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            f"--server-address={LOOPBACK}:{state.ports['kwok']}",
            "--node-lease-duration-seconds=40",
            f"--cidr={POD_NETWORK}",
            f"--node-ip={LOOPBACK}",
        ),
        health="/healthz",
        scheme="http",
    )


def _serving(cluster: Cluster, port: int) -> tuple[str, ...]:
    """Where and as whom a controller serves its health."""
    return (
        f"--bind-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--tls-cert-file={cluster.pki / 'server.crt'}",
        f"--tls-private-key-file={cluster.pki / 'server.key'}",
        f"--authentication-kubeconfig={cluster.kubeconfig}",
        f"--authorization-kubeconfig={cluster.kubeconfig}",
        "--profiling=false",
    )


def prepare(cluster: Cluster, state: State) -> None:
    """Write certificates, kubeconfigs and configuration of a new cluster."""
    pki.create(cluster.pki)
    token = secrets.token_urlsafe(32)
    write_private(cluster.pki / "tokens.csv", f"{token},dev,dev,developers\n".encode())
    certificate = {
        "client-certificate-data": _base64(cluster.pki / "admin.crt"),
        "client-key-data": _base64(cluster.pki / "admin.key"),
    }
    _write_kubeconfig(cluster, state, cluster.kubeconfig, "admin", certificate)
    _write_kubeconfig(cluster, state, cluster.dev_kubeconfig, "dev", {"token": token})
    configuration = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": False},
        "clientConnection": {"kubeconfig": str(cluster.kubeconfig), "qps": QPS, "burst": BURST},
    }
    (cluster.home / "scheduler.json").write_text(json.dumps(configuration))
    write_stages(cluster, [])


def write_stages(cluster: Cluster, more: list[dict[str, Any]]) -> None:
    """Write kwok's configuration: its own stages for nodes and pods, and `more`. It is read when kwok starts."""
    stages = [*read(KWOK), *more]
    (cluster.home / "kwok.yaml").write_text("".join(f"---\n{json.dumps(stage)}\n" for stage in stages))


def node() -> dict[str, Any]:
    """The node that kwok plays."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": NODE,
            "labels": {
                "kubernetes.io/hostname": NODE,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "type": "kwok",
            },
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        "status": {"allocatable": CAPACITY, "capacity": CAPACITY},
    }


def forget_node_lease(client: KubeClient) -> None:
    """Remove the lease of the node before kwok is started.

    A kwok that was killed has left it behind, and the next would leave new pods alone until it runs out after 40 s.
    """
    try:
        client.request("DELETE", f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{NODE}")
    except KubeError as error:
        if not error.not_found:
            raise


def _write_kubeconfig(cluster: Cluster, state: State, path: Path, user: str, credentials: dict[str, str]) -> None:
    """Write a kubeconfig with one context, named after the cluster and, for anybody but the administrator, the user."""
    context = f"caraml-{cluster.name}" if user == "admin" else f"caraml-{cluster.name}-{user}"
    server = f"https://{LOOPBACK}:{state.ports['apiserver']}"
    authority = _base64(cluster.pki / "ca.crt")
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": context, "user": credentials}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context, "namespace": "default"}}],
    }
    write_private(path, json.dumps(content, indent=2).encode())


def _base64(path: Path) -> str:
    """A file's content as kubeconfigs embed it."""
    return base64.b64encode(path.read_bytes()).decode()
