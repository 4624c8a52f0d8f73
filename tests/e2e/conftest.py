"""What end-to-end tests run on: one local control plane with Knative for the whole run, a namespace for each test."""

import contextlib
import fcntl
import os
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from caraml_pulumi.cli.steps import Steps
from caraml_pulumi.cluster import lifecycle, s3
from caraml_pulumi.cluster.state import Cluster
from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.kube.errors import KubeError

KEPT = "CARAML_TEST_CLUSTER"
"""Names a cluster of the user's to run on; it is brought up if need be and stays. Without it, a run has its own."""
ACTIVE = (
    "serving.knative.dev/v1 services",
    "apps/v1 deployments",
    "autoscaling/v2 horizontalpodautoscalers",
    "batch/v1 jobs",
    "networking.istio.io/v1 virtualservices",
    "gateway.networking.k8s.io/v1 httproutes",
)
"""The kinds of objects that a controller or a gateway works for as long as they are there."""


@dataclass(frozen=True)
class LocalCluster:
    """A running local control plane: administrator's and rightless user's kubeconfig, and a client as administrator."""

    kubeconfig: Path
    dev_kubeconfig: Path
    client: KubeClient

    def leave(self, namespace: str) -> None:
        """End what is active in a namespace that a test is done with; nothing is waited for.

        The namespace itself goes with the cluster, unless that is kept. To remove one, Kubernetes asks for each kind
        whether there is anything of it, which takes half a second of CPU, and others that are removed wait meanwhile.
        """
        if os.environ.get(KEPT):
            with contextlib.suppress(KubeError):  # a test may have removed it, or made none
                self.client.request("DELETE", f"/api/v1/namespaces/{namespace}")
            return
        for group, plural in map(str.split, ACTIVE):
            self.client.request("DELETE", f"/apis/{group}/namespaces/{namespace}/{plural}")


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The local control plane of this run; parallel workers share it and the last one ends it."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with _shared_cluster(capture.global_and_fixture_disabled) as shared:
        yield shared


@pytest.fixture(scope="session")
def cluster(shared: Cluster) -> Iterator[LocalCluster]:
    """The Kubernetes of the local control plane."""
    client = KubeClient.from_kubeconfig(str(shared.kubeconfig))
    yield LocalCluster(shared.kubeconfig, shared.dev_kubeconfig, client)
    client.close()


@pytest.fixture(scope="session")
def s3_environment(shared: Cluster) -> dict[str, str]:
    """The environment variables with which S3 clients use the local control plane's S3 server."""
    lifecycle.up(shared, with_knative=True, with_s3=True, report=Steps())
    return s3.environment(shared)


@pytest.fixture
def s3_server(s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The S3 server's endpoint, with the environment set for its clients; nothing else of the user's AWS settings."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {**s3_environment, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    return s3_environment["AWS_ENDPOINT_URL"]


@pytest.fixture
def namespace(cluster: LocalCluster) -> Iterator[str]:
    """A new namespace."""
    name = f"test-{uuid.uuid4().hex[:10]}"
    cluster.client.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})
    yield name
    cluster.leave(name)


@contextmanager
def _shared_cluster(uncaptured: Callable[[], AbstractContextManager[None]]) -> Iterator[Cluster]:
    if name := os.environ.get(KEPT):
        kept = Cluster.named(name)
        with uncaptured():
            lifecycle.up(kept, with_knative=True, report=Steps())
        yield kept
        return
    run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    home = Path(tempfile.gettempdir()) / f"caraml-test-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    assert home.stat().st_uid == os.getuid()
    own = Cluster.named(f"pytest-{run}", home)
    users = home / f".{own.name}.users"
    with _only_one(home), uncaptured():
        _end_clusters_of_killed_runs(home)
        lifecycle.up(own, with_knative=True, report=Steps())
        with users.open("a") as file:
            file.write("+")
    yield own
    with _only_one(home):
        users.write_text(users.read_text()[1:])
        if not users.read_text():
            lifecycle.down(own, Steps())
            users.unlink()


def _end_clusters_of_killed_runs(home: Path) -> None:
    for left_over in home.glob("pytest-*"):
        if not Path(f"/proc/{left_over.name.removeprefix('pytest-')}").exists():
            lifecycle.down(Cluster.named(left_over.name, home), Steps())


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    with (home / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
