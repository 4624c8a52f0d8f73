"""The sample stack of the repository, run as Pulumi would run it."""

import runpy
from pathlib import Path

import pytest
import yaml

from caraml_pulumi.testing import Recording, record

STACKS = Path(__file__).parents[3] / "stacks"


def run(stack: str) -> Recording:
    config = yaml.safe_load((STACKS / f"Pulumi.{stack}.yaml").read_text())["config"]
    return record(
        lambda: runpy.run_path(str(STACKS), run_name="__main__"), project="caraml-platform", stack=stack, config=config
    )


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
