"""`caraml status` on the real servers: what a person reads of versions that are well, and of those that are not.

Pods that fail as only a kubelet can say are on a node that the test plays; quotas, scheduling, rollouts and Knative are
the real ones.
"""

import re
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from caraml_pulumi.errors import FAILED, INTERRUPTED, UNHEALTHY
from caraml_pulumi.kube import MERGE_PATCH, KubeError
from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import CARAML, Platform, Result
from tests.e2e.played_node import Played, PlayedNode, eventually, played_node

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("states")]
IMAGE = "registry.local/team/{}:9"
PULL = "rpc error: code = NotFound desc = failed to pull and unpack image"


def state(name: str, ready: bool = False, restarts: int = 0, **states: Any) -> dict[str, Any]:
    return {
        "name": "model",
        "image": IMAGE.format(name),
        "imageID": "",
        "ready": ready,
        "restartCount": restarts,
    } | states


def unpulled(name: str) -> Played:
    waits = {"waiting": {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{IMAGE.format(name)}"'}}
    answer = (
        f'Failed to pull image "{IMAGE.format(name)}": {PULL} "{IMAGE.format(name)}": {IMAGE.format(name)}: not found'
    )
    return Played([state(name, state=waits)], events=[("Failed", answer), ("Failed", "Error: ImagePullBackOff")])


CRASH = Played(
    [
        state(
            "crashing",
            restarts=4,
            state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 1m20s restarting failed container"}},
            lastState={
                "terminated": {
                    "exitCode": 1,
                    "reason": "Error",
                    "startedAt": "2026-11-22T10:00:00Z",
                    "finishedAt": "2026-11-22T10:00:01Z",
                    "message": "Traceback (most recent call last):\nModuleNotFoundError: No module named sklearn\n",
                }
            },
        )
    ],
    phase="Running",
)
UNREADY = Played(
    [state("probing", state={"running": {"startedAt": "2026-11-22T10:00:00Z"}})],
    phase="Running",
    events=[("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")],
)


def release(on: Platform, model: str, project: str = "", **version: Any) -> None:
    """A release file with one version that is scaled by nothing."""
    settings = {"version": 1, "image": IMAGE.format(model), "deploymentMode": "RAW_DEPLOYMENT", **version}
    if settings["deploymentMode"] == "RAW_DEPLOYMENT":
        settings = {"replicas": 1, **settings}
    content = {"model": model, "project": project or on.project, "versions": [settings]}
    on.release.with_name(f"{model}.yaml").write_text(yaml.safe_dump(content))


def divided(on: Platform, backend: str, mode: str) -> None:
    """A release file with two versions of a model, named after the backend that divides its requests 70 to 30."""
    model = backend.lower().replace("_", "-")
    settings: dict[str, Any] = {"image": IMAGE.format(model), "protocol": "SELDON", "deploymentMode": mode}
    settings |= {"replicas": 1} if mode == "RAW_DEPLOYMENT" else {}
    traffic = [{"version": 1, "weight": 70}, {"version": 2, "weight": 30}]
    content = {
        "model": model,
        "project": on.project,
        "versions": [{"version": number, **settings} for number in (1, 2)],
        "endpoint": {"backend": backend, "traffic": traffic},
    }
    on.release.with_name(f"{model}.yaml").write_text(yaml.safe_dump(content))


def configure(on: Platform, tight: str) -> None:
    path = on.directory / "stacks/Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text())
    document["config"]["caraml:platform"] |= {"deploymentTimeoutSeconds": 600, "maxCpu": "2000"}
    document["config"]["caraml:projects"][on.project] |= {
        "quota": {},
        "instanceTypes": {},
        "viewers": {"groups": ["developers"]},
    }
    document["config"]["caraml:projects"][tight] = {"existing": True, "team": "t", "stream": "s"}
    path.write_text(yaml.safe_dump(document))


@pytest.fixture(scope="module")
def node(cluster: LocalCluster) -> Iterator[PlayedNode]:
    with played_node(cluster.client, f"played-{uuid.uuid4().hex[:6]}", cluster.kubeconfig.parent / "pki") as node:
        yield node


@pytest.fixture(scope="module")
def on(cluster: LocalCluster, node: PlayedNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform in the middle of an update: some of its models are well, others will never be."""
    tag = uuid.uuid4().hex[:6]
    on = Platform(tmp_path_factory.mktemp("status"), cluster.kubeconfig, f"status-{tag}", variables={"COLUMNS": "60"})
    tight = f"tight-{tag}"
    namespaces = "/api/v1/namespaces"
    cluster.client.request("POST", namespaces, {"metadata": {"name": tight}})
    quota = {"metadata": {"name": "project-quota"}, "spec": {"hard": {"limits.cpu": "4", "limits.memory": "8Gi"}}}
    cluster.client.request("POST", f"{namespaces}/{tight}/resourcequotas", quota)
    sizes = {"type": "Container", "default": {"cpu": "100m", "memory": "64Mi"}}
    limits = {"metadata": {"name": "container-defaults"}, "spec": {"limits": [sizes]}}
    cluster.client.request("POST", f"{namespaces}/{tight}/limitranges", limits)
    configure(on, tight)
    release(on, "rolling", replicas=3)
    release(on, "stopping", stopped=True)
    release(
        on,
        "sleeping",
        deploymentMode="SERVERLESS",
        autoscalingPolicy={"metric": "concurrency", "target": 1, "windowSeconds": 6},
    )
    divided(on, "GATEWAY_API", "RAW_DEPLOYMENT")
    divided(on, "INGRESS", "RAW_DEPLOYMENT")
    divided(on, "KNATIVE", "SERVERLESS")
    on.must("up", "--stack", "dev", "--yes")
    node.plays |= {
        "unpulled-1": unpulled("unpulled"),
        "serverless-1": unpulled("serverless"),
        "crashing-1": CRASH,
        "probing-1": UNREADY,
        "rolling-1": UNREADY,
    }
    here = node.placement
    release(on, "rolling", replicas=3, **here)
    release(on, "unpulled", **here)
    release(on, "serverless", deploymentMode="SERVERLESS", **here)
    release(on, "crashing", **here)
    release(on, "probing", **here)
    release(on, "huge", resourceRequest={"cpuRequest": "900"})
    release(on, "limited", tight, replicas=3, resourceRequest={"cpuRequest": "1500m"})
    release(on, "sparse", tight, deploymentMode="SERVERLESS", resourceRequest={"cpuRequest": "3"})
    failing = on.start("up", "--stack", "dev", "--yes")
    try:
        yield on
    finally:
        for _ in range(2):
            failing.send_signal(signal.SIGINT)
        failing.communicate(timeout=60)
        for name in (on.project, tight):
            with suppress(KubeError):  # a test has deleted it
                cluster.client.request("DELETE", f"{namespaces}/{name}")


def versions(on: Platform, *arguments: str) -> dict[str, Any]:
    """The versions that `caraml status` tells of, by model and version."""
    answer = on.caraml("status", *arguments, "--stack", "dev", "--json").json()
    return {f"{one['model']}/{one['version']}": one for one in answer["versions"]}


def told(on: Platform, name: str, status: str, phase: str, reason: str) -> dict[str, Any]:
    """The version once it is in this state for a reason that contains `reason`."""

    def check() -> dict[str, Any] | None:
        one: dict[str, Any] = versions(on).get(name, {})
        found = one.get("status"), one.get("phase")
        return one if found == (status, phase) and reason in one["reason"] else None

    try:
        found: dict[str, Any] = eventually(check)
    except AssertionError:
        raise AssertionError(versions(on).get(name)) from None
    return found


def pods_of(on: Platform, cluster: LocalCluster, name: str) -> Any:
    """The pods of a version."""
    selector = {"labelSelector": f"serving.kserve.io/inferenceservice={name}"}
    return cluster.client.request("GET", f"/api/v1/namespaces/{on.project}/pods", params=selector)["items"]


def replicas(version: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(one["component"], one["ready"], one["desired"]) for one in version["workloads"]]


def test_versions_that_an_endpoint_routes_to_are_serving_with_their_weights(on: Platform) -> None:
    first, second = (told(on, f"iris/{number}", "serving", "Deployed", "") for number in (1, 2))
    assert (first["weight"], second["weight"]) == (90, 10)
    assert replicas(second) == [("predictor", 1, 1)]
    assert second["url"].endswith("/v1/models/iris-2:predict")
    [endpoint] = on.caraml("status", "iris", "--stack", "dev", "--json").json()["endpoints"]
    assert endpoint["status"] == "serving"
    assert endpoint["traffic"] == [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}]


@pytest.mark.parametrize("model", ["gateway-api", "ingress", "knative"])
def test_weights_are_read_from_the_routes_of_every_backend(on: Platform, model: str) -> None:
    assert told(on, f"{model}/1", "serving", "Deployed", "")["weight"] == 70
    assert told(on, f"{model}/2", "serving", "Deployed", "")["weight"] == 30
    [endpoint] = on.must("status", model, "--stack", "dev", "--json").json()["endpoints"]
    assert (endpoint["status"], endpoint["reason"]) == ("serving", "")


def test_an_image_that_cannot_be_pulled_is_named_with_the_registrys_answer(on: Platform) -> None:
    told(on, "unpulled/1", "failed", "Failed", "image registry.local/team/unpulled:9 cannot be pulled: not found")


def test_an_image_of_a_serverless_version_is_named_as_well(on: Platform) -> None:
    told(on, "serverless/1", "failed", "Failed", "image registry.local/team/serverless:9 cannot be pulled: not found")


def test_a_quota_that_is_exceeded_is_told_in_primehubs_words(on: Platform) -> None:
    limited = told(on, "limited/1", "running", "Failed", "group resource not enough: Group tight-")
    assert " exceeded cpu quota: 4, requesting 6" in limited["reason"]
    assert replicas(limited) == [("predictor", 1, 3)]


def test_a_quota_that_a_serverless_version_exceeds_is_told_in_the_same_words(on: Platform) -> None:
    sparse = told(on, "sparse/1", "failed", "Failed", "group resource not enough: Group tight-")
    assert " exceeded cpu quota: 4, requesting " in sparse["reason"]


def test_a_version_that_no_node_can_take_says_what_is_lacking(on: Platform) -> None:
    huge = told(on, "huge/1", "failed", "Failed", "cluster resource not enough: 0/")
    assert "1 Insufficient cpu" in huge["reason"]
    assert "preemption" not in huge["reason"]


def test_a_version_for_which_a_node_is_being_made_waits_for_it(on: Platform, cluster: LocalCluster) -> None:
    told(on, "huge/1", "failed", "Failed", "cluster resource not enough")
    [pod] = pods_of(on, cluster, "huge-1")
    about = {name: pod["metadata"][name] for name in ("namespace", "name", "uid")} | {"kind": "Pod"}
    event = {
        "metadata": {"generateName": "scale-up-", "namespace": on.project},
        "involvedObject": about,
        "type": "Normal",
        "reason": "TriggeredScaleUp",
        "message": "pod triggered scale-up: [{pool 3->4 (max: 9)}]",
    }
    cluster.client.request("POST", f"/api/v1/namespaces/{on.project}/events", event)
    told(on, "huge/1", "pending", "Deploying", "waits for a new node: 0/")


def test_a_crash_loop_is_told_with_its_last_words(on: Platform) -> None:
    text = "container model exited with code 1: ModuleNotFoundError: No module named sklearn (4 restarts)"
    assert told(on, "crashing/1", "failed", "Failed", text)["restarts"] == 4


def test_a_version_that_is_not_ready_yet_says_what_its_probe_got(on: Platform) -> None:
    text = "container model is not ready: Readiness probe failed: HTTP probe failed with statuscode: 503"
    told(on, "probing/1", "pending", "Deploying", text)


def test_a_stopped_version_is_terminated(on: Platform) -> None:
    told(on, "stopping/1", "terminated", "Stopped", "")


def test_a_version_half_rolled_out_runs_and_says_how_far_it_is(on: Platform) -> None:
    rolling = told(on, "rolling/1", "running", "Deploying", "; 1 of 3 replicas updated")
    assert replicas(rolling) == [("predictor", 3, 3)]


def test_a_version_that_is_scaled_to_zero_runs(on: Platform) -> None:
    sleeping = told(on, "sleeping/1", "running", "Deployed", "scaled to zero: the next request starts a replica")
    assert replicas(sleeping) == [("predictor", 0, 0)]


def test_the_table_shows_reasons_whole_and_the_exit_code_tells_of_failures(on: Platform) -> None:
    told(on, "crashing/1", "failed", "Failed", "ModuleNotFoundError")
    narrow = on.caraml("status", "crashing", "--stack", "dev")
    assert narrow.code == UNHEALTHY
    header, title, row, *below = narrow.out.splitlines()
    assert header.split() == ["VERSION", "STATUS", "PHASE", "REPLICAS", "WEIGHT", "RESTARTS"]
    assert title == f"{on.project}/crashing"
    assert row.split() == ["1", "failed", "Failed", "0/1", "4"]
    assert "container model exited with code 1: ModuleNotFoundError: No module named sklearn (4 restarts)" in " ".join(
        line.strip() for line in below
    )
    assert all(len(line) <= 60 for line in below if "http" not in line)
    well = on.caraml("status", "iris", "--stack", "dev")
    assert well.code == 0


def test_watching_prints_each_change_until_ctrl_c(on: Platform, cluster: LocalCluster) -> None:
    watching = on.start("status", "iris/2", "--watch", "--stack", "dev")
    assert watching.stdout
    assert "VERSION" in watching.stdout.readline()
    assert "iris" in watching.stdout.readline()
    assert "serving" in watching.stdout.readline()
    assert "http" in watching.stdout.readline()
    path = f"/apis/apps/v1/namespaces/{on.project}/deployments/iris-2"
    label = {"spec": {"template": {"metadata": {"labels": {"changed": "true"}}}}}
    cluster.client.request("PATCH", path, {**label, "spec": {**label["spec"], "paused": True}}, None, MERGE_PATCH)
    assert "VERSION" in watching.stdout.readline()
    rest = [watching.stdout.readline() for _ in range(3)]
    assert "0 of 1 replicas updated" in " ".join(rest)
    watching.send_signal(signal.SIGINT)
    _, errors = watching.communicate(timeout=10)
    assert (watching.returncode, errors) == (INTERRUPTED, "")
    cluster.client.request("PATCH", path, {"spec": {"paused": False}}, None, MERGE_PATCH)
    told(on, "iris/2", "serving", "Deployed", "")


def test_a_model_that_is_not_there_is_answered_with_those_that_are(on: Platform) -> None:
    refused: Result = on.caraml("status", "irsi", "--stack", "dev")
    assert refused.code == FAILED
    assert 'the stack deploys no "irsi"' in refused.err
    assert f"{on.project}/iris/1" in refused.err


def test_a_viewer_of_a_project_sees_states_and_logs_there_and_not_elsewhere(
    on: Platform, cluster: LocalCluster, node: PlayedNode
) -> None:
    told(on, "crashing/1", "failed", "Failed", "ModuleNotFoundError")
    [pod] = pods_of(on, cluster, "crashing-1")
    node.log(pod["metadata"]["name"]).write("loading", "no module sklearn")
    viewer = copy(on)
    viewer.kubeconfig = cluster.dev_kubeconfig
    assert versions(viewer, "crashing")["crashing/1"]["phase"] == "Failed"
    assert viewer.must("logs", "crashing", "--stack", "dev").out == "loading\nno module sklearn\n"
    refused = viewer.caraml("status", "limited", "--stack", "dev")
    assert refused.code == FAILED
    assert 'User "dev" cannot list resource' in refused.err
    assert "ask an administrator of the cluster" in refused.err


def test_what_was_deleted_behind_the_stacks_back_has_failed(on: Platform, cluster: LocalCluster) -> None:
    cluster.client.request("DELETE", f"/apis/apps/v1/namespaces/{on.project}/deployments/stopping-1")
    told(on, "stopping/1", "terminated", "Stopped", "")
    route = f"/apis/networking.istio.io/v1/namespaces/{on.project}/virtualservices/iris"
    cluster.client.request("DELETE", route)
    answer = on.caraml("status", "iris", "--stack", "dev")
    assert answer.code == UNHEALTHY
    assert "VirtualService iris is not in the cluster" in answer.out


def test_a_cluster_that_cannot_be_reached_is_named(on: Platform, tmp_path: Path) -> None:
    text = on.kubeconfig.read_text()
    elsewhere = tmp_path / "kubeconfig"
    elsewhere.write_text(re.sub(r"https://127.0.0.1:\d+", "https://127.0.0.1:1", text))
    answer = subprocess.run(
        [CARAML, "status", "--stack", "dev"],
        cwd=on.directory,
        env={**on.environment, "KUBECONFIG": str(elsewhere)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == FAILED
    assert "the Kubernetes API server https://127.0.0.1:1 cannot be reached" in answer.stderr


def test_a_group_whose_namespace_is_gone_is_not_found(on: Platform, cluster: LocalCluster) -> None:
    tight = versions(on)["limited/1"]["project"]
    cluster.client.request("DELETE", f"/api/v1/namespaces/{tight}")
    told(on, "limited/1", "failed", "Failed", f"group not found: the namespace {tight} is not in the cluster")
