"""`caraml cluster up --with istio` as its user sees it, and the Envoy that these tests run beside it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from caraml_pulumi.cluster import process
from caraml_pulumi.cluster.state import Cluster
from tests.e2e.proxies.conftest import Gateways
from tests.e2e.test_cluster import listening_addresses

pytestmark = pytest.mark.e2e
CARAML = Path(sys.executable).with_name("caraml")


def caraml(shared: Cluster, *arguments: str) -> str:
    command = [str(CARAML), "cluster", *arguments, "--name", shared.name, "--state", str(shared.home.parent)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_istiod_is_one_of_the_servers_and_a_later_up_leaves_it(shared: Cluster, gateways: Gateways) -> None:
    before = process.running(shared.home)["istiod"]
    caraml(shared, "up", "--with", "istio")
    caraml(shared, "up")
    status = json.loads(caraml(shared, "status", "--json"))
    assert {"istio", "knative", "crds"} <= set(status["versions"])
    [istiod] = [one for one in status["servers"] if one["name"] == "istiod"]
    assert istiod["healthy"]
    assert istiod["pid"] == before.pid


def test_istiod_and_the_gateways_listen_on_loopback_alone(shared: Cluster, gateways: Gateways) -> None:
    running = process.running(shared.home)
    pids = [running[name].pid for name in ("istiod", "envoy")]
    listening = [address for pid in pids for address in listening_addresses(pid)]
    assert len(listening) >= 8
    assert set(listening) == {"127.0.0.1"}
