from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.pods import PATCH_TYPES, POD_TYPES
from policies.reading import DEPLOYMENT, MODEL_VERSION
from policies.rules.image_from_allowed_registry import policy
from policies.workloads import IMAGE_BUILD
from tests.unit.model import builders
from tests.unit.policies.configured import version
from tests.unit.policies.objects import Resources, first_lines, places, pod, settings_of, workload

TEAM: dict[str, Any] = {"registries": ["ghcr.io/team"]}
VIOLATION: Resources = [(DEPLOYMENT, "raw", workload(DEPLOYMENT, pod({"image": "python:3.12"})))]
CONFIG = TEAM


def test_the_rule_is_mandatory_and_allows_all_registries_until_some_are_named() -> None:
    assert policy.name == "image-from-allowed-registry"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.CRITICAL)
    assert settings_of(policy)["registries"]["default"] == []
    assert violations(policy, MODEL_VERSION, version(image="evil.example.com/iris:1")) == []


@pytest.mark.parametrize("image", ["ghcr.io/team/iris:1", "GHCR.io/team/iris", "ghcr.io/team/a/b@sha256:" + "0" * 64])
def test_an_image_of_an_allowed_registry_passes(image: str) -> None:
    assert violations(policy, MODEL_VERSION, {"image": image}, config=TEAM) == []


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("ghcr.io/teammate/iris:1", "ghcr.io"),
        ("ghcr.io/iris:1", "ghcr.io"),
        ("evil.example.com/ghcr.io/team/iris", "evil.example.com"),
        ("team/iris:1", "docker.io"),
        ("python:3.12", "docker.io"),
    ],
)
def test_an_image_from_elsewhere_is_refused_with_where_it_is_from(image: str, registry: str) -> None:
    (message,) = violations(policy, MODEL_VERSION, {"image": image}, config=TEAM)
    assert message.splitlines() == [
        f'image "{image}" is from {registry}, which is not an allowed registry',
        "  where:   image",
        "  allowed: ghcr.io/team",
        "  fix:     push the image to an allowed registry, and name it there",
    ]


@pytest.mark.parametrize(
    ("registry", "image"),
    [
        ("docker.io", "team/iris:1"),
        ("docker.io/library", "python:3.12"),
        ("docker.io/team", "index.docker.io/team/iris:1"),
        ("index.docker.io/team/", "team/iris:1"),
        ("localhost:5000", "localhost:5000/iris"),
    ],
)
def test_registries_are_compared_as_images_are_pulled(registry: str, image: str) -> None:
    assert violations(policy, MODEL_VERSION, {"image": image}, config={"registries": [registry]}) == []


def test_a_malformed_image_is_a_violation() -> None:
    (message,) = violations(policy, MODEL_VERSION, {"image": "ghcr.io/team/Iris"}, config=TEAM)
    assert "malformed repository" in message


def test_a_transformer_is_held_to_the_rule_as_well() -> None:
    props = version(transformer={"image": "evil.example.com/transformer:1"})
    assert places(violations(policy, MODEL_VERSION, props, config=TEAM)) == ["transformer.image"]


def test_a_build_pulls_and_pushes_where_it_may() -> None:
    build = builders.image_build(
        registry="evil.example.com",
        cacheRepository="evil.example.com/cache",
        executorImage="ghcr.io/team/kaniko:1",
        buildArgs={"BASE_IMAGE": "python:3.12", "PORT": "8080"},
    )
    found = violations(policy, IMAGE_BUILD, build.props(), config=TEAM)
    assert places(found) == ["buildArgs.BASE_IMAGE", "registry", "cacheRepository"]


@pytest.mark.parametrize("type_", [*POD_TYPES, *PATCH_TYPES])
def test_whatever_makes_pods_is_held_to_the_rule_with_all_its_images(type_: str) -> None:
    spec = pod(
        {"image": "evil.example.com/a"},
        initContainers=[{"name": "setup", "image": "evil.example.com/b"}],
        volumes=[{"name": "weights", "image": {"reference": "evil.example.com/c"}}],
    )
    found = violations(policy, type_, workload(type_, spec), config=TEAM)
    assert [place.rpartition("spec.")[2] for place in places(found)] == [
        "initContainers[0].image",
        "containers[0].image",
        "volumes[0].image.reference",
    ]


def test_an_image_that_is_not_known_yet_is_judged_at_the_update_and_the_others_now() -> None:
    spec = pod({"image": UNKNOWN}, initContainers=[{"name": "setup", "image": "python:3.12"}])
    said = verdict(policy, DEPLOYMENT, workload(DEPLOYMENT, spec), config=TEAM)
    assert first_lines(said.messages) == ['image "python:3.12" is from docker.io, which is not an allowed registry']
    assert said.not_applicable
