"""`caraml cluster` as its user sees it, on the real servers."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.cluster import process
from caraml_pulumi.cluster.state import Cluster
from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.kube.errors import KubeError
from tests.e2e.conftest import LocalCluster

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("caraml cluster")]

READY_SECONDS = 15
"""Usually 1 s. Less than the leases of killed servers last (40 s and 75 s)."""
PLAIN = ("etcd", "apiserver", "controller-manager", "scheduler", "kwok")
CARAML = [sys.executable, "-c", "from caraml_pulumi.cli.main import main; main()", "cluster"]


def environment(home: Path) -> dict[str, str]:
    """A user who has a kubeconfig already, and the servers built already."""
    built = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    user = home / "user"
    return {**os.environ, "HOME": str(user), "KUBECONFIG": str(user / ".kube" / "config"), "XDG_CACHE_HOME": built}


def caraml(*arguments: str, home: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [*CARAML, *arguments, "--state", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment(home))
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def status(name: str, home: Path, code: int = 0) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(caraml("status", "--json", "--name", name, home=home, code=code).stdout)
    return answer


def pids(name: str, home: Path) -> dict[str, int]:
    return {server["name"]: server["pid"] for server in status(name, home)["servers"]}


def client(name: str, home: Path, *more: str) -> KubeClient:
    return KubeClient.from_kubeconfig(caraml("kubeconfig", "--name", name, *more, home=home).stdout.strip())


def wait_until_ready(client: KubeClient, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        found: dict[str, Any] = client.request("GET", path)
        conditions = {one["type"]: one["status"] for one in found.get("status", {}).get("conditions", [])}
        if conditions.get("Ready") == "True" or conditions.get("Available") == "True":
            return found
        assert time.monotonic() < deadline, found.get("status")
        time.sleep(0.1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory of clusters; whatever a failed test leaves in it is ended."""
    directory = tmp_path_factory.mktemp("clusters")
    kubeconfig = directory / "user" / ".kube" / "config"
    kubeconfig.parent.mkdir(parents=True)
    kubeconfig.write_text("mine")
    yield directory
    for name in ("plain", "other", "broken"):
        cluster = Cluster.named(name, directory)
        for left_over in process.running(cluster.home).values():
            process.stop(cluster.home, left_over, 0)


@pytest.fixture(scope="module")
def plain(home: Path) -> str:
    """A cluster without Knative that the tests of this module share."""
    caraml("up", "--only", "kubernetes", "--name", "plain", home=home)
    return "plain"


def create_service(api: KubeClient, namespace: str, name: str, **annotations: str) -> dict[str, Any]:
    path = f"/apis/serving.knative.dev/v1/namespaces/{namespace}/services"
    scaling = {f"autoscaling.knative.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}
    container = {"image": "registry.local/models/iris:1", "ports": [{"containerPort": 8080}]}
    service = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"template": {"metadata": {"annotations": scaling}, "spec": {"containers": [container]}}},
    }
    api.request("POST", path, body=service)
    return wait_until_ready(api, f"{path}/{name}")


def create_deployment(api: KubeClient, name: str, replicas: int = 1) -> dict[str, Any]:
    path, labels = "/apis/apps/v1/namespaces/default/deployments", {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "echo", "image": "echo"}]}}
    spec = {"selector": {"matchLabels": labels}, "replicas": replicas, "template": pod}
    api.request("POST", path, body={"metadata": {"name": name}, "spec": spec})
    return wait_until_ready(api, f"{path}/{name}")


def test_a_knative_service_becomes_ready(cluster: LocalCluster, namespace: str) -> None:
    ready = create_service(cluster.client, namespace, "iris-1")
    assert ready["status"]["url"] == f"http://iris-1.{namespace}.example.test"
    deployments = cluster.client.request("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments")["items"]
    assert [one["metadata"]["name"] for one in deployments] == ["iris-1-00001-deployment"]


def test_knatives_own_webhook_refuses_what_knative_does_not_allow(cluster: LocalCluster, namespace: str) -> None:
    with pytest.raises(KubeError, match="max-scale=2 is less than min-scale=5"):
        create_service(cluster.client, namespace, "iris-1", min_scale="5", max_scale="2")


@pytest.mark.parametrize(
    ("group", "plural"),
    [
        ("networking.istio.io/v1", "virtualservices"),
        ("monitoring.coreos.com/v1", "servicemonitors"),
        ("gateway.networking.k8s.io/v1", "httproutes"),
    ],
)
def test_the_kinds_of_other_operators_are_served(cluster: LocalCluster, group: str, plural: str) -> None:
    served = cluster.client.request("GET", f"/apis/{group}")["resources"]
    assert plural in [one["name"] for one in served]


def test_user_dev_may_do_nothing_until_rbac_allows_it(cluster: LocalCluster, namespace: str) -> None:
    dev = KubeClient.from_kubeconfig(str(cluster.dev_kubeconfig))
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    with pytest.raises(KubeError) as refused:
        dev.request("GET", path)
    assert refused.value.denied_by_rbac
    binding = {
        "metadata": {"name": "dev"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "dev"}],
    }
    bindings = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings"
    cluster.client.request("POST", bindings, body=binding)
    deadline = time.monotonic() + 5
    while True:
        try:
            dev.request("GET", path)
            break
        except KubeError:
            assert time.monotonic() < deadline


def test_a_plain_cluster_runs_pods_and_has_no_knative(plain: str, home: Path) -> None:
    api = client(plain, home)
    assert create_deployment(api, "echo", replicas=3)["status"]["readyReplicas"] == 3
    groups = {group["name"] for group in api.request("GET", "/apis")["groups"]}
    assert "serving.knative.dev" not in groups
    assert tuple(pids(plain, home)) == PLAIN


def test_up_again_says_so_and_changes_nothing(plain: str, home: Path) -> None:
    before = pids(plain, home)
    done = caraml("up", "--only", "kubernetes", "--name", plain, home=home)
    assert "Cluster plain is up already." in done.stderr
    assert pids(plain, home) == before


def test_every_server_listens_on_loopback_only(cluster: LocalCluster) -> None:
    running = process.running(cluster.kubeconfig.parent)
    assert len(running) >= 9
    listening = [address for one in running.values() for address in listening_addresses(one.pid)]
    assert len(listening) >= 12
    assert set(listening) == {"127.0.0.1"}


def listening_addresses(pid: int) -> list[str]:
    descriptors = [
        os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.exists() or link.is_symlink()
    ]
    inodes = {text[8:-1] for text in descriptors if text.startswith("socket:[")}
    found = []
    for family, table in ((socket.AF_INET, "tcp"), (socket.AF_INET6, "tcp6")):
        for row in map(str.split, Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]):
            if row[3] == "0A" and row[9] in inodes:
                raw = bytes.fromhex(row[1].partition(":")[0])
                words = [raw[start : start + 4][::-1] for start in range(0, len(raw), 4)]
                found.append(socket.inet_ntop(family, b"".join(words)))
    return found


def test_a_second_plain_cluster_runs_beside_the_first_and_goes_without_a_trace(plain: str, home: Path) -> None:
    before = pids(plain, home)
    caraml("up", "--only", "kubernetes", "--name", "other", home=home)
    client("other", home).request("POST", "/api/v1/namespaces", body={"metadata": {"name": "only-here"}})
    with pytest.raises(KubeError) as missing:
        client(plain, home).request("GET", "/api/v1/namespaces/only-here")
    assert missing.value.not_found
    other = pids("other", home)
    done = caraml("down", "--name", "other", home=home)
    assert all(f"({pid})" in done.stderr for pid in other.values())
    assert process.running(home / "other") == {}
    assert not (home / "other").exists()
    assert pids(plain, home) == before
    assert "There is no cluster other; nothing to do." in caraml("down", "--name", "other", home=home).stderr


@pytest.mark.parametrize("server", PLAIN)
def test_a_killed_server_is_reported_and_started_again_with_nothing_lost(plain: str, home: Path, server: str) -> None:
    api = client(plain, home)
    name = f"before-{server}"
    api.request("POST", "/api/v1/namespaces/default/configmaps", body={"metadata": {"name": name}})
    before = pids(plain, home)
    os.kill(before[server], signal.SIGKILL)
    sick = {one["name"]: one for one in status(plain, home, code=1)["servers"]}
    assert sick[server]["pid"] is None
    assert not sick[server]["healthy"]
    caraml("up", "--only", "kubernetes", "--name", plain, home=home)
    after = pids(plain, home)
    assert {one for one in PLAIN if after[one] != before[one]} == {server}
    assert status(plain, home)["healthy"]
    api.request("GET", f"/api/v1/namespaces/default/configmaps/{name}")
    create_deployment(api, f"after-{server}")


def test_a_plain_cluster_becomes_one_with_knative_whose_killed_servers_are_started_again(home: Path) -> None:
    caraml("up", "--only", "kubernetes", "--name", "broken", home=home)
    api = client("broken", home)
    create_deployment(api, "kept")
    caraml("up", "--name", "broken", home=home)
    create_service(api, "default", "iris-1")
    before = pids("broken", home)
    killed = {"knative-webhook", "knative-autoscaler", "knative-autoscaler-hpa", "knative-controller"}
    for server in killed:
        os.kill(before[server], signal.SIGKILL)
    caraml("up", "--name", "broken", home=home)
    after = pids("broken", home)
    assert {one for one in before if after[one] != before[one]} == killed
    create_service(api, "default", "iris-2")
    create_service(api, "default", "iris-3", **{"class": "hpa.autoscaling.knative.dev", "metric": "cpu"})
    wait_until_ready(api, "/apis/apps/v1/namespaces/default/deployments/kept")
    caraml("down", "--name", "broken", home=home)


@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)], ids=["killed", "Ctrl-C"])
def test_an_up_that_was_cut_short_is_continued(home: Path, how: signal.Signals, code: int) -> None:
    command = [*CARAML, "up", "--only", "kubernetes", "--name", "broken", "--state", str(home)]
    cluster = Cluster.named("broken", home)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment(home)) as half:
        deadline = time.monotonic() + 20
        while "apiserver" not in process.running(cluster.home):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        half.send_signal(how)
        _, told = half.communicate()
    assert half.returncode == code
    assert "Traceback" not in told
    apiserver = process.running(cluster.home)["apiserver"]
    caraml("up", "--only", "kubernetes", "--name", "broken", home=home)
    assert status("broken", home)["healthy"]
    assert process.running(cluster.home)["apiserver"] == apiserver
    caraml("down", "--name", "broken", home=home)


def test_down_ends_the_servers_of_a_cluster_whose_directory_was_removed(home: Path) -> None:
    caraml("up", "--only", "kubernetes", "--name", "broken", home=home)
    shutil.rmtree(home / "broken")
    assert len(process.running(home / "broken")) == len(PLAIN)
    caraml("down", "--name", "broken", home=home)
    assert process.running(home / "broken") == {}


def test_what_is_left_of_an_up_killed_before_it_was_laid_out_is_cleared_away(home: Path) -> None:
    cluster = Cluster.named("broken", home)
    cluster.create_home()
    stray = process.start(cluster.home, "etcd", ["/bin/sleep", "60"], {}, cluster.log("etcd"))
    caraml("up", "--only", "kubernetes", "--name", "broken", home=home)
    assert not process.is_alive(cluster.home, stray)
    assert status("broken", home)["healthy"]
    caraml("down", "--name", "broken", home=home)


def test_a_server_that_cannot_start_is_named_with_its_last_words_and_log(plain: str, home: Path) -> None:
    cluster = Cluster.named(plain, home)
    config = cluster.home / "kwok.yaml"
    good = config.read_text()
    config.write_text("kind: [\n")
    os.kill(pids(plain, home)["kwok"], signal.SIGKILL)
    failed = caraml("up", "--only", "kubernetes", "--name", plain, home=home, code=1)
    assert "kwok of cluster plain ended: " in failed.stderr
    assert f"where:   {cluster.log('kwok')}" in failed.stderr
    assert "yaml" in failed.stderr
    config.write_text(good)
    caraml("up", "--only", "kubernetes", "--name", plain, home=home)


def test_a_port_taken_meanwhile_is_named_with_its_holder(plain: str, home: Path) -> None:
    server = {one["name"]: one for one in status(plain, home)["servers"]}["scheduler"]
    os.kill(server["pid"], signal.SIGKILL)
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        deadline = time.monotonic() + 10
        while True:
            try:
                thief.bind(("127.0.0.1", server["port"]))
                break
            except OSError:
                assert time.monotonic() < deadline
        thief.listen()
        failed = caraml("up", "--only", "kubernetes", "--name", plain, home=home, code=1)
        assert f"port {server['port']} of scheduler is taken by" in failed.stderr
        assert f"(pid {os.getpid()})" in failed.stderr
    caraml("up", "--only", "kubernetes", "--name", plain, home=home)


def test_a_directory_that_is_no_cluster_is_neither_used_nor_removed(home: Path) -> None:
    precious = home / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("ten years")
    failed = caraml("up", "--only", "kubernetes", "--name", "precious", home=home, code=1)
    assert "exists and is not a cluster" in failed.stderr
    caraml("down", "--name", "precious", home=home)
    assert (precious / "thesis.txt").read_text() == "ten years"


def test_keys_and_tokens_are_readable_by_their_owner_only(plain: str, home: Path) -> None:
    cluster = Cluster.named(plain, home)
    assert cluster.home.stat().st_mode & 0o777 == 0o700
    for secret in (cluster.kubeconfig, cluster.dev_kubeconfig, cluster.pki / "tokens.csv"):
        assert secret.stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_to_the_home_or_the_kubeconfig_of_the_user(plain: str, home: Path) -> None:
    client(plain, home)
    files = [file for file in (home / "user").rglob("*") if file.is_file()]
    assert [file.read_text() for file in files] == ["mine"]
