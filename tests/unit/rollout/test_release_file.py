"""Release files are found, and changed in nothing but the weights."""

from pathlib import Path

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.rollout.release_file import find_release
from tests.unit.rollout.release import RELEASE, release_file


def test_a_weight_is_changed_and_nothing_else(tmp_path: Path) -> None:
    file = release_file(tmp_path)
    file.write({1: 95, 2: 5})
    added = RELEASE.replace("weight: 100\n", "weight: 95\n    - version: 2\n      weight: 5\n")
    assert file.path.read_text() == added
    file.write({1: 0, 2: 100})
    assert file.path.read_text() == added.replace("95", "0").replace("weight: 5\n", "weight: 100\n")
    assert file.weights() == {1: 0, 2: 100}
    file.write({1: 100})
    assert file.path.read_text() == RELEASE


def test_entries_in_one_line_stay_in_one_line(tmp_path: Path) -> None:
    text = RELEASE.replace("- version: 1   # the good old one\n      weight: 100", "- {version: 1, weight: 100}")
    file = release_file(tmp_path, text)
    file.write({1: 75, 2: 25})
    assert "    - {version: 1, weight: 75}\n    - {version: 2, weight: 25}\n" in file.path.read_text()


def test_a_smaller_version_is_listed_first(tmp_path: Path) -> None:
    file = release_file(tmp_path, RELEASE.replace("- version: 1   #", "- version: 2   #"))
    file.write({2: 90, 1: 10})
    assert file.path.read_text().index("version: 1\n      weight: 10") < file.path.read_text().index("weight: 90")


def test_the_file_keeps_its_rights(tmp_path: Path) -> None:
    file = release_file(tmp_path)
    file.path.chmod(0o640)
    file.write({1: 100})
    assert file.path.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["iris.yaml"]


def test_an_unknown_model_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    release_file(tmp_path)
    with pytest.raises(CaramlError, match='no release file is of the model "rose"') as error:
        find_release(tmp_path, "rose")
    assert error.value.allowed == "team/iris"
    with pytest.raises(CaramlError, match='no release file is of the model "other/iris"'):
        find_release(tmp_path, "other/iris")


def test_a_model_of_two_projects_has_to_be_named_with_its_project(tmp_path: Path) -> None:
    release_file(tmp_path)
    (tmp_path / "theirs.yaml").write_text(RELEASE.replace("project: team", "project: theirs"))
    with pytest.raises(CaramlError, match="is of several projects") as error:
        find_release(tmp_path, "iris")
    assert error.value.allowed == "team/iris, theirs/iris"
    assert find_release(tmp_path, "theirs/iris").path.name == "theirs.yaml"


def test_a_release_without_an_endpoint_has_no_traffic_to_move(tmp_path: Path) -> None:
    with pytest.raises(CaramlError, match="has no endpoint") as error:
        release_file(tmp_path, RELEASE[: RELEASE.index("endpoint:")])
    assert error.value.where.endswith("iris.yaml")
