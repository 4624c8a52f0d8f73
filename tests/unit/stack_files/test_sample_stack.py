"""The sample stack of the repository, run as Pulumi would run it."""

import runpy
from pathlib import Path

import pytest
import yaml

from caraml_pulumi.testing import Recording, record

STACKS = Path(__file__).parents[3] / "stacks"


def run(stack: str) -> Recording:
    config = yaml.safe_load((STACKS / f"Pulumi.{stack}.yaml").read_text())["config"]

    def program() -> None:
        runpy.run_path(str(STACKS), run_name="__main__")

    return record(program, project="caraml-platform", stack=stack, config=config)


def test_dev_deploys_two_versions_of_iris_and_divides_the_traffic_90_to_10() -> None:
    recording = run("dev")
    versions = recording.of_type("caraml:index:CustomModelVersion")
    assert [(item.inputs["version"], item.inputs["deploymentMode"]) for item in versions] == [
        (1, "SERVERLESS"),
        (2, "RAW_DEPLOYMENT"),
    ]
    endpoint = recording.one("caraml:index:ModelEndpoint")
    assert endpoint.inputs["traffic"] == [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}]
    assert endpoint.outputs["url"] == "http://iris.iris-team.dev.example.test/v1/predict"


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_the_other_environments_have_their_projects(stack: str) -> None:
    recording = run(stack)
    assert recording.one("kubernetes:core/v1:Namespace").inputs["metadata"]["labels"]["caraml.dev/environment"] == stack


def test_devs_project_has_a_quota_that_its_versions_and_what_is_beside_them_fit_into() -> None:
    hard = run("dev").one("kubernetes:core/v1:ResourceQuota").inputs["spec"]["hard"]
    assert hard == {"limits.cpu": "4", "limits.memory": "4Gi"}


def test_devs_project_offers_instance_types() -> None:
    assert set(run("dev").one("caraml:index:ModelProject").inputs["instanceTypes"]) == {"small", "large"}
