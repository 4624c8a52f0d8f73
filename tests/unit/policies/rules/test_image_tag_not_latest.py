import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.pods import PATCH_TYPES, POD_TYPES
from policies.reading import DEPLOYMENT, MODEL_VERSION
from policies.rules.image_tag_not_latest import policy
from policies.workloads import IMAGE_BUILD
from tests.unit.model import builders
from tests.unit.policies.configured import version
from tests.unit.policies.objects import Resources, first_lines, places, pod, settings_of, workload

DIGEST = "sha256:" + "0123456789abcdef" * 4
VIOLATION: Resources = [(DEPLOYMENT, "raw", workload(DEPLOYMENT, pod({"image": "ghcr.io/team/iris"})))]


def test_the_rule_is_mandatory_and_knows_latest() -> None:
    assert policy.name == "image-tag-not-latest"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.MEDIUM)
    assert settings_of(policy)["movingTags"]["default"] == ["latest"]


@pytest.mark.parametrize("image", ["ghcr.io/team/iris:1.4", f"iris@{DIGEST}", f"iris:latest@{DIGEST}", "iris:latest-1"])
def test_an_image_that_stays_what_it_is_passes(image: str) -> None:
    assert violations(policy, MODEL_VERSION, version(image=image)) == []


@pytest.mark.parametrize(
    ("image", "named"),
    [
        ("ghcr.io/team/iris:latest", 'the tag "latest"'),
        ("ghcr.io:443/team/iris", 'no tag, which means "latest"'),
    ],
)
def test_an_image_that_moves_is_refused(image: str, named: str) -> None:
    (message,) = violations(policy, MODEL_VERSION, version(image=image))
    assert message.splitlines() == [
        f'image "{image}" has {named}: what runs can change without an update',
        "  where:   image",
        "  allowed: the tag of one version, or a digest",
        "  fix:     name a version, or add the digest",
    ]


def test_a_platform_says_itself_which_tags_move() -> None:
    config = {"movingTags": ["main", "dev"]}
    assert first_lines(violations(policy, MODEL_VERSION, version(image="ghcr.io/team/iris:main"), config=config)) == [
        'image "ghcr.io/team/iris:main" has the tag "main": what runs can change without an update'
    ]
    assert violations(policy, MODEL_VERSION, version(image="ghcr.io/team/iris"), config=config) == []


def test_the_transformer_and_what_a_build_pulls_are_held_to_the_rule() -> None:
    props = version(transformer={"image": "ghcr.io/team/transformer"})
    assert places(violations(policy, MODEL_VERSION, props)) == ["transformer.image"]
    build = builders.image_build(buildArgs={"BASE_IMAGE": "python", "IMAGE": ""}).props()
    assert places(violations(policy, IMAGE_BUILD, build)) == ["buildArgs.BASE_IMAGE"]


@pytest.mark.parametrize("type_", [*POD_TYPES, *PATCH_TYPES])
def test_whatever_makes_pods_is_held_to_the_rule(type_: str) -> None:
    assert len(violations(policy, type_, workload(type_, pod({"image": "ghcr.io/team/iris"})))) == 1


def test_an_image_that_is_not_known_yet_is_judged_at_the_update() -> None:
    said = verdict(policy, MODEL_VERSION, {"image": UNKNOWN})
    assert (said.messages, bool(said.not_applicable)) == ([], True)
