import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.pods import PATCH_TYPES, POD_TYPES
from policies.reading import DEPLOYMENT, MODEL_VERSION
from policies.rules.image_pinned_by_digest import policy
from policies.workloads import IMAGE_BUILD
from tests.unit.model import builders
from tests.unit.policies.configured import version
from tests.unit.policies.objects import Resources, places, pod, settings_of, workload

DIGEST = "sha256:" + "0123456789abcdef" * 4
VIOLATION: Resources = [(DEPLOYMENT, "raw", workload(DEPLOYMENT, pod()))]
ENVIRONMENT = "prod"


def test_the_rule_is_mandatory_in_production() -> None:
    assert policy.name == "image-pinned-by-digest"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert settings_of(policy)["environments"]["default"] == ["prod", "production"]
    assert settings_of(policy)["immutableRepositories"]["default"] == []


def test_a_tag_is_enough_elsewhere() -> None:
    assert violations(policy, MODEL_VERSION, version(image="ghcr.io/team/iris:1"), stack="prod") == []
    (message,) = violations(policy, MODEL_VERSION, {**version(), "environment": "production"})
    assert message.splitlines() == [
        'image "ghcr.io/team/iris:1" is not pinned by digest',
        "  where:   image",
        "  allowed: repository[:tag]@sha256:digest",
        "  fix:     add the digest that the registry gave the pushed image",
    ]


def test_the_environments_are_configured() -> None:
    assert len(violations(policy, MODEL_VERSION, version(), config={"environments": ["d*"]})) == 1


@pytest.mark.parametrize("image", [f"ghcr.io/team/iris@{DIGEST}", f"iris:1@{DIGEST}"])
def test_an_image_with_a_digest_passes(image: str) -> None:
    assert violations(policy, MODEL_VERSION, {"environment": "prod", "image": image}) == []


def test_a_registry_whose_tags_never_move_needs_no_digest() -> None:
    config = {"immutableRepositories": ["ghcr.io/team/*"]}
    own, other = ({"environment": "prod", "image": f"ghcr.io/{team}/iris:1"} for team in ("team", "other"))
    assert violations(policy, MODEL_VERSION, own, config=config) == []
    assert len(violations(policy, MODEL_VERSION, other, config=config)) == 1


def test_the_transformer_and_what_a_build_pulls_are_held_to_the_rule() -> None:
    props = {**version(transformer={"image": "ghcr.io/team/transformer:1"}), "environment": "prod"}
    assert places(violations(policy, MODEL_VERSION, props)) == ["image", "transformer.image"]
    build = {**builders.image_build(buildArgs={"BASE_IMAGE": "python:3.12"}).props(), "environment": "prod"}
    assert places(violations(policy, IMAGE_BUILD, build)) == ["executorImage", "buildArgs.BASE_IMAGE"]


@pytest.mark.parametrize("type_", [*POD_TYPES, *PATCH_TYPES])
def test_whatever_makes_pods_is_held_to_the_rule(type_: str) -> None:
    spec = pod(initContainers=[{"name": "setup", "image": "busybox:1.37"}])
    assert len(violations(policy, type_, workload(type_, spec), stack="prod")) == 2
    assert violations(policy, type_, workload(type_, spec), stack="dev") == []


def test_an_image_that_is_not_known_yet_is_judged_at_the_update() -> None:
    said = verdict(policy, MODEL_VERSION, {"environment": "prod", "image": UNKNOWN})
    assert (said.messages, bool(said.not_applicable)) == ([], True)
