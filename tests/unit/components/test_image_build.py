from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from caraml_pulumi import CaramlError, CustomModelVersion, ImageBuild, ModelProject
from caraml_pulumi.engine.values import UNKNOWN, Secret
from caraml_pulumi.testing import Recording, unknown
from tests.unit.components.programs import KNATIVE, recorded

JOB = "kubernetes:batch/v1:Job"
SECRET = "kubernetes:core/v1:Secret"
CREDENTIALS = '{"auths": {"ghcr.io": {"auth": "hunter2"}}}'


def build(**settings: Any) -> ImageBuild:
    given: dict[str, Any] = {
        "model": "iris",
        "version": 1,
        "project": "iris-team",
        "registry": "ghcr.io/team",
        "context": "git://github.com/team/iris.git",
    }
    return ImageBuild("iris-image", **{**given, **settings})


def built_and_deployed(preview: bool = False, **settings: Any) -> Recording:
    def program() -> None:
        image = build(**settings).image
        CustomModelVersion("iris-1", model="iris", version=1, project="iris-team", image=image)

    return recorded(program, preview=preview)


def image_of(recording: Recording) -> Any:
    (container,) = recording.one(KNATIVE).inputs["spec"]["template"]["spec"]["containers"]
    return container["image"]


@pytest.mark.parametrize("preview", [True, False])
def test_the_version_takes_the_image_and_waits_for_the_job(preview: bool) -> None:
    recording = built_and_deployed(preview)
    image = image_of(recording)
    assert image.startswith("ghcr.io/team/iris-team-iris:1-")
    assert f"--destination={image}" in recording.one(JOB).inputs["spec"]["template"]["spec"]["containers"][0]["args"]
    assert recording.one(JOB).urn in recording.one(KNATIVE).dependencies


def test_pulumi_names_the_job_after_project_model_and_version() -> None:
    job = recorded(build).one(JOB)
    assert job.name == "iris-team-iris-1"
    assert "name" not in job.inputs["metadata"]


def test_a_known_output_among_the_arguments_leaves_the_image_known_at_preview() -> None:
    plain = built_and_deployed(preview=True, build_args={"BASE_IMAGE": "python:3.12"})
    recording = recorded(
        lambda: build(build_args={"BASE_IMAGE": pulumi.Output.from_input("python:3.12")}), preview=True
    )
    (container,) = recording.one(JOB).inputs["spec"]["template"]["spec"]["containers"]
    assert f"--destination={image_of(plain)}" in container["args"]


def test_an_unknown_argument_makes_the_image_unknown_at_preview() -> None:
    def program() -> None:
        image = build(build_args={"BASE_IMAGE": unknown()}).image
        CustomModelVersion("iris-1", model="iris", version=1, project="iris-team", image=image)

    recording = recorded(program, preview=True)
    assert image_of(recording) is UNKNOWN


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        (lambda: {"build_args": {"TOKEN": pulumi.Output.secret("hunter2")}}, "build_args.TOKEN"),
        (lambda: {"env": {"TOKEN": pulumi.Output.secret("hunter2")}}, "env.TOKEN"),
        (lambda: {"context": pulumi.Output.secret("https://host/hunter2.tar.gz")}, "context"),
    ],
    ids=["build argument", "variable", "context"],
)
def test_a_secret_that_others_would_see_is_refused_without_showing_it(
    settings: Callable[[], dict[str, Any]], where: str
) -> None:
    with pytest.raises(CaramlError) as caught:
        recorded(lambda: build(**settings()))
    assert "a secret cannot be given here" in str(caught.value)
    assert f'ImageBuild "iris-image": {where}\n' in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("given", ["plain", "secret"])
def test_credentials_are_a_secret_whatever_they_were_given_as(given: str) -> None:
    recording = recorded(
        lambda: build(docker_config=pulumi.Output.secret(CREDENTIALS) if given == "secret" else CREDENTIALS)
    )
    component, secret, job = recording.registrations
    assert (secret.type, job.type, job.parent) == (SECRET, JOB, component.urn)
    assert secret.inputs["stringData"] == {".dockerconfigjson": Secret(CREDENTIALS)}
    assert secret.urn in job.dependencies
    assert "hunter2" not in str(component.inputs)
    assert "hunter2" not in str(job.inputs)


def test_credentials_that_resolve_to_nonsense_are_refused_without_showing_them() -> None:
    with pytest.raises(CaramlError, match="not a Docker configuration") as caught:
        recorded(lambda: build(docker_config=pulumi.Output.secret("hunter2")))
    assert 'ImageBuild "iris-image": docker_config' in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_build_waits_for_its_project_and_belongs_to_its_team() -> None:
    def program() -> None:
        build(project=ModelProject("iris-team", team="fraud", stream="risk"))

    recording = recorded(program)
    job = recording.one(JOB)
    assert recording.one("kubernetes:core/v1:Namespace").urn in job.dependencies
    assert job.inputs["metadata"]["labels"]["caraml.dev/team"] == "fraud"


def test_a_broken_rule_names_the_component_and_registers_nothing() -> None:
    with pytest.raises(CaramlError) as caught:
        recorded(lambda: build(registry="team"))
    assert 'ImageBuild "iris-image": registry' in str(caught.value)
