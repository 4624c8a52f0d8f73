"""Rules about changes, with what an engine tells a policy pack of the stack before, and of the environment before."""

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from caraml_pulumi.engine.api import Options, Target
from caraml_pulumi.engine.embedded import EmbeddedEngine
from caraml_pulumi.engine.state.project import load_project
from caraml_pulumi.errors import POLICY_VIOLATION
from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import REPOSITORY, Platform
from tests.unit.cli.program import Program

MODELS = """
import pulumi

WHO = {"model": "iris", "project": "iris-team", "environment": "dev"}


class Component(pulumi.ComponentResource):
    # Says what a version or an endpoint says, without the objects that need a cluster.
    def __init__(self, type_, name, **more):
        super().__init__(f"caraml:index:{type_}", name, {**WHO, **more})
        self.register_outputs({**WHO, **more})


versions, mode = pulumi.Config().require("size").split()
numbers = [int(number) for number in versions.split(",")]
for number in numbers:
    Component("CustomModelVersion", f"iris-{number}", version=number, deploymentMode=mode)
traffic = [{"version": number, "weight": 100 // len(numbers)} for number in numbers]
Component("ModelEndpoint", "iris", traffic=traffic)
"""
REFUSAL = "version iris-team/iris/1 gets requests, and would be deleted"
ONLY = {"all": "disabled"}


def pack(directory: Path, *rules: str, **settings: str) -> list[str]:
    """The options that run the pack with these rules alone."""
    config = directory / "pack.json"
    config.write_text(json.dumps({**ONLY, **{rule: {"enforcementLevel": "mandatory", **settings} for rule in rules}}))
    return ["--policy-pack", str(REPOSITORY / "policies"), "--policy-pack-config", str(config)]


def names(program: Program) -> list[str]:
    resources = json.loads(program.checkpoint())["checkpoint"]["latest"]["resources"]
    return sorted(item["urn"].rpartition("::")[2] for item in resources if item["type"].startswith("caraml:"))


@pytest.fixture
def program(tmp_path: Path) -> Program:
    made = Program(tmp_path, MODELS)
    made.configure("1,2 SERVERLESS")
    done = made.run("up", "--yes", *pack(tmp_path, "serving-version-kept", "deployment-mode-kept"))
    assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.mark.parametrize(
    "engine",
    [
        "embedded",
        pytest.param(
            "pulumi",
            marks=[
                pytest.mark.pulumi_cli,
                pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"),
            ],
        ),
    ],
)
def test_a_version_that_gets_requests_goes_only_when_that_is_acknowledged(program: Program, engine: str) -> None:
    options = [*pack(program.root, "serving-version-kept"), "--engine", engine]
    program.configure("2 SERVERLESS")
    for command in (["preview"], ["up", "--yes"], ["up", "--yes", "--skip-preview"]):
        done = program.run(*command, *options)
        assert done.returncode == POLICY_VIOLATION, done.stdout + done.stderr
        assert REFUSAL in done.stdout + done.stderr
        assert names(program) == ["iris", "iris-1", "iris-2"]

    assert program.run("config", "set", "caraml:acknowledge", "iris-team/iris/1").returncode == 0
    done = program.run("up", "--yes", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert names(program) == ["iris", "iris-2"]


def test_traffic_may_move_with_the_version_where_the_setting_says_so(program: Program) -> None:
    program.configure("2 SERVERLESS")
    done = program.run("up", "--yes", *pack(program.root, "serving-version-kept", afterTrafficHasMoved="allow"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert names(program) == ["iris", "iris-2"]


def test_the_engine_knows_better_than_the_users_environment_what_the_stack_was(program: Program) -> None:
    program.configure("2 SERVERLESS")
    stale = program.root / "stale.json"
    stale.write_text('{"version": 3, "deployment": {"manifest": {}}}')
    done = program.run("preview", *pack(program.root, "serving-version-kept"), CARAML_STACK_BEFORE=str(stale))
    assert REFUSAL in done.stdout + done.stderr


def test_an_engine_without_rules_about_changes_leaves_the_mode_to_the_pack(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `pulumi up` does, to which `caraml` has nothing to say."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")
    program.configure("1,2 RAW_DEPLOYMENT")
    _, folder, _, config = pack(program.root, "deployment-mode-kept")
    target = Target(load_project(program.root), "dev", program.state.as_uri())
    options = Options(policy_packs=(Path(folder),), policy_pack_configs=(Path(config),))
    said: list[str] = []
    outcome = EmbeddedEngine().up(
        target, options, lambda event: said.append(event.get("policyEvent", {}).get("message", ""))
    )
    assert outcome.error is not None
    assert outcome.error.exit_code == POLICY_VIOLATION
    assert any("changing deployment type of a running model is not allowed" in message for message in said)
    assert program.run("preview", "--expect-no-changes").returncode != 0


@pytest.fixture
def platform(cluster: LocalCluster, tmp_path: Path) -> Iterator[Platform]:
    """The sample platform with images by digest, deployed in dev; its prod has a project of its own."""
    made = Platform(tmp_path, cluster.kubeconfig, f"changes-{uuid.uuid4().hex[:8]}")
    for number in (1, 2):
        made.edit(f"iris:{number}.0", f"iris@sha256:{str(number) * 64}")
    prod = tmp_path / "stacks/releases/prod/iris.yaml"
    prod.parent.mkdir()
    prod.write_text(made.release.read_text().replace(made.project, f"{made.project}-prod"))
    settings = tmp_path / "stacks/Pulumi.staging.yaml"  # prod has its projects from there
    settings.write_text(settings.read_text().replace(made.project, f"{made.project}-prod"))
    made.up()
    yield made
    cluster.client.request("DELETE", f"/api/v1/namespaces/{made.project}")


@pytest.mark.e2e
def test_a_digest_goes_to_production_after_it_was_healthy_before(cluster: LocalCluster, platform: Platform) -> None:
    prod = ["preview", "--stack", "prod", *pack(platform.directory, "digest-deployed-before")]
    refused = platform.caraml(*prod)
    assert refused.code == POLICY_VIOLATION, refused.text
    assert "nothing says that image" in refused.text

    status = platform.must("status", "--stack", "dev", "--json").json()
    assert (status["stack"], status["project"]) == ("dev", "caraml-platform")
    assert [one["images"][0]["digest"] for one in status["versions"]] == [f"sha256:{number * 64}" for number in "12"]
    (platform.directory / "dev.json").write_text(json.dumps(status))
    platform.variables["CARAML_STATUS_BEFORE"] = "dev.json"
    platform.must(*prod)

    release = platform.directory / "stacks/releases/prod/iris.yaml"
    release.write_text(release.read_text().replace("2" * 64, "3" * 64))
    refused = platform.caraml(*prod)
    assert refused.code == POLICY_VIOLATION, refused.text
    assert f'iris@sha256:{"3" * 64}" was not deployed and healthy in dev' in refused.text


@pytest.mark.e2e
def test_a_version_that_gets_requests_stays_in_the_cluster(cluster: LocalCluster, platform: Platform) -> None:
    def serving() -> set[str]:
        path = f"/apis/serving.knative.dev/v1/namespaces/{platform.project}/services"
        return {item["metadata"]["name"] for item in cluster.client.request("GET", path)["items"]}

    text = platform.release.read_text()
    second = text[text.index("  - version: 2\n") : text.index("endpoint:")]
    platform.release.write_text(
        f"model: iris\nproject: {platform.project}\nversions:\n{second}"
        "endpoint:\n  traffic: [{version: 2, weight: 100}]\n"
    )
    up = ["up", "--yes", "--stack", "dev", *pack(platform.directory, "serving-version-kept")]
    refused = platform.caraml(*up)
    assert refused.code == POLICY_VIOLATION, refused.text
    assert f"version {platform.project}/iris/1 gets requests, and would be deleted" in refused.text
    assert serving() == {"iris-1"}

    platform.must("config", "set", "caraml:acknowledge", f"{platform.project}/iris/1", "--stack", "dev")
    platform.must(*up)
    assert serving() == set()
