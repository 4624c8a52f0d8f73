import pytest

from caraml_pulumi import CaramlError
from caraml_pulumi.model import build_context as rules


@pytest.mark.parametrize(
    "uri",
    [
        "git://github.com/team/iris.git#refs/heads/main#3f2a9c1",
        "s3://bucket/context.tar.gz",
        "gs://bucket/context.tar.gz",
        "https://account.blob.core.windows.net/container/context.tar.gz",
        "dir:///workspace",
        "dir:///workspace/models/iris",
        "tar:///workspace/context.tar.gz",
    ],
)
def test_every_kind_of_context_that_kaniko_reads_is_taken(uri: str) -> None:
    assert rules.build_context(uri) == uri


@pytest.mark.parametrize(
    ("uri", "advice"),
    [
        ("", "dir:///workspace"),
        (".", "dir:///workspace"),
        ("file:///tmp/iris", "dir:///workspace"),
        ("http://host/context.tar.gz", "use https"),
        ("git@github.com:team/iris.git", "use git"),
        ("ssh://git@github.com/team/iris.git", "use git"),
        ("tar://stdin", "tar:///workspace/context.tar.gz"),
        ("dir:///etc", "dir:///workspace/path"),
        ("dir:///workspaces", "dir:///workspace/path"),
        ("git://", "git://host/repository.git"),
        ("s3://bucket/a b", "s3://bucket/context.tar.gz"),
    ],
)
def test_any_other_context_is_refused_with_what_to_use(uri: str, advice: str) -> None:
    with pytest.raises(CaramlError) as caught:
        rules.build_context(uri)
    assert advice in str(caught.value)


@pytest.mark.parametrize("uri", ["git://me:hunter2@host/iris.git", "hunter2@host", "ftp://me:hunter2@host/iris"])
def test_a_password_in_an_address_is_refused_and_not_shown(uri: str) -> None:
    with pytest.raises(CaramlError) as caught:
        rules.build_context(uri)
    assert "hunter2" not in str(caught.value)


def test_a_mounted_context_needs_its_claim_and_no_other_has_one() -> None:
    assert rules.context_has_its_claim("dir:///workspace", "files") == "dir:///workspace"
    with pytest.raises(CaramlError, match="nothing is mounted"):
        rules.context_has_its_claim("tar:///workspace/a.tar.gz", None)
    with pytest.raises(CaramlError, match='claim "files" is not used'):
        rules.context_has_its_claim("s3://bucket/a.tar.gz", "files")


@pytest.mark.parametrize(
    ("path", "normal"), [("./docker/Dockerfile", "docker/Dockerfile"), ("..a/b", "..a/b"), ("a/../b/", "b")]
)
def test_a_path_in_the_context_is_kept_in_its_normal_form(path: str, normal: str) -> None:
    assert rules.relative_path(path) == normal


@pytest.mark.parametrize("path", ["", "/Dockerfile", "../Dockerfile", "a/../../b", "a\nb"])
def test_a_path_out_of_the_context_is_refused(path: str) -> None:
    with pytest.raises(CaramlError, match="is not a path in the build context"):
        rules.relative_path(path)


@pytest.mark.parametrize("text", ["hunter2", "{}", '["auths"]', '"auths"'])
def test_what_is_no_docker_configuration_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(CaramlError) as caught:
        rules.docker_config(text)
    assert "hunter2" not in str(caught.value)
    assert "~/.docker/config.json" in str(caught.value)
