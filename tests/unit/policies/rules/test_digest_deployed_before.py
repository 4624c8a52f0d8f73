import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.evidence import RESTORED_VARIABLE, STACK_VARIABLE, STATUS_VARIABLE
from policies.reading import DEPLOYMENT, MODEL_VERSION
from policies.rules.digest_deployed_before import policy
from tests.unit.policies.models import (
    DIGEST,
    WHO,
    Named,
    defaults,
    labels,
    raw_deployment,
    state,
    urn,
    version,
    written,
)
from tests.unit.policies.objects import first_lines, places

IMAGE = f"ghcr.io/team/iris@{DIGEST}"
VIOLATION: list[Named] = raw_deployment(1, image=IMAGE)[:1]
CONFIG = {"environments": ["dev"]}


@pytest.fixture(autouse=True)
def no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (STATUS_VARIABLE, STACK_VARIABLE, RESTORED_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def status(image: str = IMAGE, **more: Any) -> dict[str, Any]:
    """What `caraml status --json` prints of staging."""
    version = {**WHO, "environment": "staging", "version": 1, "status": "serving", "phase": "Deployed"}
    images = [{"component": "predictor", "image": image, "digest": ""}]
    return {"time": datetime.now(UTC).isoformat(), "versions": [{**version, "images": images, **more}], "endpoints": []}


def judged(document: object = None, image: str = IMAGE, *, path: Path | None = None, **config: Any) -> list[str]:
    evidence = {"statusBefore": written(path, document)} if path else {}
    props = {**WHO, "environment": "prod", "version": 1, "image": image, "stopped": False}
    return violations(policy, MODEL_VERSION, props, stack="prod", config={**evidence, **config})


def test_the_rule_is_mandatory_in_production() -> None:
    assert policy.name == "digest-deployed-before"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert defaults(policy) == {
        "statusBefore": "",
        "stackBefore": "",
        "previousEnvironment": "",
        "maxAgeHours": 0,
        "labelPrefix": "",
        "environments": ["prod", "production"],
        "exemptions": [],
    }


def test_an_image_that_was_healthy_in_the_environment_before_passes(tmp_path: Path) -> None:
    assert judged(status(), path=tmp_path / "staging.json") == []


def test_an_image_that_was_copied_to_another_registry_passes(tmp_path: Path) -> None:
    assert judged(status(f"registry.staging/iris:1.0@{DIGEST}"), path=tmp_path / "staging.json") == []


def test_without_evidence_every_image_is_refused_with_the_commands_that_make_it() -> None:
    found = judged()
    assert first_lines(found) == [f'nothing says that image "{IMAGE}" was deployed before']
    assert places(found) == ["image"]
    assert "caraml status --stack staging --json > staging.json" in found[0]
    assert "CARAML_STATUS_BEFORE=$PWD/staging.json caraml up --stack prod" in found[0]


@pytest.mark.parametrize(
    "before",
    [
        {"status": "pending"},
        {"status": "failed", "phase": "Failed"},
        {"status": "terminated", "phase": "Stopped"},
        {"status": "running", "phase": "Failed"},
        {"status": "serving", "phase": "Deploying"},
    ],
)
def test_an_image_that_was_not_healthy_is_refused(tmp_path: Path, before: dict[str, str]) -> None:
    """While its update fails or is under way, it is the image before that answers."""
    found = judged(status(**before), path=tmp_path / "staging.json")
    assert first_lines(found) == [f'image "{IMAGE}" was not deployed and healthy in staging']


@pytest.mark.parametrize("number", [1, 2])
def test_an_image_that_the_stack_has_deployed_already_needs_no_evidence(tmp_path: Path, number: int) -> None:
    """Also of another version: requests go back to it, or it is restored."""
    before = state(version(number, environment="prod", image=IMAGE))
    stack = written(tmp_path / "prod.json", json.loads(json.dumps(before).replace("pulumi:dev::", "pulumi:prod::")))
    assert judged(stackBefore=stack) == []
    other = f"ghcr.io/team/iris@sha256:{'b' * 64}"
    assert first_lines(judged(image=other, stackBefore=stack)) == [
        f'nothing says that image "{other}" was deployed before'
    ]


def test_an_image_of_the_update_that_is_gone_back_to_needs_no_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_dev = state(version(1, environment="prod", image=IMAGE))
    of_prod = json.loads(json.dumps(of_dev).replace("pulumi:dev::", "pulumi:prod::"))
    now = state(version(1, environment="prod", image=f"ghcr.io/team/iris@sha256:{'b' * 64}"))
    stack = written(tmp_path / "now.json", json.loads(json.dumps(now).replace("pulumi:dev::", "pulumi:prod::")))
    assert len(judged(stackBefore=stack)) == 1
    monkeypatch.setenv(RESTORED_VARIABLE, written(tmp_path / "restored.json", of_prod))
    assert judged(stackBefore=stack) == judged() == []
    monkeypatch.setenv(RESTORED_VARIABLE, written(tmp_path / "other.json", of_dev))
    assert 'the evidence is of stack "' in judged(stackBefore=stack)[0]


def test_a_workload_whose_image_the_stack_has_deployed_already_needs_no_evidence(tmp_path: Path) -> None:
    stack = written(tmp_path / "dev.json", state(*VIOLATION))
    [(_, _, props)] = VIOLATION
    assert violations(policy, DEPLOYMENT, props, config={**CONFIG, "stackBefore": stack}) == []


def test_another_image_than_the_one_before_is_refused(tmp_path: Path) -> None:
    other = f"sha256:{'b' * 64}"
    found = judged(status(), f"ghcr.io/team/iris@{other}", path=tmp_path / "staging.json")
    assert f"allowed: {DIGEST}" in found[0]


def test_an_environment_that_runs_the_tag_alone_proves_no_digest(tmp_path: Path) -> None:
    assert "no version there was" in judged(status("ghcr.io/team/iris:1.0"), path=tmp_path / "staging.json")[0]


def test_the_environment_itself_is_no_evidence(tmp_path: Path) -> None:
    found = judged(status(environment="prod"), path=tmp_path / "prod.json")
    assert first_lines(found) == ["the evidence is of environment prod"]


def test_the_environment_before_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "staging.json"
    assert judged(status(), path=path, previousEnvironment="staging") == []
    found = judged(status(), path=path, previousEnvironment="preprod")
    assert first_lines(found) == ["the evidence is of environment staging"]
    assert "caraml status --stack preprod" in found[0]


def test_evidence_may_be_too_old(tmp_path: Path) -> None:
    path, old = tmp_path / "staging.json", (datetime.now(UTC) - timedelta(hours=25)).isoformat()
    assert judged({**status(), "time": old}, path=path) == []
    assert judged({**status(), "time": old}, path=path, maxAgeHours=26) == []
    found = judged({**status(), "time": old}, path=path, maxAgeHours=24)
    assert first_lines(found) == ["what was deployed before was looked at 25.0 hours ago"]
    assert "does not say when" in judged({**status(), "time": ""}, path=path, maxAgeHours=24)[0]
    future = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert "in the future" in judged({**status(), "time": future}, path=path)[0]


def test_the_environment_variable_comes_before_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATUS_VARIABLE, written(tmp_path / "good.json", status()))
    assert judged(status(status="failed"), path=tmp_path / "bad.json") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "the evidence cannot be read: it is not JSON"),
        ("[]", "the evidence cannot be read: it is not a JSON object"),
        (
            '{"versions": [{"model": "iris"}]}',
            "this is not the state of an environment with the images of its versions",
        ),
    ],
)
def test_a_file_that_is_no_evidence_is_said_to_be_none(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "staging.json"
    path.write_text(text)
    assert first_lines(judged(statusBefore=str(path))) == [message]
    assert first_lines(judged(statusBefore=str(tmp_path / "none"))) == [
        "the evidence cannot be read: No such file or directory"
    ]


def test_images_without_a_digest_are_left_to_the_rule_about_those() -> None:
    assert judged(image="ghcr.io/team/iris:1.0") == []


def test_a_stopped_version_and_other_environments_are_not_judged() -> None:
    props = {**WHO, "version": 1, "image": IMAGE}
    assert violations(policy, MODEL_VERSION, {**props, "environment": "prod", "stopped": True}) == []
    assert violations(policy, MODEL_VERSION, props) == []


def test_the_image_of_a_transformer_is_judged_as_well(tmp_path: Path) -> None:
    transformer = f"ghcr.io/team/features@sha256:{'c' * 64}"
    props = {**WHO, "environment": "prod", "version": 1, "image": IMAGE, "transformer": {"image": transformer}}
    config = {"statusBefore": written(tmp_path / "staging.json", status())}
    assert places(violations(policy, MODEL_VERSION, props, config=config)) == ["transformer.image"]


def test_workloads_with_the_labels_of_a_version_are_judged_and_no_others(tmp_path: Path) -> None:
    [(_, _, props)] = VIOLATION
    found = violations(policy, DEPLOYMENT, props, config=CONFIG)
    assert places(found) == ["spec.template.spec.containers[0].image"]
    config = {**CONFIG, "statusBefore": written(tmp_path / "staging.json", status())}
    assert violations(policy, DEPLOYMENT, props, config=config) == []
    assert violations(policy, DEPLOYMENT, props, config={**CONFIG, "labelPrefix": "example.org/"}) == []
    bystander = {**props, "metadata": {"name": "redis", "labels": {**labels(), "app": "redis"}}}
    assert violations(policy, DEPLOYMENT, bystander, config=CONFIG) == []


def test_the_objects_of_a_component_are_left_to_the_component() -> None:
    [(_, _, props)] = VIOLATION
    parent = urn(MODEL_VERSION, "iris-1")
    assert verdict(policy, DEPLOYMENT, props, parent=parent, config=CONFIG).violations == []


def test_an_image_that_is_not_known_yet_is_not_judged() -> None:
    found = verdict(policy, MODEL_VERSION, {**WHO, "environment": "prod", "version": 1, "image": UNKNOWN})
    assert found.violations == []
    assert found.not_applicable
