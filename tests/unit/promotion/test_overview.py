"""Which version of which model is in which environment."""

from typing import Any

from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.state.snapshot import Snapshot
from caraml_pulumi.promotion.overview import released_versions
from caraml_pulumi.releases.recorded import RELEASE_TYPE
from tests.unit.promotion.releases import Data, release, version

DIGEST = f"sha256:{'a' * 64}"
TREE = f"s3://models/iris/{'b' * 64}"


def state(stack: str, *releases: Data) -> tuple[str, Snapshot]:
    resources = [
        ResourceState(
            urn=f"urn:pulumi:{stack}::shop::{RELEASE_TYPE}::{one['model']}",
            type=RELEASE_TYPE,
            custom=False,
            inputs={**one, "environment": stack},
        )
        for one in releases
    ]
    return stack, Snapshot(resources=resources)


PROMOTED = release(
    version(2, image=f"registry.local/iris:2@{DIGEST}", storageUri=TREE),
    version(1, stopped=True),
    traffic={2: 100},
    promotedFrom={"environment": "dev", "time": "2026-11-22T10:00:00Z", "update": 12},
)


def test_versions_are_listed_with_their_digests_and_where_they_came_from() -> None:
    found = released_versions([state("staging", PROMOTED), state("dev", release(version(2)))])
    assert [(one.stack, one.version.version, one.weight) for one in found] == [
        ("dev", 2, None),
        ("staging", 1, None),
        ("staging", 2, 100),
    ]
    told: dict[str, Any] = found[2].props()
    assert (told["imageDigest"], told["artifactDigest"]) == (DIGEST, "b" * 64)
    assert told["promotedFrom"] == {"environment": "dev", "time": "2026-11-22T10:00:00Z", "update": 12}
    assert (found[0].image_digest, found[0].artifact_digest, found[0].promoted_from) == ("", "", None)


def test_one_model_is_named_with_or_without_its_project() -> None:
    states = [state("dev", release(version(1)), {**release(version(1)), "model": "shop"})]
    assert {one.model for one in released_versions(states)} == {"iris", "shop"}
    for name in ("iris", "iris-team/iris"):
        assert {one.model for one in released_versions(states, name)} == {"iris"}
    assert released_versions(states, "other/iris") == []
