"""The YAML example, made of remote components by the component package's own host, on the local control plane."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import REPOSITORY, Platform

pytestmark = pytest.mark.e2e

EXAMPLE = REPOSITORY / "examples/yaml/Pulumi.yaml"


class Example(Platform):
    """The example in a directory of its own: its file is data, which the program reads."""

    def __post_init__(self) -> None:
        super().__post_init__()
        shutil.copytree(REPOSITORY / "components", self.directory / "components")
        shutil.copy(REPOSITORY / "tests/e2e/remote_program.py", self.directory / "stacks")
        text = (self.directory / "Pulumi.yaml").read_text()
        (self.directory / "Pulumi.yaml").write_text(f"{text}packages:\n  caraml: ./components\n")
        (self.directory / "stacks/__main__.py").write_text(
            "from pathlib import Path\nfrom remote_program import run\nrun(Path(__file__).with_name('example.yaml'))\n"
        )
        example = EXAMPLE.read_text("utf-8").replace("iris-team", self.project)
        self.file.write_text(example.replace("ghcr.io/acme", "registry.local/caraml"))

    @property
    def file(self) -> Path:
        return self.directory / "stacks/example.yaml"

    def change(self, resource: str, **properties: Any) -> None:
        program = yaml.safe_load(self.file.read_text())
        program["resources"][resource]["properties"] |= properties
        self.file.write_text(yaml.safe_dump(program, sort_keys=False))


@pytest.fixture(scope="module")
def deployed(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    example = Example(tmp_path_factory.mktemp("yaml"), cluster.kubeconfig, f"yaml-{uuid.uuid4().hex[:8]}")
    assert "iris" in example.must("preview", "--stack", "dev", "--policy-pack", "policies").out
    example.up()
    yield example
    if example.resources():
        example.must("destroy", "--stack", "dev", "--yes")


def get(cluster: LocalCluster, path: str) -> Any:
    return cluster.client.request("GET", path)


def test_a_program_of_another_language_brings_up_versions_and_their_endpoint(
    cluster: LocalCluster, deployed: Example
) -> None:
    service = get(cluster, f"/apis/serving.knative.dev/v1/namespaces/{deployed.project}/services/iris-1")
    template = service["spec"]["template"]
    assert template["metadata"]["annotations"]["autoscaling.knative.dev/metric"] == "concurrency"
    assert {"name": "GREETING", "value": "hello"} in template["spec"]["containers"][0]["env"]
    route = get(cluster, f"/apis/networking.istio.io/v1/namespaces/{deployed.project}/virtualservices/iris")
    assert [share["weight"] for share in route["spec"]["http"][0]["route"]] == [90, 10]
    outputs = deployed.must("stack", "output", "--json", "--stack", "dev").json()
    assert outputs["url"].startswith("http")
    assert outputs["status"] == "running"
    assert deployed.changes() == {}


def test_a_change_updates_in_place(cluster: LocalCluster, deployed: Example) -> None:
    share = {"version": 2, "weight": 60, "deploymentMode": "RAW_DEPLOYMENT"}
    deployed.change("iris", traffic=[{"version": 1, "weight": 40}, share])
    changes = deployed.changes()
    assert set(changes) == {"update"}
    deployed.up()
    route = get(cluster, f"/apis/networking.istio.io/v1/namespaces/{deployed.project}/virtualservices/iris")
    assert [share["weight"] for share in route["spec"]["http"][0]["route"]] == [40, 60]


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"timeoutSecond": 3}, ["unknown field `timeoutSecond`", 'CustomModelVersion "iris-2": timeoutSecond']),
        ({"resourceRequest": {"cpuRequest": "lots"}}, ['"lots"', "resourceRequest.cpuRequest"]),
        (
            {"deploymentMode": "RAW"},
            ['`deploymentMode` cannot be "RAW"', 'CustomModelVersion "iris-2": deploymentMode'],
        ),
    ],
)
def test_a_mistake_is_told_once_with_the_path_of_the_property(
    deployed: Example, properties: dict[str, Any], said: list[str]
) -> None:
    before = deployed.file.read_text()
    deployed.change("iris-2", **properties)
    try:
        failed = deployed.caraml("preview", "--stack", "dev")
    finally:
        deployed.file.write_text(before)
    assert failed.code == 1
    assert [failed.text.count(text) for text in said] == [1] * len(said), failed.text


def test_policies_judge_the_components_of_another_process(deployed: Example) -> None:
    before = deployed.file.read_text()
    deployed.change("iris-2", image="registry.local/caraml/iris:latest")
    try:
        profile = "policies/profiles/prod.json"
        judged = deployed.caraml(
            "preview", "--stack", "dev", "--policy-pack", "policies", "--policy-pack-config", profile
        )
    finally:
        deployed.file.write_text(before)
    assert judged.code == 3
    assert "iris-2" in judged.text


def test_destroy_leaves_nothing(cluster: LocalCluster, deployed: Example) -> None:
    deployed.must("destroy", "--stack", "dev", "--yes")
    assert deployed.resources() == []
