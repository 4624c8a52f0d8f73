"""Components of programs that give them no platform, in a stack whose environment extends another."""

from pathlib import Path

import pytest

from caraml_pulumi import CustomModelVersion
from caraml_pulumi.component import _extending_platform
from caraml_pulumi.stack_files.place import STACK_FILES
from caraml_pulumi.testing import Recording, record

STAGING = "config:\n  caraml:platform: {domain: staging.example.com, defaultDeploymentMode: RAW_DEPLOYMENT}\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "Pulumi.staging.yaml").write_text(STAGING)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(STACK_FILES, raising=False)
    _extending_platform.cache_clear()


def deploy(**platform: str) -> Recording:
    config = {"caraml:extends": "staging", **({"caraml:platform": platform} if platform else {})}
    return record(
        lambda: CustomModelVersion("iris", model="iris", version=1, project="iris-team", image="ghcr.io/team/iris:1"),
        project="shop",
        stack="prod",
        config=config,
    )


def test_a_component_is_on_the_platform_that_the_environment_comes_to() -> None:
    version = deploy(domain="models.example.com").one("caraml:index:CustomModelVersion")
    assert (version.inputs["environment"], version.inputs["deploymentMode"]) == ("prod", "RAW_DEPLOYMENT")
    assert version.outputs["url"] == "http://iris-1.iris-team.models.example.com/v1/models/iris-1:predict"


def test_an_environment_may_take_over_its_whole_platform() -> None:
    version = deploy().one("caraml:index:CustomModelVersion")
    assert version.outputs["url"] == "http://iris-1.iris-team.staging.example.com/v1/models/iris-1:predict"


def test_files_that_are_not_found_end_the_program_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "Pulumi.yaml").unlink()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(Exception, match="CARAML_STACK_FILES"):
        deploy()
