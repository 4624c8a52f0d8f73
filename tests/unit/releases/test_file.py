"""Release files are found by their models, and written where they belong."""

from pathlib import Path

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.releases.file import find_release, release_path, release_text, write_release

RELEASE = "model: iris\nproject: team # whose\nversions:\n  - {version: 1, image: registry.local/iris:1}\n"


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    (tmp_path / "first.yaml").write_text(RELEASE)
    return tmp_path


def test_a_model_without_an_endpoint_is_found(releases: Path) -> None:
    found = find_release(releases, "iris")
    assert (found.name, found.path.name) == ("team/iris", "first.yaml")
    assert find_release(releases, "team/iris") == found


def test_a_file_that_breaks_a_rule_is_refused_with_its_line(releases: Path) -> None:
    (releases / "first.yaml").write_text(RELEASE.replace("version: 1", "version: 0"))
    with pytest.raises(CaramlError) as error:
        find_release(releases, "iris")
    assert str(error.value.where).startswith(f"{releases}/first.yaml:4 ")


def test_an_empty_file_among_them_is_no_release(releases: Path) -> None:
    (releases / "empty.yaml").write_text("# nothing yet\n")
    assert find_release(releases, "iris").path.name == "first.yaml"


def test_a_release_is_written_into_the_file_that_it_is_in_whatever_its_name(releases: Path) -> None:
    assert release_path(releases, "team", "iris") == releases / "first.yaml"


def test_a_new_release_gets_a_name_that_no_other_has(releases: Path) -> None:
    assert release_path(releases, "other", "rose") == releases / "rose.yaml"
    (releases / "rose.yaml").write_text(RELEASE.replace("iris", "rose"))
    assert release_path(releases, "other", "rose") == releases / "other-rose.yaml"
    assert release_path(releases / "none", "team", "iris") == releases / "none/iris.yaml"


def test_a_release_is_written_with_its_comments_and_a_new_one_in_order(releases: Path) -> None:
    document = {"model": "iris", "project": "team", "versions": [{"version": 1, "image": "registry.local/iris:2"}]}
    assert release_text(releases / "first.yaml", document) == RELEASE.replace("iris:1", "iris:2")
    write_release(releases / "sub/new.yaml", document)
    assert (releases / "sub/new.yaml").read_text() == (
        "model: iris\nproject: team\nversions:\n  - version: 1\n    image: registry.local/iris:2\n"
    )
