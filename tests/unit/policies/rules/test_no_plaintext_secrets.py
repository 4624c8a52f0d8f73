from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN, Secret
from caraml_pulumi.testing.policies import verdict, violations
from policies.pods import PATCH_TYPES, POD_TYPES
from policies.reading import DEPLOYMENT, MODEL_VERSION
from policies.rules.no_plaintext_secrets import CONFIG_MAP, policy
from policies.workloads import IMAGE_BUILD
from tests.unit.model import builders
from tests.unit.policies.configured import version
from tests.unit.policies.objects import Resources, first_lines, places, pod, workload

PASSWORD = "hunter2-and-more"
TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
VIOLATION: Resources = [
    (DEPLOYMENT, "raw", workload(DEPLOYMENT, pod({"env": [{"name": "DB_PASSWORD", "value": PASSWORD}]})))
]


def test_the_rule_is_mandatory_and_critical() -> None:
    assert policy.name == "no-plaintext-secrets"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.CRITICAL)


def test_a_version_with_its_secrets_in_secrets_passes() -> None:
    props = version(
        env={"LOG_LEVEL": "debug", "DATABASE_URL": "postgres://iris:$(DB_PASSWORD)@db/iris", "GIT_SHA": "a1b2" * 10},
        secrets={"API_TOKEN": TOKEN},
        secretRefs={"DB_PASSWORD": {"name": "db", "key": "password"}},
        args=["serve", "--model-name=iris", "--max-tokens", "4096"],
    )
    assert violations(policy, MODEL_VERSION, props) == []


def test_a_variable_that_looks_like_a_credential_is_refused_by_name_and_kind() -> None:
    (message,) = violations(policy, MODEL_VERSION, version(env={"GREETING": TOKEN}))
    assert message.splitlines()[:3] == [
        "GREETING looks like a GitHub token",
        "  where:   env.GREETING",
        "  allowed: plain text that is no secret, or a reference to a Secret",
    ]


@pytest.mark.parametrize("wrap", [lambda value: value, Secret])
def test_no_part_of_a_value_is_repeated(wrap: Any) -> None:
    props = version(args=["--password", PASSWORD, f"--url=redis://:{PASSWORD}@cache"])
    props["env"] = {"DB_PASSWORD": wrap(PASSWORD), "URL": wrap(f"https://u:{PASSWORD}@example.com"), "T": wrap(TOKEN)}
    found = violations(policy, MODEL_VERSION, props)
    assert places(found) == ["env.DB_PASSWORD", "env.URL", "env.T", "args[1]", "args[2]"]
    for message in found:
        assert "hunter2" not in message
        assert TOKEN[4:8] not in message


def test_transformers_are_held_to_the_rule() -> None:
    props = version(transformer={"image": "ghcr.io/team/transformer:1", "env": {"API_TOKEN": TOKEN}})
    assert places(violations(policy, MODEL_VERSION, props)) == ["transformer.env.API_TOKEN"]


def test_a_builds_arguments_stay_in_its_image_and_are_held_to_the_rule() -> None:
    build = builders.image_build(
        env={"GIT_PASSWORD": PASSWORD},
        buildArgs={"PIP_INDEX_URL": f"https://ci:{PASSWORD}@pypi.example.com/simple", "BASE_IMAGE": "python:3.12"},
        executorArgs=[f"--registry-token={TOKEN}"],
    )
    assert places(violations(policy, IMAGE_BUILD, build.props())) == [
        "env.GIT_PASSWORD",
        "buildArgs.PIP_INDEX_URL",
        "executorArgs[0]",
    ]


@pytest.mark.parametrize("type_", [*POD_TYPES, *PATCH_TYPES])
def test_whatever_makes_pods_is_held_to_the_rule_with_all_containers(type_: str) -> None:
    variables = [
        {"name": "LOG_LEVEL", "value": "debug"},
        {"name": "DB_PASSWORD", "value": PASSWORD},
        {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}},
    ]
    spec = pod(
        {"env": variables, "command": ["serve"], "args": ["--api-key", "3f786850e387550fdab836ed7e6dc881de23001b"]},
        initContainers=[{"name": "setup", "command": ["sh", "-c", f"PGPASSWORD={PASSWORD} psql"]}],
    )
    found = violations(policy, type_, workload(type_, spec))
    assert [place.rpartition("spec.")[2] for place in places(found)] == [
        "initContainers[0].command[2]",
        "containers[0].env[1]",
        "containers[0].args[1]",
    ]


@pytest.mark.parametrize("type_", [CONFIG_MAP, f"{CONFIG_MAP}Patch"])
def test_config_maps_that_pods_take_variables_from_are_held_to_the_rule(type_: str) -> None:
    data = {"LOG_LEVEL": "debug", "DB_PASSWORD": PASSWORD, "app.properties": f"password={PASSWORD}"}
    found = violations(policy, type_, {"metadata": {"name": "raw"}, "data": data})
    assert first_lines(found) == ["DB_PASSWORD looks like a password"]


def test_a_value_that_is_not_known_yet_is_judged_at_the_update_and_the_others_now() -> None:
    props = version(env={"DB_PASSWORD": PASSWORD})
    props["env"] = {**props["env"], "HOST": UNKNOWN}
    said = verdict(policy, MODEL_VERSION, props)
    assert first_lines(said.messages) == ["DB_PASSWORD looks like a password"]
    assert said.not_applicable
