"""Projects on the real servers: quotas, rights, the switch and Secrets."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from caraml_pulumi.errors import FAILED, POLICY_VIOLATION
from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.kube.errors import KubeError
from caraml_pulumi.manifests import Manifest, project
from caraml_pulumi.manifests.access import access
from caraml_pulumi.model.project import ModelProjectSpec, ProjectPlan, plan_project
from caraml_pulumi.model.spec import parse
from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform
from tests.unit.model.builders import platform as platform_spec

pytestmark = pytest.mark.e2e
Platforms = Callable[..., Platform]


@pytest.fixture
def platforms(cluster: LocalCluster, tmp_path: Path) -> Iterator[Platforms]:
    """Makes sample platforms whose project has the given settings, each in a namespace of its own unless named."""
    made: list[Platform] = []

    def make(*, name: str = "", **settings: Any) -> Platform:
        directory = tmp_path / str(len(made))
        directory.mkdir()
        platform = Platform(directory, cluster.kubeconfig, name or f"team-{uuid.uuid4().hex[:8]}")
        configure(platform, **{"quota": {}, "instanceTypes": {}, **settings})
        made.append(platform)
        return platform

    yield make
    for platform in made:
        cluster.leave(platform.project)


def configure(platform: Platform, **settings: Any) -> None:
    """Change settings of the platform's project."""
    path = platform.directory / "stacks/Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text())
    document["config"]["caraml:projects"][platform.project].update(settings)
    path.write_text(yaml.safe_dump(document))


def exists(cluster: LocalCluster, platform: Platform) -> bool:
    try:
        cluster.client.request("GET", f"/api/v1/namespaces/{platform.project}")
    except KubeError as error:
        if not error.not_found:
            raise
        return False
    return True


def plan(namespace: str, **settings: Any) -> ProjectPlan:
    given = {"project": namespace, "team": "fraud", "stream": "risk", **settings}
    return plan_project(parse(ModelProjectSpec, given), platform_spec())


def create(client: KubeClient, manifest: Manifest, **params: str) -> Any:
    namespace = manifest["metadata"].get("namespace")
    path = client.path(manifest["apiVersion"], manifest["kind"], namespace)
    return client.request("POST", path, body=manifest, params=params)


EVERYTHING: dict[str, Any] = {
    "labels": {"tier": "gold"},
    "annotations": {"example.com/contact": "fraud@example.com"},
    "quota": {"cpu": "4", "memory": "8Gi", "gpu": 2},
    "instanceTypes": {
        "mig": {"limits": {"cpu": 1, "memory": "1Gi", "gpu": 1}, "gpuResourceName": "nvidia.com/mig-1g.5gb"}
    },
    "deployers": {"users": ["ann"], "groups": ["irises"], "serviceAccounts": ["ci", "argo/deployer"]},
    "viewers": {"groups": ["auditors"]},
    "secrets": {
        "feast": {"user": "ann", "password": "pässword"},
        "registry": {".dockerconfigjson": '{"auths": {}}'},
    },
    "imagePullSecrets": ["registry"],
}


def test_everything_of_a_project_is_admitted_strictly(cluster: LocalCluster, namespace: str) -> None:
    planned = plan(namespace, **EVERYTHING)
    objects = [*project.limits(planned), *access(planned), *project.secrets(planned)]
    assert [item["kind"] for item in objects] == [
        *("ResourceQuota", "LimitRange", "Role", "RoleBinding", "Role", "RoleBinding", "Secret", "Secret")
    ]
    for manifest in objects:
        create(cluster.client, manifest, fieldValidation="Strict")
    new = project.namespace(plan(f"{namespace}-new", **EVERYTHING))
    create(cluster.client, new, fieldValidation="Strict", dryRun="All")


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def pod(namespace: str, name: str, **limits: str) -> Manifest:
    container = {"name": "web", "image": "registry.local/web:1", "resources": {"limits": limits} if limits else {}}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def test_the_cluster_refuses_a_pod_that_goes_round_the_components(cluster: LocalCluster, namespace: str) -> None:
    for manifest in project.limits(plan(namespace, quota={"cpu": "1", "memory": "1Gi", "gpu": 0})):
        create(cluster.client, manifest)
    quota = f"/api/v1/namespaces/{namespace}/resourcequotas/project-quota"
    eventually(lambda: "used" in cluster.client.request("GET", quota).get("status", {}))
    silent = create(cluster.client, pod(namespace, "silent"))
    assert silent["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "250m", "memory": "128Mi"}
    create(cluster.client, pod(namespace, "fits", cpu="750m", memory="512Mi"))
    with pytest.raises(KubeError, match=r"exceeded quota: project-quota, requested: limits.cpu=1m"):
        create(cluster.client, pod(namespace, "cpu", cpu="1m", memory="1Mi"))
    with pytest.raises(KubeError, match=r"exceeded quota: project-quota, requested: .*requests.nvidia.com/gpu=1"):
        create(cluster.client, pod(namespace, "gpu", cpu="0", memory="0", **{"nvidia.com/gpu": "1"}))


def test_knative_pods_fit_under_a_quota(cluster: LocalCluster, platforms: Platforms) -> None:
    platform = platforms(quota={"cpu": "4", "memory": "4Gi", "maxDeployments": 2})
    platform.edit("    autoscalingPolicy:\n      metric: concurrency", AWAKE)
    platform.up()
    pods = cluster.client.request("GET", f"/api/v1/namespaces/{platform.project}/pods")["items"]
    limits = {
        container["name"]: container["resources"]["limits"]
        for item in pods
        for container in item["spec"]["containers"]
        if item["metadata"]["labels"].get("serving.knative.dev/service") == "iris-1"
    }
    assert limits["queue-proxy"] == {"cpu": "250m", "memory": "128Mi"}
    used = cluster.client.request("GET", f"/api/v1/namespaces/{platform.project}/resourcequotas/project-quota")
    assert used["status"]["used"]["limits.cpu"] != "0"
    assert platform.changes() == {}
    platform.must("destroy", "--stack", "dev", "--yes")
    assert not exists(cluster, platform)


AWAKE = """    resourceRequest: {minReplica: 1}
    autoscalingPolicy:
      metric: concurrency"""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"quota": {"cpu": "1500m"}}, "exceeded cpu quota: 1500m, requesting 1600m"),
        ({"quota": {"memory": "1Gi"}}, "exceeded memory quota: 1Gi, requesting 1280Mi"),
        ({"quota": {"maxDeployments": 1}}, "Group Maximum Deployments exceeded"),
        ({"enabled": False}, "The model deployment is not enabled for the selected group"),
    ],
    ids=["cpu", "memory", "deployments", "switch"],
)
def test_what_a_group_may_not_is_refused_before_anything_is_applied(
    cluster: LocalCluster, platforms: Platforms, settings: dict[str, Any], message: str
) -> None:
    platform = platforms(**settings)
    for command in (["preview"], ["up", "--yes"], ["up", "--yes", "--skip-preview"]):
        refused = platform.caraml(*command, "--stack", "dev")
        assert refused.code == FAILED
        assert message in refused.text
        assert platform.project in refused.text
        assert "Pulumi.dev.yaml:" in refused.text
    assert not exists(cluster, platform)


def test_a_group_that_is_switched_off_is_refused_until_its_versions_are_taken_out(
    cluster: LocalCluster, platforms: Platforms
) -> None:
    platform = platforms()
    platform.up()
    configure(platform, enabled=False)
    before = platform.resources()
    refused = platform.caraml("up", "--yes", "--stack", "dev")
    assert "The model deployment is not enabled for the selected group" in refused.text
    assert platform.resources() == before
    platform.release.unlink()
    platform.must("config", "set", "--stack", "dev", "caraml:acknowledge", f"{platform.project}/iris")
    platform.up()
    deployments = f"/apis/apps/v1/namespaces/{platform.project}/deployments"
    assert cluster.client.request("GET", deployments)["items"] == []


def test_a_version_gets_the_size_and_the_label_that_its_project_gives_it(
    cluster: LocalCluster, platforms: Platforms
) -> None:
    size = {"limits": {"cpu": "300m", "memory": "192Mi"}, "requests": {"cpu": "100m"}}
    platform = platforms(group="Irises", instanceTypes={"small": size})
    document = yaml.safe_load((platform.directory / "stacks/Pulumi.dev.yaml").read_text())
    document["config"]["caraml:platform"]["instanceTypes"] = {"small": {"limits": {"cpu": "1", "memory": "1Gi"}}}
    (platform.directory / "stacks/Pulumi.dev.yaml").write_text(yaml.safe_dump(document))
    platform.edit("      cpuRequest: 200m", "    instanceType: smal")
    refused = platform.caraml("preview", "--stack", "dev")
    assert "InstanceType not found: smal" in refused.text
    assert "did you mean `small`?" in refused.text
    assert "iris.yaml:" in refused.text
    platform.edit("instanceType: smal", "instanceType: small")
    platform.up()
    pods = cluster.client.request("GET", f"/api/v1/namespaces/{platform.project}/pods")["items"]
    assert {item["metadata"]["labels"]["primehub.io/group"] for item in pods} == {"escaped--49rises"}
    (resources,) = [
        container["resources"]
        for item in pods
        if item["metadata"]["name"].startswith("iris-2")
        for container in item["spec"]["containers"]
    ]
    assert resources["limits"] == {"cpu": "300m", "memory": "192Mi"}
    assert resources["requests"] == {"cpu": "100m", "memory": "192Mi"}


PROGRAM = """\
from caraml_pulumi import CustomModelVersion, ModelProject

ModelProject("{project}", team="a", stream="b", quota={{"cpu": "1"}})
CustomModelVersion("iris-1", model="iris", version=1, project="{project}", image="registry.local/caraml/iris:1.0",
                   resource_request={{"max_replica": 3, "cpu_limit": "500m"}})
"""


def test_a_version_that_names_its_project_by_text_is_held_to_the_quota_by_policy(
    cluster: LocalCluster, platforms: Platforms
) -> None:
    platform = platforms()
    (platform.directory / "stacks/__main__.py").write_text(PROGRAM.format(project=platform.project))
    for command in (["preview"], ["up", "--yes"]):
        refused = platform.caraml(*command, "--stack", "dev", "--policy-pack", "policies")
        assert refused.code == POLICY_VIOLATION
        assert f"Group {platform.project} exceeded cpu quota: 1, requesting 1500m" in refused.text
    assert not exists(cluster, platform)


def test_who_may_deploy_deploys_there_and_nowhere_else(cluster: LocalCluster, platforms: Platforms) -> None:
    own, other = platforms(deployers={"groups": ["developers"]}), platforms(viewers={"users": ["dev"]})
    for made in (own, other):
        made.release.unlink()
        made.up()

    developer = platforms(name=own.project, existing=True)
    developer.kubeconfig = cluster.dev_kubeconfig
    developer.up()
    services = f"/apis/serving.knative.dev/v1/namespaces/{own.project}/services/iris-1"
    assert cluster.client.request("GET", services)["metadata"]["name"] == "iris-1"
    assert developer.changes() == {}
    developer.edit("iris:2.0", "iris:2.1")
    developer.up()
    developer.must("destroy", "--stack", "dev", "--yes")
    assert exists(cluster, own)

    viewer = platforms(name=other.project, existing=True)
    viewer.kubeconfig = cluster.dev_kubeconfig
    refused = viewer.caraml("up", "--stack", "dev", "--yes", "--skip-preview")
    assert refused.code == FAILED
    assert "forbidden" in refused.text
    client = KubeClient.from_kubeconfig(str(cluster.dev_kubeconfig))
    listed = f"/apis/serving.knative.dev/v1/namespaces/{other.project}/services"
    assert client.request("GET", listed)["items"] == []
    with pytest.raises(KubeError, match="forbidden"):
        client.request("GET", f"/api/v1/namespaces/{other.project}/secrets")
    client.close()


def test_a_project_in_somebody_elses_namespace_leaves_it_behind(cluster: LocalCluster, platforms: Platforms) -> None:
    platform = platforms(createNamespace=False, quota={"cpu": "4"}, viewers={"groups": ["auditors"]})
    create(cluster.client, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": platform.project}})
    platform.up()
    inside = f"/api/v1/namespaces/{platform.project}/resourcequotas"
    assert [item["metadata"]["name"] for item in cluster.client.request("GET", inside)["items"]] == ["project-quota"]
    platform.must("destroy", "--stack", "dev", "--yes")
    assert exists(cluster, platform)
    assert cluster.client.request("GET", inside)["items"] == []


def test_the_secrets_of_a_project_come_from_the_configuration_and_are_seen_nowhere(
    cluster: LocalCluster, platforms: Platforms
) -> None:
    platform = platforms()
    platform.release.unlink()
    key = f"caraml:projects.{platform.project}.secrets.registry.password"
    shown = [platform.must("config", "set", "--stack", "dev", "--secret", "--path", key, "swordfish-1")]
    shown += [platform.must("preview", "--stack", "dev", "--diff"), platform.up()]
    secret = cluster.client.request("GET", f"/api/v1/namespaces/{platform.project}/secrets/registry")
    assert base64.b64decode(secret["data"]["password"]) == b"swordfish-1"
    shown += [platform.must("config", "set", "--stack", "dev", "--secret", "--path", key, "swordfish-2")]
    shown += [platform.must("preview", "--stack", "dev", "--diff"), platform.up()]
    secret = cluster.client.request("GET", f"/api/v1/namespaces/{platform.project}/secrets/registry")
    assert base64.b64decode(secret["data"]["password"]) == b"swordfish-2"
    assert platform.changes() == {}

    written = [path for path in platform.directory.rglob("*") if path.is_file() and not path.is_symlink()]
    seen = [result.text for result in shown] + [path.read_text(errors="replace") for path in written]
    texts = [
        "swordfish-1",
        "swordfish-2",
        base64.b64encode(b"swordfish-1").decode(),
        base64.b64encode(b"swordfish-2").decode(),
    ]
    assert [text for text in texts for each in seen if text in each] == []
    assert json.loads(platform.must("history", "--stack", "dev", "--json").out)[0]["result"] == "succeeded"
