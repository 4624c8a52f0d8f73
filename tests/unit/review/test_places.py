from pathlib import Path

import pytest

from caraml_pulumi.review.places import Places, repository_of
from caraml_pulumi.review.subjects import Kind, Subject

STACK = """config:
  caraml:projects:
    iris-team:
      quota: {cpu: "4"}
"""
RELEASE = "model: iris\nproject: iris-team\nversions:\n  - version: 2\n    image: a\nendpoint:\n  traffic: []\n"
VERSION = Subject(Kind.VERSION, "urn", "iris-team", "iris", 2)
ENDPOINT = Subject(Kind.ENDPOINT, "urn", "iris-team", "iris")
PROJECT = Subject(Kind.PROJECT, "urn", "iris-team")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / ".git").mkdir()
    stacks = tmp_path / "stacks"
    (stacks / "releases/dev").mkdir(parents=True)
    (stacks / "Pulumi.dev.yaml").write_text(STACK)
    (stacks / "releases/dev/iris.yaml").write_text(RELEASE)
    (stacks / "releases/dev/broken.yaml").write_text("model: broken\nproject: iris-team\nversions: [\n")
    return Places(repository_of(stacks), stacks, "dev")


@pytest.mark.parametrize(
    ("subject", "where", "file", "line"),
    [
        (VERSION, "image", "releases/dev/iris.yaml", 5),
        (ENDPOINT, "traffic", "releases/dev/iris.yaml", 7),
        (Subject(Kind.MONITORING, "urn", "iris-team", "iris"), "", "releases/dev/iris.yaml", 6),
        (PROJECT, "quota.cpu", "Pulumi.dev.yaml", 4),
        (PROJECT, "", "Pulumi.dev.yaml", 3),
        (Subject(Kind.VERSION, "urn", "iris-team", "iris", 1), "image", "releases/dev/iris.yaml", 3),
    ],
)
def test_what_the_files_say_is_placed_relative_to_the_repository(
    places: Places, subject: Subject, where: str, file: str, line: int
) -> None:
    place = places.of(subject, "dev", where)
    assert place is not None
    assert (place.file, place.line) == (f"stacks/{file}", line)


@pytest.mark.parametrize(
    ("subject", "environment"),
    [
        (None, "dev"),
        (VERSION, "prod"),
        (Subject(Kind.VERSION, "urn", "iris-team", "other", 1), "dev"),
        (Subject(Kind.VERSION, "urn", "iris-team", "broken", 1), "dev"),
        (Subject(Kind.PROJECT, "urn", "other-team"), "dev"),
    ],
)
def test_what_no_file_says_has_no_place(places: Places, subject: Subject | None, environment: str) -> None:
    assert places.of(subject, environment) is None


def test_a_place_in_words_that_is_no_property_is_the_beginning_of_the_subject(places: Places) -> None:
    place = places.of(VERSION, "dev", 'CustomModelVersion "iris-1": image')
    assert place is not None
    assert place.line == 4


def test_a_directory_in_no_repository_is_its_own(tmp_path: Path) -> None:
    assert repository_of(tmp_path) in (tmp_path, *tmp_path.parents)
    (tmp_path / ".git").write_text("gitdir: elsewhere")
    assert repository_of(tmp_path / "stacks") == tmp_path


def test_a_project_that_is_taken_over_is_placed_in_the_file_that_says_it(places: Places) -> None:
    prod = places.directory / "Pulumi.prod.yaml"
    prod.write_text("config:\n  caraml:extends: dev\n  caraml:projects:\n    iris-team: {quota: {memory: 1Gi}}\n")
    of_prod = Places(places.repository, places.directory, "prod")
    found = [of_prod.of(PROJECT, "prod", where) for where in ("quota.cpu", "quota.memory")]
    assert [place and (place.file, place.line) for place in found] == [
        ("stacks/Pulumi.dev.yaml", 4),
        ("stacks/Pulumi.prod.yaml", 4),
    ]
