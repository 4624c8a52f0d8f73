"""The digests that replicas run."""

from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.observed.digests import replica_digests, revision_digests, template_image
from caraml_pulumi.promotion.digests import pinned_image

DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"
NAME = "version 1 of team/iris"


def pod(*images: str, ending: bool = False, container: str = "model") -> dict[str, Any]:
    metadata = {"deletionTimestamp": "2026-11-22T10:00:00Z"} if ending else {}
    return {
        "metadata": metadata,
        "status": {"containerStatuses": [{"name": container, "imageID": image} for image in images]},
    }


def test_a_tag_is_pinned_to_the_digest_that_all_replicas_run() -> None:
    assert pinned_image("ghcr.io/team/iris:2", "ghcr.io/team/iris:2", {DIGEST}, NAME) == f"ghcr.io/team/iris:2@{DIGEST}"
    assert pinned_image("ghcr.io/team/iris", "", {DIGEST}, NAME) == f"ghcr.io/team/iris@{DIGEST}"


def test_an_image_with_a_digest_stays_as_it_is_whether_or_not_replicas_tell_theirs() -> None:
    image = f"ghcr.io/team/iris@{DIGEST}"
    assert pinned_image(image, image, set(), NAME) == image
    assert pinned_image(image, image, {DIGEST}, NAME) == image


@pytest.mark.parametrize(
    ("image", "live", "running", "reason"),
    [
        ("iris:2", "iris:2", set(), "nothing tells which digest"),
        ("iris:2", "iris:2", {DIGEST, OTHER}, f"is stale, its replicas run {DIGEST} and {OTHER}"),
        (f"iris@{DIGEST}", f"iris@{DIGEST}", {OTHER}, f"is stale, its replicas run {OTHER}"),
        ("iris:2", "iris:3", {DIGEST}, 'runs image "iris:3", and the stack has recorded "iris:2"'),
    ],
)
def test_a_digest_that_is_stale_or_not_known_is_refused(image: str, live: str, running: set[str], reason: str) -> None:
    with pytest.raises(CaramlError, match=reason) as error:
        pinned_image(image, live, running, NAME)
    assert NAME in error.value.what
    assert error.value.fix


def test_replicas_that_end_other_containers_and_the_ids_of_runtimes_tell_no_digest() -> None:
    pods = [
        pod(f"ghcr.io/team/iris@{DIGEST}"),
        pod(f"ghcr.io/team/iris@{OTHER}", ending=True),
        pod(f"ghcr.io/team/proxy@{OTHER}", container="queue-proxy"),
        pod(OTHER),
        pod(""),
        {},
    ]
    assert replica_digests(pods, "model") == {DIGEST}


def test_knative_tells_the_digest_that_it_resolved_or_none() -> None:
    def revision(image: str) -> dict[str, Any]:
        return {"status": {"containerStatuses": [{"name": "model", "imageDigest": image}]}}

    assert revision_digests(revision(f"ghcr.io/team/iris@{DIGEST}"), "model") == {DIGEST}
    assert revision_digests(revision("ghcr.io/team/iris:2"), "model") == set()
    assert revision_digests({}, "model") == set()


def test_the_image_of_a_template_is_that_of_the_model() -> None:
    containers = [{"name": "other", "image": "a"}, {"name": "model", "image": "b"}]
    assert template_image({"spec": {"template": {"spec": {"containers": containers}}}}, "model") == "b"
    assert template_image(None, "model") == ""
