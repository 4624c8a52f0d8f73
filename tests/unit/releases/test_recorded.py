"""What a release declares is recorded in the state, and comes back the same."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi import ModelRelease, deploy_environment
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.state.snapshot import Snapshot
from caraml_pulumi.environment import DeployedEnvironment
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.model.spec import dotted, parse
from caraml_pulumi.model_release import TYPE
from caraml_pulumi.releases.recorded import RELEASE_TYPE, recorded_releases
from caraml_pulumi.testing import Recording, record
from tests.e2e.any_spec import versions

RELEASE: dict[str, Any] = {
    "model": "iris",
    "project": "team",
    "versions": [
        {"version": 1, "image": "registry.local/iris:1", "autoscalingPolicy": {"metric": "rps", "target": 5}},
        {"version": 2, "image": "registry.local/iris:2", "env": {"some_name": "kept"}},
    ],
    "endpoint": {"traffic": [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}]},
    "promotedFrom": {"environment": "dev", "time": "2026-01-02T03:04:05Z", "update": 7},
}


def spec(document: object) -> ReleaseSpec:
    return parse(ReleaseSpec, document, locate=dotted)


def state_of(recording: Recording) -> Snapshot:
    found = recording.registrations
    return Snapshot(resources=[ResourceState(one.urn, one.type, one.custom, inputs=one.inputs) for one in found])


def test_a_release_is_recorded_as_it_was_declared_without_defaults() -> None:
    recording = record(lambda: ModelRelease("team-iris", spec(RELEASE), environment="staging"))
    [release] = recorded_releases(state_of(recording))
    assert release.declared == RELEASE
    assert (release.name, release.environment) == ("team/iris", "staging")
    assert release.spec() == spec(RELEASE)
    assert TYPE == RELEASE_TYPE
    assert list(release.spec().declared()["versions"][0]) == ["version", "image", "autoscalingPolicy"]
    assert repr(release.spec().declared()["versions"][0]["autoscalingPolicy"]["target"]) == "5"


@given(st.lists(versions(), min_size=1, max_size=2, unique_by=lambda version: version["version"]))
def test_whatever_a_release_declares_comes_back_the_same(declared: list[dict[str, Any]]) -> None:
    identity = ("model", "team", "stream", "secrets")
    kept = [{key: value for key, value in version.items() if key not in identity} for version in declared]
    for version in kept:
        version.get("transformer", {}).pop("secrets", None)
    release = spec({"model": "iris", "project": "team", "versions": kept})
    assert spec(release.declared()) == release
    assert spec(release.declared()).declared() == release.declared()


def test_a_release_that_is_still_to_be_deleted_is_not_there_any_more() -> None:
    gone = ResourceState("urn:a", RELEASE_TYPE, custom=False, inputs={**RELEASE, "environment": "dev"}, delete=True)
    assert recorded_releases(Snapshot(resources=[gone])) == []


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    (tmp_path / "releases/dev").mkdir(parents=True)
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  caraml:platform: {domain: a.b}\n")
    (tmp_path / "releases/dev/iris.yaml").write_text(
        "model: iris\nproject: team\nversions:\n  - {version: 1, image: registry.local/iris:1}\n"
        "  - {version: 2, image: registry.local/iris:2, stopped: true}\n"
        "endpoint:\n  traffic:\n    - {version: 1, weight: 100}\n"
    )
    return tmp_path


def test_an_environment_deploys_what_its_files_declare(environment: Path) -> None:
    config = {"caraml:platform": {"domain": "a.b"}, "caraml:projects": {"team": {"team": "t", "stream": "s"}}}
    found: list[DeployedEnvironment] = []
    recording = record(lambda: found.append(deploy_environment(environment)), config=config, stack="dev")
    assert list(found[0].projects) == ["team"]
    assert list(found[0].versions) == [("team", "iris", 1), ("team", "iris", 2)]
    assert list(found[0].endpoints) == [("team", "iris")]
    assert {one.name for one in recording.of_type("caraml:index:ModelProject")} == {"team"}
    assert [one.name for one in recording.of_type("caraml:index:CustomModelVersion")] == ["team-iris-1", "team-iris-2"]
    assert recording.one("caraml:index:ModelEndpoint").name == "team-iris"
    assert recording.one(RELEASE_TYPE).inputs["versions"][1]["stopped"] is True
    assert recording.children_of(recording.one(RELEASE_TYPE).urn) == []


def test_a_release_that_breaks_a_rule_registers_nothing(environment: Path) -> None:
    file = environment / "releases/dev/iris.yaml"
    file.write_text(file.read_text().replace("weight: 100", "weight: 90"))
    config = {"caraml:platform": {"domain": "a.b"}, "caraml:projects": {"team": {"team": "t", "stream": "s"}}}
    with pytest.raises(Exception, match="the weights sum to 90"):
        record(lambda: deploy_environment(environment), config=config, stack="dev")
