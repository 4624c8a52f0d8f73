"""Remediations of the policy pack: what a policy mends is what the cluster gets, and the next run finds no change."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import REPOSITORY
from tests.unit.cli.program import Program

pytestmark = pytest.mark.e2e

OBJECTS = """
import pulumi
import pulumi_kubernetes as k8s

namespace = "NAMESPACE"
labels = {"app": "raw"}
generated = k8s.core.v1.ConfigMap("generated", metadata={"namespace": namespace})
k8s.apps.v1.Deployment(
    "raw",
    metadata={"name": "raw", "namespace": namespace, "annotations": {"made-from": generated.metadata.name}},
    spec={
        "replicas": 0,
        "selector": {"match_labels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "model", "image": "registry.local/caraml/iris:1.0"}]},
        },
    },
)
k8s.policy.v1.PodDisruptionBudget(
    "raw",
    metadata={"name": "raw", "namespace": namespace, "labels": {"caraml.dev/team": "fraud"}},
    spec={"min_available": "100%", "selector": {"match_labels": labels}},
)
"""
PROJECT = """
from caraml_pulumi import CustomModelVersion, ModelProject

project = ModelProject(
    "iris", project="NAMESPACE", team="fraud", stream="risk", platform={"domain": "dev.example.test"},
)
CustomModelVersion(
    "iris-1",
    model="iris",
    version=1,
    project=project,
    deployment_mode="RAW_DEPLOYMENT",
    stopped=True,
    image="registry.local/caraml/iris:1.0",
)
"""
LABELS = {"enforcementLevel": "remediate", "labels": ["team", "owner"], "defaults": {"team": "none", "owner": "ml"}}
CONFIG = {
    "all": "disabled",
    "labels-present": LABELS,
    "pod-disruption-budget-allows-drain": {"enforcementLevel": "remediate"},
}


@dataclass(frozen=True)
class Mended:
    """A program whose stack the pack mends, on the cluster."""

    program: Program
    cluster: LocalCluster

    def caraml(self, *arguments: str) -> Any:
        """What the command prints as JSON; it must do its work."""
        config = self.program.root / "pack.json"
        config.write_text(json.dumps(CONFIG))
        pack = ["--policy-pack", str(REPOSITORY / "policies"), "--policy-pack-config", str(config)]
        options = pack if arguments[0] in ("up", "preview") else []
        done = self.program.run(*arguments, "--json", *options, KUBECONFIG=str(self.cluster.kubeconfig))
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def live(self, api_version: str, kind: str, path: str) -> Any:
        """The object ``namespace/name``."""
        namespace, _, name = path.rpartition("/")
        return self.cluster.client.request("GET", self.cluster.client.path(api_version, kind, namespace or None, name))


def levels(printed: Any) -> set[str]:
    return {item["enforcementLevel"] for item in printed["policyViolations"]}


def test_what_the_pack_mends_is_what_is_applied_and_the_next_run_finds_no_change(
    cluster: LocalCluster, namespace: str, tmp_path: Path
) -> None:
    mended = Mended(Program(tmp_path, OBJECTS.replace("NAMESPACE", namespace)), cluster)
    assert levels(mended.caraml("up", "--yes")) == {"remediate"}
    deployment = mended.live("apps/v1", "Deployment", f"{namespace}/raw")["metadata"]
    assert deployment["labels"] == {"caraml.dev/team": "none", "caraml.dev/owner": "ml"}
    assert deployment["annotations"]["made-from"].startswith("generated-")
    budget = mended.live("policy/v1", "PodDisruptionBudget", f"{namespace}/raw")
    assert budget["metadata"]["labels"] == {"caraml.dev/team": "fraud", "caraml.dev/owner": "ml"}
    assert budget["spec"]["maxUnavailable"] == 1
    assert "minAvailable" not in budget["spec"]
    assert set(mended.caraml("preview")["changeSummary"]) == {"same"}
    mended.caraml("destroy", "--yes")


def test_the_objects_of_components_are_mended_together_with_them(
    cluster: LocalCluster, namespace: str, tmp_path: Path
) -> None:
    project = f"{namespace}-team"
    mended = Mended(Program(tmp_path, PROJECT.replace("NAMESPACE", project)), cluster)
    assert levels(mended.caraml("up", "--yes")) == {"remediate"}
    for object_ in (
        mended.live("v1", "Namespace", project),
        mended.live("apps/v1", "Deployment", f"{project}/iris-1"),
        mended.live("v1", "Service", f"{project}/iris-1-predictor"),
    ):
        labels = object_["metadata"]["labels"]
        assert (labels["caraml.dev/owner"], labels["caraml.dev/team"]) == ("ml", "fraud")
    assert set(mended.caraml("preview")["changeSummary"]) == {"same"}
    mended.caraml("destroy", "--yes")
