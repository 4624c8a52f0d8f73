from pathlib import Path
from typing import Any

import pulumi
import pytest

from caraml_pulumi import ArtifactBucket, CaramlError, ModelArtifact, ModelArtifactArgs
from caraml_pulumi.artifacts.directory import hashed_directory
from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing import Recording, unknown
from tests.unit.components.programs import recorded

ARTIFACT = "caraml:index:ModelArtifact"
TREE = "pulumi-python:dynamic/caraml:ModelTree"
S3_BUCKET = "pulumi-python:dynamic/caraml:ArtifactBucket"


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a model of two files, and its program's directory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "Pulumi.yaml").write_text("name: demo\nruntime: python\nmain: program\n")
    root = tmp_path / "program" / "model"
    root.mkdir(parents=True)
    (root / "config.json").write_text("{}")
    (root / "weights.bin").write_bytes(b"123")
    monkeypatch.chdir(tmp_path / "program")
    return root


def artifact(preview: bool = False, **settings: Any) -> Recording:
    given: dict[str, Any] = {"model_dir": "model", "bucket": "models", **settings}
    return recorded(lambda: ModelArtifact("iris", **given), preview=preview)


def inputs(recording: Recording) -> dict[str, Any]:
    return {name: value for name, value in recording.one(TREE).inputs.items() if name != "__provider"}


@pytest.mark.parametrize("preview", [True, False])
def test_a_model_is_one_resource_whose_digest_is_known_at_preview(model: Path, preview: bool) -> None:
    recording = artifact(preview, prefix="team/")
    component, tree = recording.registrations
    digest = hashed_directory(model).tree.digest
    assert (component.type, tree.type, tree.parent) == (ARTIFACT, TREE, component.urn)
    assert inputs(recording) == {
        "place": "s3://models/team/iris",
        "source": "program/model",
        "digest": digest,
        "size": 5,
        "files": 2,
    }
    assert component.outputs["uri"] == f"s3://models/team/iris/{digest}"
    assert component.inputs["digest"] == component.outputs["digest"] == digest


def test_a_changed_file_is_another_digest_and_uri(model: Path) -> None:
    before = artifact().one(ARTIFACT).outputs
    (model / "weights.bin").write_bytes(b"456")
    after = artifact().one(ARTIFACT).outputs
    assert before["digest"] != after["digest"]
    assert before["uri"] != after["uri"]


def test_where_the_project_is_on_this_machine_is_in_no_input(model: Path) -> None:
    assert str(model.parents[1]) not in str(artifact(model_dir=model).registrations)
    assert artifact(model_dir=model).registrations == artifact(model_dir="model").registrations


def test_a_directory_outside_of_the_project_is_named_in_full(model: Path, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").rename(tmp_path / "program" / "Pulumi.yaml")
    elsewhere = model.rename(tmp_path / "elsewhere")
    assert inputs(artifact(model_dir="../elsewhere"))["source"] == str(elsewhere)


def test_a_bucket_brings_its_endpoint_and_is_waited_for() -> None:
    def program() -> None:
        bucket = ArtifactBucket("models", endpoint="https://s3.example.com", region="eu-west-1", profile="team")
        ModelArtifact("iris", model_dir="model", bucket=bucket, profile="other")

    recording = recorded(program)
    assert recording.one(S3_BUCKET).urn in recording.one(TREE).dependencies
    given = inputs(recording)
    assert (given["place"], given["endpoint"]) == ("s3://models/iris", "https://s3.example.com")
    assert (given["region"], given["profile"]) == ("eu-west-1", "other")


def test_an_unknown_bucket_leaves_the_digest_known() -> None:
    recording = recorded(lambda: ModelArtifact("iris", model_dir="model", bucket=unknown()), preview=True)
    assert inputs(recording)["place"] == UNKNOWN
    assert len(inputs(recording)["digest"]) == 64


def test_the_bucket_may_be_a_uri_and_an_output() -> None:
    assert inputs(artifact(bucket="s3://models/all", prefix="team"))["place"] == "s3://models/all/team/iris"
    later = recorded(lambda: ModelArtifact("iris", model_dir="model", bucket=pulumi.Output.from_input("models")))
    assert inputs(later)["place"] == "s3://models/iris"


def test_args_and_keywords_say_the_same() -> None:
    args = ModelArtifactArgs(model_dir="model", bucket="models", prefix="team")
    by_args = recorded(lambda: ModelArtifact("iris", args))
    assert by_args.registrations == artifact(prefix="team").registrations


@pytest.mark.parametrize(
    ("settings", "said", "where"),
    [
        ({"bucket": "gs://models"}, "not a place in an S3 bucket", "bucket"),
        ({"bucket": pulumi.Output.from_input("Models")}, "not a name for a bucket", "bucket"),
        ({"prefix": "a//b"}, "not a prefix", "prefix"),
        ({"model": "a/b"}, "cannot name a model", "model"),
        ({"model_dir": "elsewhere"}, "does not exist", "model_dir"),
        ({"endpoint": "s3.example.com"}, "not an endpoint", "endpoint"),
    ],
)
def test_arguments_that_cannot_be_are_refused_by_their_name(settings: dict[str, Any], said: str, where: str) -> None:
    with pytest.raises(CaramlError) as error:
        artifact(**settings)
    assert said in str(error.value)
    assert f'ModelArtifact "iris": {where}' in str(error.value)
