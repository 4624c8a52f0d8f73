from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.model import env
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.testing.policies import verdict, violations
from policies.pods import PATCH_TYPES, POD_TYPES
from policies.reading import DEPLOYMENT, KNATIVE_SERVICE, MODEL_VERSION
from policies.rules.reserved_env_names import policy
from policies.workloads import IMAGE_BUILD
from tests.unit.model import builders
from tests.unit.policies.configured import version
from tests.unit.policies.objects import Resources, first_lines, places, pod, settings_of, workload

LABELS = {"orchestrator": "caraml", "environment": "dev", "app": "iris", "version": "1"}


def of_version(type_: str, *names: str, prefix: str = "caraml.dev/") -> Properties:
    """A workload with a version's labels that no component made."""
    props = workload(type_, pod({"env": [{"name": name, "value": "x"} for name in names]}))
    props["metadata"]["labels"] = {prefix + name: value for name, value in LABELS.items()}
    return props


VIOLATION: Resources = [
    (KNATIVE_SERVICE, "raw", workload(KNATIVE_SERVICE, pod({"env": [{"name": "PORT", "value": "80"}]})))
]


def test_the_rule_is_mandatory_and_reserves_nothing_besides() -> None:
    assert policy.name == "reserved-env-names"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.MEDIUM)
    assert settings_of(policy)["reserved"]["default"] == []
    assert settings_of(policy)["labelPrefix"]["default"] == ""


@pytest.mark.parametrize("mode", DeploymentMode)
@pytest.mark.parametrize("protocol", Protocol)
def test_what_the_component_makes_of_an_ordinary_version_passes(mode: DeploymentMode, protocol: Protocol) -> None:
    settings: dict[str, Any] = {"storageUri": "s3://models/iris"}
    if mode is DeploymentMode.SERVERLESS:
        on = builders.platform(legacyEnv=True, knative={"features": ["kubernetes.podspec-init-containers"]})
    else:
        on = builders.platform(legacyEnv=True)
    plan = builders.version(
        on, deploymentMode=mode, protocol=protocol, env={"LOG_LEVEL": "x"}, secrets={"TOKEN": "x"}, **settings
    )
    assert violations(policy, MODEL_VERSION, plan.props()) == []
    parent = "urn:pulumi:dev::shop::caraml:index:CustomModelVersion::iris-1"
    for item in builders.objects(plan, on):
        if item["kind"] in ("Deployment", "Service") and "template" in item["spec"]:
            type_ = DEPLOYMENT if item["kind"] == "Deployment" else KNATIVE_SERVICE
            assert verdict(policy, type_, item, parent=parent).violations == []


@pytest.mark.parametrize("name", [*env.CONTRACT_NAMES, *env.LEGACY_NAMES])
def test_a_name_of_the_contract_is_refused(name: str) -> None:
    (message,) = violations(policy, MODEL_VERSION, {**version(), "env": {name: "x"}})
    assert message.splitlines()[:2] == [
        f'environment variable "{name}" is set by the platform',
        f"  where:   env.{name}",
    ]


def test_secrets_take_no_reserved_names_either() -> None:
    assert len(violations(policy, MODEL_VERSION, {**version(), "secrets": ["CARAML_HTTP_PORT"]})) == 1


@pytest.mark.parametrize("name", env.KNATIVE_NAMES)
def test_knatives_names_are_refused_in_serverless_alone(name: str) -> None:
    given = {"env": {name: "x"}}
    (message,) = violations(policy, MODEL_VERSION, {**version(), **given})
    assert message.startswith(f'environment variable "{name}" is set by Knative')
    assert violations(policy, MODEL_VERSION, {**version(deploymentMode="RAW_DEPLOYMENT"), **given}) == []


@pytest.mark.parametrize("name", env.SELDON_NAMES)
def test_the_names_of_a_predictive_unit_are_refused_for_seldon_alone(name: str) -> None:
    given = {"env": {name: "x"}}
    assert len(violations(policy, MODEL_VERSION, {**version(protocol="SELDON"), **given})) == 1
    assert violations(policy, MODEL_VERSION, {**version(), **given}) == []


def test_the_reserved_names_of_seldon_are_those_that_a_model_gets() -> None:
    served = env.Served("iris", 1, "iris-1", "iris-team")
    contract = env.model_contract(served, Protocol.SELDON, image="iris:1", storage_uri="s3://x", legacy=False)
    assert set(contract) == {*env.SELDON_NAMES, *env.CONTRACT_NAMES} - {
        "CARAML_HTTP_PORT",
        "CARAML_GRPC_PORT",
        "CARAML_PREDICTOR_HOST",
    }


def test_transformers_and_builds_are_held_to_the_rule() -> None:
    props = {**version(), "transformer": {"env": {"CARAML_PROJECT": "x"}}}
    assert places(violations(policy, MODEL_VERSION, props)) == ["transformer.env.CARAML_PROJECT"]
    build = {**builders.image_build().props(), "env": {"STORAGE_URI": "x"}, "secrets": ["GIT_TOKEN"]}
    assert places(violations(policy, IMAGE_BUILD, build)) == ["env.STORAGE_URI"]


def test_a_platform_team_reserves_names_of_its_own() -> None:
    config = {"reserved": ["DD_*"]}
    for type_, props in ((MODEL_VERSION, version(env={"DD_SITE": "x"})), (DEPLOYMENT, of_version(DEPLOYMENT, "DD_X"))):
        assert violations(policy, type_, props) == []
        assert len(violations(policy, type_, props, config=config)) == 1
    assert violations(policy, MODEL_VERSION, version(env={"ADD_ON": "x"}), config=config) == []


@pytest.mark.parametrize("type_", [*POD_TYPES, *PATCH_TYPES])
def test_pods_with_a_versions_labels_that_no_component_made_have_no_contract_of_their_own(type_: str) -> None:
    found = violations(policy, type_, of_version(type_, "LOG_LEVEL", "CARAML_MODEL_NAME"))
    assert first_lines(found) == ['environment variable "CARAML_MODEL_NAME" is set by the platform']
    assert places(found)[0].endswith("spec.containers[0].env")
    assert violations(policy, type_, of_version(type_, "CARAML_MODEL_NAME", prefix="gojek.com/")) == []


def test_pods_that_are_no_version_may_have_any_names_but_knatives() -> None:
    names = [{"name": name} for name in ("STORAGE_URI", "CARAML_PROJECT", "PORT")]
    assert violations(policy, DEPLOYMENT, workload(DEPLOYMENT, pod({"env": names}))) == []
    for type_ in (KNATIVE_SERVICE, f"{KNATIVE_SERVICE}Patch"):
        found = violations(policy, type_, workload(type_, pod({"env": names})))
        assert first_lines(found) == ['environment variable "PORT" is set by Knative']


def test_variables_that_are_not_known_yet_are_judged_at_the_update() -> None:
    said = verdict(policy, MODEL_VERSION, {**version(), "env": UNKNOWN})
    assert (said.messages, bool(said.not_applicable)) == ([], True)
    value_alone = verdict(policy, MODEL_VERSION, {**version(), "env": {"PORT": UNKNOWN}})
    assert (len(value_alone.messages), value_alone.not_applicable) == (1, None)
