"""What somebody made with kubectl, or a controller made, is taken over by a stack without being made anew."""

import copy
import json
import os
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import CARAML, Result

pytestmark = pytest.mark.e2e

Object = dict[str, Any]
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
LABELS = {"app": "iris-1"}

PROGRAM = """
import json

import pulumi

for manifest in json.load(open("manifests.json")):
    group = manifest["apiVersion"] if "/" in manifest["apiVersion"] else "core/" + manifest["apiVersion"]
    metadata = manifest["metadata"]
    pulumi.CustomResource(
        "kubernetes:" + group + ":" + manifest["kind"],
        manifest["kind"].lower(),
        manifest,
        pulumi.ResourceOptions(import_=metadata["namespace"] + "/" + metadata["name"], version="4.34.2"),
    )
"""


def workload(namespace: str, *, image: str = "registry.local/models/iris:1") -> list[Object]:
    metadata = {"name": "iris-1", "namespace": namespace, "labels": LABELS}
    container = {
        "name": "model",
        "image": image,
        "ports": [{"containerPort": 8080}],
        "env": [{"name": "CARAML_MODEL_FULL_NAME", "value": "iris-1"}],
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}},
        "readinessProbe": {"httpGet": {"path": "/v1/models/iris-1", "port": 8080}},
    }
    spec = {
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}},
    }
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "iris-1"}
    hpa = {
        "scaleTargetRef": scaled,
        "minReplicas": 1,
        "maxReplicas": 3,
        "metrics": [{"type": "Resource", "resource": cpu}],
    }
    service = {"selector": LABELS, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {**metadata}, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", "metadata": {**metadata}, "spec": service},
        {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {**metadata}, "spec": hpa},
    ]


def knative_service(namespace: str, image: str = "registry.local/models/iris:1") -> Object:
    template = {"spec": {"containers": [{"image": image}]}}
    metadata = {"name": "iris-1", "namespace": namespace, "annotations": {"pulumi.com/skipAwait": "true"}}
    spec = {"template": template}
    return {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {**metadata}, "spec": spec}


@dataclass
class Project:
    """A stack that imports what is in `manifests.json`."""

    directory: Path
    cluster: LocalCluster

    def __post_init__(self) -> None:
        (self.directory / "Pulumi.yaml").write_text("name: adopted\nruntime: python\n")
        (self.directory / "__main__.py").write_text(textwrap.dedent(PROGRAM))

    def declares(self, manifests: list[Object]) -> None:
        (self.directory / "manifests.json").write_text(json.dumps(manifests))

    def caraml(self, *arguments: str) -> Result:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "KUBECONFIG": str(self.cluster.kubeconfig),
            "PULUMI_BACKEND_URL": f"file://{self.directory}/backend",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "CARAML_ENGINE": "embedded",
        }
        command = [str(CARAML), *arguments, "--stack", "dev"]
        done = subprocess.run(
            command, cwd=self.directory, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        result = Result(done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in result.text, result.text
        return result

    def counts(self, *arguments: str) -> dict[str, int]:
        result = self.caraml(*arguments, "--json")
        assert result.code == 0, result.text
        found: dict[str, int] = result.json()["changeSummary"]
        return found

    def live(self, manifest: Object) -> Object:
        metadata = manifest["metadata"]
        path = self.cluster.client.path(
            manifest["apiVersion"], manifest["kind"], metadata["namespace"], metadata["name"]
        )
        found: Object = self.cluster.client.request("GET", path)
        return found

    def exists(self, manifest: Object, manager: str) -> Object:
        """Make the object as `manager` does it; what kubectl applies carries what was applied."""
        made = copy.deepcopy(manifest)
        if manager.startswith("kubectl"):
            made["metadata"].setdefault("annotations", {})[LAST_APPLIED] = json.dumps(manifest)
        path = self.cluster.client.path(made["apiVersion"], made["kind"], made["metadata"]["namespace"], "")
        found: Object = self.cluster.client.request("POST", path, made, {"fieldManager": manager})
        return found


@pytest.fixture
def project(cluster: LocalCluster, tmp_path: Path) -> Project:
    return Project(tmp_path, cluster)


@pytest.mark.parametrize("manager", ["kubectl-client-side-apply", "kubectl-create", "merlin"])
def test_a_workload_that_is_as_the_program_says_is_imported_untouched_and_destroyed_with_the_stack(
    project: Project, namespace: str, manager: str
) -> None:
    manifests = workload(namespace)
    before = [project.exists(manifest, manager) for manifest in manifests]
    project.declares(manifests)
    assert project.counts("preview") == {"create": 1, "import": 3}
    assert project.counts("up", "--yes") == {"create": 1, "import": 3}
    for made in before:
        live = project.live(made)
        assert live["metadata"]["uid"] == made["metadata"]["uid"]
        assert live["metadata"].get("generation") == made["metadata"].get("generation")
    assert project.counts("preview") == {"same": 4}
    assert project.counts("destroy", "--yes") == {"delete": 4}
    remaining = project.cluster.client.request("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments")["items"]
    assert remaining == []


def test_a_workload_that_differs_is_imported_and_changed_in_place_as_the_preview_says(
    project: Project, namespace: str
) -> None:
    kept = workload(namespace)
    by_hand = copy.deepcopy(kept)
    by_hand[0]["metadata"]["labels"] = {**LABELS, "by-hand": "yes"}
    by_hand[0]["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.local/models/iris:0"
    before = [project.exists(manifest, "kubectl-client-side-apply") for manifest in by_hand]
    project.declares(kept)

    preview = project.caraml("preview")
    assert preview.code == 0, preview.text
    assert "=~" in preview.out
    assert 'image: "registry.local/models/iris:0" => "registry.local/models/iris:1"' in preview.out
    assert '- metadata.labels.by-hand: "yes"' in preview.out
    assert "terminationGracePeriodSeconds" not in preview.out
    assert "= 3 to import, ~ 1 to update" in preview.out

    done = project.caraml("up", "--yes")
    assert done.code == 0, done.text
    assert "= 3 imported, ~ 1 updated" in done.out
    live = project.live(kept[0])
    assert live["metadata"]["uid"] == before[0]["metadata"]["uid"]
    assert live["metadata"]["labels"] == LABELS
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.local/models/iris:1"
    assert project.counts("preview") == {"same": 4}


def test_what_a_controller_owns_is_taken_over_only_when_that_is_asked_for(project: Project, namespace: str) -> None:
    deployment = workload(namespace)[0]
    before = project.exists(deployment, "merlin")
    wanted = workload(namespace, image="registry.local/models/iris:2")[0]
    project.declares([wanted])
    refused = project.caraml("preview")
    assert refused.code == 1
    assert "another field manager owns" in refused.text
    assert "(of merlin)" in refused.text
    assert 'pulumi.com/patchForce: "true"' in refused.text
    forced = copy.deepcopy(wanted)
    forced["metadata"]["annotations"] = {"pulumi.com/patchForce": "true"}
    project.declares([forced])
    assert project.counts("preview") == {"create": 1, "import": 1, "update": 1}
    assert project.counts("up", "--yes") == {"create": 1, "import": 1, "update": 1}
    live = project.live(wanted)
    assert live["metadata"]["uid"] == before["metadata"]["uid"]
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.local/models/iris:2"
    assert project.counts("preview") == {"same": 2}


def test_a_knative_service_is_imported_and_changed_in_place(project: Project, namespace: str) -> None:
    before = project.exists(knative_service(namespace), "kubectl-create")
    project.declares([knative_service(namespace)])
    assert project.counts("preview") == {"create": 1, "import": 1}
    project.declares([knative_service(namespace, "registry.local/models/iris:2")])
    assert project.counts("preview") == {"create": 1, "import": 1, "update": 1}
    assert project.counts("up", "--yes") == {"create": 1, "import": 1, "update": 1}
    assert project.live(before)["metadata"]["uid"] == before["metadata"]["uid"]
    assert project.counts("preview") == {"same": 2}


def test_what_cannot_be_changed_in_place_is_refused_and_stays(project: Project, namespace: str) -> None:
    deployment = workload(namespace)[0]
    before = project.exists(deployment, "kubectl-create")
    other = copy.deepcopy(deployment)
    other["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    other["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    project.declares([other])
    for arguments in (["preview"], ["up", "--yes", "--skip-preview"]):
        result = project.caraml(*arguments)
        assert result.code == 1
        assert "is imported by its id and would be replaced, because of spec.selector" in result.text
    assert project.live(deployment)["metadata"]["uid"] == before["metadata"]["uid"]


def test_an_object_that_does_not_exist_cannot_be_imported(project: Project, namespace: str) -> None:
    project.declares([workload(namespace)[1]])
    result = project.caraml("preview")
    assert result.code == 1
    assert f"'{namespace}/iris-1' does not exist, so it cannot be imported" in result.text


def test_a_stack_whose_state_was_lost_imports_what_it_made_before(project: Project, namespace: str) -> None:
    manifests = workload(namespace)
    project.declares(manifests)
    for manifest in manifests:
        project.exists(manifest, "pulumi-kubernetes")
    project.declares(workload(namespace, image="registry.local/models/iris:2"))
    assert project.counts("up", "--yes") == {"create": 1, "import": 3, "update": 1}
    (project.directory / "backend").rename(project.directory / "lost")
    project.declares(workload(namespace, image="registry.local/models/iris:3"))
    assert project.counts("up", "--yes") == {"create": 1, "import": 3, "update": 1}
    assert project.counts("preview") == {"same": 4}


VERSION = """
import pulumi
from caraml_pulumi import CustomModelVersion

config = pulumi.Config()
CustomModelVersion(
    "iris-1",
    model="iris",
    version=1,
    project=config.require("namespace"),
    image=config.require("image"),
    deployment_mode=config.require("mode"),
    autoscaling_policy=config.get_object("autoscaling"),
    platform={"domain": "models.example.com", "environment": "dev"},
    adopt=config.get_object("adopt") or [],
)
"""
KINDS_BY_MODE = {
    "RAW_DEPLOYMENT": ["Deployment", "Service", "HorizontalPodAutoscaler", "VirtualService"],
    "SERVERLESS": ["Service", "VirtualService"],
}


@pytest.mark.parametrize("mode", KINDS_BY_MODE)
def test_a_version_takes_over_what_kubectl_applied_and_changes_it_without_making_it_anew(
    project: Project, namespace: str, mode: str
) -> None:
    kinds = KINDS_BY_MODE[mode]
    (project.directory / "__main__.py").write_text(VERSION)

    def configure(image: str, adopt: list[str]) -> None:
        metric = "cpu_utilization" if mode == "RAW_DEPLOYMENT" else "concurrency"
        autoscaling = {"metric": metric, "target": 60}
        settings = {"namespace": namespace, "image": image, "mode": mode, "adopt": adopt, "autoscaling": autoscaling}
        config = {f"adopted:{key}": value for key, value in settings.items()}
        (project.directory / "Pulumi.dev.yaml").write_text(json.dumps({"config": config}))

    configure("registry.local/models/iris:1", [])
    assert project.caraml("preview", "--render", "rendered").code == 0
    manifests = [yaml.safe_load(path.read_text()) for path in sorted((project.directory / "rendered").rglob("*.yaml"))]
    assert sorted(manifest["kind"] for manifest in manifests) == sorted(kinds)
    before = [project.exists(manifest, "kubectl-client-side-apply") for manifest in manifests]

    refused = project.caraml("preview")
    assert refused.code == 1
    assert "exists already, and this stack did not create it" in refused.text

    configure("registry.local/models/iris:2", kinds)
    preview = project.caraml("preview")
    assert preview.code == 0, preview.text
    assert 'image: "registry.local/models/iris:1" => "registry.local/models/iris:2"' in preview.out
    assert f"+ 2 to create, = {len(kinds)} to import" in preview.out
    done = project.caraml("up", "--yes")
    assert done.code == 0, done.text
    for made in before:
        assert project.live(made)["metadata"]["uid"] == made["metadata"]["uid"]
    assert set(project.counts("preview")) == {"same"}
    configure("registry.local/models/iris:2", [])
    assert project.counts("up", "--yes").keys() <= {"same", "update"}
    for made in before:
        assert project.live(made)["metadata"]["uid"] == made["metadata"]["uid"]
