"""Bring a cluster up, down, and say how it is."""

import contextlib
import time
from dataclasses import dataclass

from caraml_pulumi.cluster import build, istio, knative, kubernetes, manifests, process, s3, servers
from caraml_pulumi.cluster.parts import ALL, CRDS, ISTIO, KNATIVE, KUBERNETES, KWOK, PLAIN, S3, WITH_KNATIVE, Part
from caraml_pulumi.cluster.ports import LOOPBACK, free_ports
from caraml_pulumi.cluster.process import Process
from caraml_pulumi.cluster.report import Report
from caraml_pulumi.cluster.servers import Probe, Server
from caraml_pulumi.cluster.state import PORTS, Cluster, State
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube.client import KubeClient

NODE_SECONDS = 60
KNATIVE_SERVERS = (knative.webhook, knative.autoscaler, knative.autoscaler_hpa, knative.controller)
BUSY = "another command is at work on this cluster, waiting for it"


@dataclass(frozen=True)
class ServerStatus:
    """One server as it is now; `process` is nothing when it does not run."""

    server: Server
    process: Process | None
    healthy: bool


@dataclass(frozen=True)
class Status:
    """A cluster as it is now: no servers when there is none."""

    cluster: Cluster
    parts: tuple[Part, ...]
    servers: tuple[ServerStatus, ...]
    complete: bool
    """Whether everything was set up in the API server."""

    @property
    def exists(self) -> bool:
        """Whether there is a cluster, in whatever state."""
        return bool(self.servers)

    @property
    def healthy(self) -> bool:
        """Whether the cluster is set up completely and each of its servers is healthy."""
        return self.exists and self.complete and all(one.healthy for one in self.servers)

    @property
    def api_url(self) -> str:
        """Where the API server listens."""
        ports = [one.server.port for one in self.servers if one.server.name == "apiserver"]
        return f"https://{LOOPBACK}:{ports[0]}" if ports else ""

    @property
    def s3_url(self) -> str:
        """Where the S3 server listens; empty if the cluster has none."""
        ports = [one.server.port for one in self.servers if one.server.name == s3.NAME]
        return f"http://{LOOPBACK}:{ports[0]}" if ports else ""


def status(cluster: Cluster) -> Status:
    """How the cluster is. Asks every server; takes milliseconds."""
    state = State.load(cluster)
    if state is None:
        return Status(cluster, (), (), complete=False)
    parts = tuple(part for part in ALL if part.name in state.tools)
    running = process.running(cluster.home)
    probe = Probe(cluster)
    found = tuple(
        ServerStatus(server, running.get(server.name), server.name in running and probe.is_healthy(server))
        for server in _servers(cluster, state)
    )
    return Status(cluster, parts, found, complete=set(state.installed) == set(state.tools))


def up(
    cluster: Cluster, *, with_knative: bool, with_s3: bool = False, with_istio: bool = False, report: Report
) -> bool:
    """Bring a cluster up; return False if it was up already.

    Builds what is not built, starts what does not run, and sets up what is missing, so it also repairs a cluster some
    of whose servers have died and continues one that was cut short. A plain cluster becomes one with Knative, and one
    without an S3 server or istiod gets one; what a cluster has is never taken away. Istiod needs the CRDs that come
    with Knative, and brings both.

    Raises:
        CaramlError: a build failed, a server did not start, or the cluster was made by another version.
    """
    with cluster.locked(lambda: report.note(BUSY)):
        wanted: tuple[Part, ...] = (
            *(WITH_KNATIVE if with_knative or with_istio else PLAIN),
            *((S3,) if with_s3 else ()),
            *((ISTIO,) if with_istio else ()),
        )
        state = State.load(cluster)
        if state is not None:
            _refuse_other_versions(cluster, state)
            now = status(cluster)
            if now.healthy and {part.name for part in wanted} <= set(state.installed):
                return False
            wanted = tuple(part for part in ALL if part in wanted or part.name in state.tools)
        build.ensure(wanted, report)
        if state is None:
            state = _prepare(cluster)
        state.tools = {part.name: part.hash for part in wanted}
        if S3 in wanted:
            s3.prepare(cluster, state)
        if ISTIO in wanted:
            istio.prepare(cluster, state)
        state.save(cluster)
        _start(cluster, state, report)
        return True


def down(cluster: Cluster, report: Report) -> list[Process] | None:
    """End every process of a cluster, remove its directory, and return the processes that were ended.

    The built tools stay. Returns None if there is no cluster; nothing happens then.
    """
    if not cluster.home.exists() and not process.running(cluster.home):
        return None
    with cluster.locked(lambda: report.note(BUSY)):
        ended = list(process.running(cluster.home).values())
        for one in ended:
            process.stop(cluster.home, one, grace_seconds=0)
        return ended if cluster.remove_home() or ended else None


def _prepare(cluster: Cluster) -> State:
    """Lay out a new cluster; what a crash left of an earlier attempt goes first."""
    for left_over in process.running(cluster.home).values():
        process.stop(cluster.home, left_over, grace_seconds=0)
    cluster.remove_home()
    cluster.create_home()
    state = State(ports=dict(zip(PORTS, free_ports(len(PORTS)), strict=True)), tools={})
    try:
        kubernetes.prepare(cluster, state)
    except OSError as error:
        raise CaramlError(f"{cluster.home} cannot be written: {error.strerror}", fix="free some space") from error
    return state


def _start(cluster: Cluster, state: State, report: Report) -> None:
    """Start the servers in the order in which they need each other, and set up what each needs in the API server."""
    probe = Probe(cluster)
    with report.step(f"start Kubernetes {KUBERNETES.version}") as say:
        say("etcd and the API server")
        servers.start(cluster, [kubernetes.etcd(cluster, state), kubernetes.apiserver(cluster, state)], probe)
        say("the controllers and the scheduler")
        controllers = [kubernetes.controller_manager(cluster, state), kubernetes.scheduler(cluster, state)]
        servers.start(cluster, controllers, probe)
    client = KubeClient.from_kubeconfig(str(cluster.kubeconfig))
    with contextlib.closing(client):
        new = [part for part in (KNATIVE, CRDS) if part.name in state.tools and part.name not in state.installed]
        if KNATIVE in new:
            with report.step("define the kinds of Knative Serving"):
                _define_knative(cluster, client)
        with report.step(f"start kwok {KWOK.version} with one fake node"):
            if "kwok" not in process.running(cluster.home):
                kubernetes.forget_node_lease(client)
            servers.start(cluster, [kubernetes.kwok(cluster, state)], probe)
            manifests.create(client, [kubernetes.node()])
            _wait_for_node(client)
        if CRDS in new:
            with report.step(f"send {CRDS.title}"):
                manifests.create(client, manifests.read(CRDS))
        if KNATIVE.name in state.tools:
            with report.step(f"start Knative Serving {KNATIVE.version}"):
                _start_knative(cluster, state, client, probe)
        if CRDS in new:
            with report.step(f"wait for {CRDS.title}"):
                manifests.wait_established(client, manifests.read(CRDS))
        if ISTIO.name in state.tools:
            with report.step(f"start {ISTIO.title}"):
                manifests.create(client, [istio.namespace()])
                servers.start(cluster, [istio.server(cluster, state)], probe)
    if S3.name in state.tools:
        with report.step(f"start the S3 server {S3.title} {S3.version}"):
            servers.start(cluster, [s3.server(cluster, state)], probe)
    state.installed = list(state.tools)
    state.save(cluster)


def _define_knative(cluster: Cluster, client: KubeClient) -> None:
    """Create Knative's CustomResourceDefinitions, and have kwok play the ingress controller.

    kwok looks up the kinds of its stages once, when it starts: one that runs already is ended and started again later.
    """
    kubernetes.write_stages(cluster, [knative.INGRESS_STAGE])
    kwok = process.running(cluster.home).get("kwok")
    if kwok is not None:
        process.stop(cluster.home, kwok, grace_seconds=2)
    manifests.create(client, [knative.namespace(), *knative.crds()])
    manifests.wait_established(client, knative.crds())
    manifests.wait_described(client, knative.INGRESS_API)


def _start_knative(cluster: Cluster, state: State, client: KubeClient, probe: Probe) -> None:
    """Configure Knative, start its servers and wait until a Service would be admitted."""
    manifests.create(client, knative.configuration())
    manifests.create(client, knative.registrations(state))
    wanted = [make(cluster, state) for make in KNATIVE_SERVERS]
    running = process.running(cluster.home)
    for server in wanted:
        if server.name not in running:
            knative.forget_leases(client, server)
    servers.start(cluster, wanted, probe)
    knative.wait_ready(client)


def _servers(cluster: Cluster, state: State) -> list[Server]:
    """The servers a cluster consists of."""
    plain = (
        kubernetes.etcd,
        kubernetes.apiserver,
        kubernetes.controller_manager,
        kubernetes.scheduler,
        kubernetes.kwok,
    )
    of_knative = KNATIVE_SERVERS if KNATIVE.name in state.tools else ()
    of_s3 = (s3.server,) if S3.name in state.tools else ()
    of_istio = (istio.server,) if ISTIO.name in state.tools else ()
    return [make(cluster, state) for make in (*plain, *of_knative, *of_s3, *of_istio)]


def _wait_for_node(client: KubeClient) -> None:
    """Wait until pods can be created and scheduled: the node is ready, the default service account is there."""
    deadline = time.monotonic() + NODE_SECONDS
    while True:
        node = client.request("GET", f"/api/v1/nodes/{kubernetes.NODE}")
        accounts = client.request("GET", "/api/v1/namespaces/default/serviceaccounts")["items"]
        ready = manifests.is_true(node, "Ready")
        if ready and accounts:
            return
        if time.monotonic() > deadline:
            missing = "the default service account" if ready else f"node {kubernetes.NODE}"
            raise CaramlError(f"{missing} is not ready after {NODE_SECONDS} s")
        time.sleep(0.025)


def _refuse_other_versions(cluster: Cluster, state: State) -> None:
    """A running cluster is never changed to other versions under its objects."""
    changed = [part for part in ALL if state.tools.get(part.name, part.hash) != part.hash]
    if changed:
        raise CaramlError(
            f"cluster {cluster.name} was made with another version of {changed[0].title}",
            where=str(cluster.home),
            fix=f"end it with `caraml cluster down{cluster.options}`, then bring it up again",
        )
