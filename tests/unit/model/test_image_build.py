import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi import CaramlError, ImageBuildArgs
from caraml_pulumi.model.image_build import KEPT_IN_PLACE, ImageBuildSpec
from caraml_pulumi.model.images import parse_image
from tests.unit.model.builders import image_build, platform


def test_the_image_is_named_after_project_model_and_version_with_a_digest_of_the_build() -> None:
    build = image_build()
    assert re.fullmatch(r"ghcr\.io/team/iris-team-iris:1-[0-9a-f]{10}", build.image)
    assert f"--destination={build.image}" in build.arguments
    assert "--destination=ghcr.io/team/iris-team-iris:1" in build.arguments


def test_merlins_tag_can_be_left_alone() -> None:
    assert "--destination=ghcr.io/team/iris-team-iris:1" not in image_build(versionTag=False).arguments


def test_the_constants_are_merlins() -> None:
    spec = image_build().spec
    assert spec.executor_image == "gcr.io/kaniko-project/executor:v1.6.0"
    assert (spec.timeout_seconds, spec.retries) == (600, 3)


@pytest.mark.parametrize(
    "changed",
    [
        {"context": "git://github.com/team/iris.git#refs/heads/other"},
        {"contextSubPath": "iris"},
        {"dockerfile": "other/Dockerfile"},
        {"target": "serve"},
        {"buildArgs": {"BASE_IMAGE": "python:3.12"}},
        {"env": {"AWS_REGION": "eu-west-1"}},
        {"executorImage": "ghcr.io/team/kaniko:1"},
        {"nodeSelector": {"disk": "ssd"}},
        {"tolerations": [{"key": "build", "operator": "Exists"}]},
        {"cpuRequest": "2"},
        {"team": "fraud"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_changed_build_is_another_image(changed: dict[str, Any]) -> None:
    first, second = image_build(), image_build(**changed)
    assert first.image != second.image
    assert first.image.rsplit("-", 1)[0] == second.image.rsplit("-", 1)[0]


def test_what_a_job_can_change_in_place_builds_nothing() -> None:
    kept: dict[str, Any] = {
        "dockerConfig": '{"auths": {}}',
        "timeoutSeconds": 60,
        "retries": 0,
        "ttlSecondsAfterFinished": 86400,
    }
    changed = image_build(**kept)
    assert len(kept) == len(KEPT_IN_PLACE)
    assert changed.image == image_build().image


def test_quantities_that_are_the_same_amount_are_the_same_build() -> None:
    assert image_build(cpuRequest="500m").image == image_build(cpuRequest="0.5").image


@given(
    project=st.from_regex(r"[a-z][-a-z0-9]{1,48}[a-z0-9]", fullmatch=True),
    model=st.from_regex(r"[a-z][-a-z0-9]{1,23}[a-z0-9]", fullmatch=True),
    version=st.integers(1, 10**9),
)
def test_every_name_fits_and_every_image_is_well_formed(project: str, model: str, version: int) -> None:
    build = image_build(project=f"p{project[1:]}", model=model, version=version)
    assert len(build.job) <= 54
    assert not build.job.endswith("-")
    assert parse_image(build.image).tag.startswith(f"{version}-")


@given(st.lists(st.integers(1, 99), min_size=2, max_size=2, unique=True))
def test_names_that_are_cut_still_tell_builds_apart(versions: list[int]) -> None:
    long: dict[str, Any] = {"project": "p" * 50, "model": "m" * 25}
    assert len({image_build(version=version, **long).job for version in versions}) == 2


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"registry": "ghcr.io/team:1"}, '"ghcr.io/team:1" is not a registry'),
        ({"registry": "team"}, '"team" is not a registry'),
        ({"context": "file:///tmp"}, "is not a build context"),
        ({"context": "dir:///workspace"}, "nothing is mounted"),
        ({"contextClaim": "files"}, "is not used"),
        ({"buildArgs": {"A B": "1"}}, '"A B" is not the name of a build argument'),
        ({"dockerConfig": "{}"}, "not a Docker configuration"),
        ({"dockerConfig": '{"auths": {}}', "dockerConfigSecret": "registry"}, "given twice"),
        ({"env": {"A": "1"}, "secrets": {"A": "2"}}, 'variable "A" is given twice'),
        ({"secrets": {"A": "2"}, "secretRefs": {"A": {"name": "s", "key": "k"}}}, 'variable "A" is given twice'),
        ({"cpuRequest": "2", "cpuLimit": "1"}, "limit 1 is less than the request 2"),
        ({"cacheRepository": "ghcr.io/team/cache:1"}, "has a tag"),
        ({"timeoutSeconds": 0}, "timeoutSeconds"),
        ({"projekt": "a"}, "unknown field"),
    ],
    ids=str,
)
def test_a_broken_rule_is_one_error_that_names_the_property(broken: dict[str, Any], message: str) -> None:
    with pytest.raises(CaramlError) as caught:
        image_build(**broken)
    assert message in str(caught.value)
    assert "where:" in str(caught.value)


def test_the_plan_never_shows_what_is_secret() -> None:
    build = image_build(dockerConfig='{"auths": {"ghcr.io": {"auth": "hunter2"}}}', secrets={"GIT_TOKEN": "hunter2"})
    assert "hunter2" not in str(build.props())


def test_another_value_of_a_secret_builds_nothing_and_another_secret_does() -> None:
    one = image_build(secrets={"GIT_TOKEN": "one"}).image
    assert image_build(secrets={"GIT_TOKEN": "two"}).image == one
    assert image_build(secrets={"GIT_PASSWORD": "one"}).image != one


def test_a_build_is_labelled_as_merlins_image_builder() -> None:
    build = image_build(platform(labelPrefix="example.com/"), team="fraud", stream="risk")
    assert build.labels["example.com/component"] == "image-builder"
    assert {build.labels[f"example.com/{name}"] for name in ("team", "stream", "app")} == {"fraud", "risk", "iris"}


def test_every_property_is_named_in_the_components_arguments() -> None:
    assert set(ImageBuildSpec.model_fields) | {"platform"} == set(ImageBuildArgs.__annotations__)
