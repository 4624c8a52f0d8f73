import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.images import (
    Image,
    image_doubts,
    image_from_allowed_registry,
    image_location,
    image_pinned_by_digest,
    image_reference,
    image_tag_not_moving,
    image_that_knative_parses,
    parse_image,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("reference", "image"),
    [
        ("iris", Image("", "iris")),
        ("team/iris:1.4", Image("", "team/iris", "1.4")),
        ("ghcr.io/team/iris", Image("ghcr.io", "team/iris")),
        ("localhost/iris:x", Image("localhost", "iris", "x")),
        ("localhost:5000/iris", Image("localhost:5000", "iris")),
        ("registry:5000/a/b_c__d.e--f:T-1_2.3", Image("registry:5000", "a/b_c__d.e--f", "T-1_2.3")),
        (f"ghcr.io/team/iris@{DIGEST}", Image("ghcr.io", "team/iris", "", DIGEST)),
        (f"ghcr.io/team/iris:1@{DIGEST}", Image("ghcr.io", "team/iris", "1", DIGEST)),
        ("[2001:db8::1]:5000/iris:1", Image("[2001:db8::1]:5000", "iris", "1")),
        ("Registry/iris", Image("Registry", "iris")),
    ],
)
def test_a_reference_is_parsed_into_its_parts(reference: str, image: Image) -> None:
    assert parse_image(reference) == image


@pytest.mark.parametrize(
    ("reference", "part"),
    [
        ("team/Iris", "repository"),
        ("team//iris", "repository"),
        ("team/iris ", "repository"),
        ("/iris", "repository"),
        ("team/iris:", "tag"),
        ("team/iris:-1", "tag"),
        ("team/iris:" + "a" * 129, "tag"),
        ("team/iris@sha256:12", "digest"),
        ("team/iris@", "digest"),
        (f"team/iris@md5:{'0' * 32}", "digest"),
        ("-ghcr.io/team/iris", "registry"),
        ("https://ghcr.io/team/iris", "registry"),
        ("a" * 256, "name of 256 characters"),
    ],
)
def test_a_malformed_reference_is_refused_naming_the_part(reference: str, part: str) -> None:
    with pytest.raises(CaramlError, match=f"malformed {part}"):
        image_reference(reference)


def test_an_empty_reference_is_refused() -> None:
    with pytest.raises(CaramlError, match="the image is empty"):
        image_reference("")


def test_a_repository_that_knative_cannot_parse_is_refused() -> None:
    assert image_that_knative_parses("registry.local/xy:1") == "registry.local/xy:1"
    assert image_that_knative_parses("x:1") == "x:1"
    with pytest.raises(CaramlError, match='its repository "x" is too short'):
        image_that_knative_parses("registry.local/x:1")


@given(
    st.sampled_from(["", "ghcr.io", "localhost:5000"]),
    st.from_regex(r"[a-z0-9]+([_-][a-z0-9]+){0,2}(/[a-z0-9]+([._-][a-z0-9]+)?){0,2}", fullmatch=True).filter(
        lambda name: len(name) < 99
    ),
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True) | st.just(""),
    st.sampled_from(["", DIGEST]),
)
def test_a_reference_put_together_from_parts_parses_into_them(
    registry: str, repository: str, tag: str, digest: str
) -> None:
    reference = (registry and f"{registry}/") + repository + (tag and f":{tag}") + (digest and f"@{digest}")
    image = parse_image(reference)
    joined = f"{image.registry}/{image.repository}".removeprefix("/")
    assert joined == f"{registry}/{repository}".removeprefix("/")
    assert (image.tag, image.digest) == (tag, digest)


@pytest.mark.parametrize(
    ("reference", "doubts"),
    [
        ("ghcr.io/team/iris:1", []),
        (f"ghcr.io/team/iris@sha256:{'a' * 64}", []),
        (f"ghcr.io/team/iris:latest@sha256:{'a' * 64}", []),
        ("ghcr.io/team/iris", ['no tag, which means "latest"']),
        ("ghcr.io/team/iris:latest", ['the tag "latest"']),
        ("team/iris:1", ["names no registry"]),
        ("iris", ["no tag", "names no registry"]),
    ],
)
def test_an_image_that_may_surprise_is_doubted(reference: str, doubts: list[str]) -> None:
    found = image_doubts(reference)
    assert len(found) == len(doubts)
    assert all(doubt in text for doubt, text in zip(doubts, found, strict=True))


@pytest.mark.parametrize(
    ("reference", "location"),
    [
        ("iris", "docker.io/library/iris"),
        ("team/iris:1", "docker.io/team/iris"),
        ("index.docker.io/team/iris", "docker.io/team/iris"),
        ("registry-1.docker.io/team/iris", "docker.io/team/iris"),
        (f"GHCR.io/team/iris:1@{DIGEST}", "ghcr.io/team/iris"),
        ("localhost:5000/iris", "localhost:5000/iris"),
    ],
)
def test_an_image_is_located_where_it_is_pulled_from(reference: str, location: str) -> None:
    assert image_location(reference) == location


def test_an_image_is_from_an_allowed_registry_or_below_its_path() -> None:
    image_from_allowed_registry("ghcr.io/team/a/iris:1", ["docker.io", "ghcr.io/team"])
    image_from_allowed_registry("anything.example.com/iris", [])
    with pytest.raises(CaramlError, match=r"is from ghcr\.io, which is not an allowed registry") as caught:
        image_from_allowed_registry("ghcr.io/teams/iris:1", ["docker.io", "ghcr.io/team/"])
    assert caught.value.allowed == "docker.io, ghcr.io/team"


def test_an_image_is_pinned_by_its_digest_alone() -> None:
    image_pinned_by_digest(f"iris:1@{DIGEST}")
    with pytest.raises(CaramlError, match="is not pinned by digest"):
        image_pinned_by_digest("ghcr.io/team/iris:1")


@pytest.mark.parametrize(
    ("reference", "moving", "said"),
    [
        ("iris", ["latest"], 'no tag, which means "latest"'),
        ("iris:latest", ["latest"], 'the tag "latest"'),
        ("iris:main", ["latest", "main"], 'the tag "main"'),
    ],
)
def test_a_tag_that_moves_is_refused(reference: str, moving: list[str], said: str) -> None:
    with pytest.raises(CaramlError, match=said):
        image_tag_not_moving(reference, moving)
    image_tag_not_moving(f"{reference}@{DIGEST}", moving)
    image_tag_not_moving("iris:1.4", moving)
