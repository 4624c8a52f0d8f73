"""Whichever names models have, the expressions of one version match nothing of another."""

import re
from collections.abc import Iterator

from hypothesis import assume, example, given
from hypothesis import strategies as st

from caraml_pulumi.model.labels import PREDICTOR, TRANSFORMER
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.names import MODEL_NAME_LENGTH, object_name, raw_service_name
from caraml_pulumi.model.watched import WatchedVersion, pod_names, revision_names, service_names

SAFE = "bcdfghjklmnpqrstvwxz2456789"
PARTS = [
    "iris",
    "1",
    "2",
    "11",
    "00001",
    "10001",
    "r2",
    "big",
    "deployment",
    "predictor",
    "transformer",
    "service",
    "x",
]


def named(model: str, version: int, revision: int | None, mode: DeploymentMode, transformer: bool) -> WatchedVersion:
    return WatchedVersion(
        model, version, "iris-team", Protocol.HTTP_JSON, mode, object_name(f"{model}-{version}", revision), transformer
    )


def iris(version: int = 1, mode: DeploymentMode = DeploymentMode.SERVERLESS, model: str = "iris") -> WatchedVersion:
    return named(model, version, None, mode, False)


models = (
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=5)
    .map(lambda parts: "-".join(["iris", *parts]))
    .filter(lambda name: len(name) in MODEL_NAME_LENGTH)
)
versions = st.builds(
    named,
    models | st.just("iris"),
    st.sampled_from([1, 2, 11, 10001, 12345]),
    st.none() | st.sampled_from([1, 2, 12]),
    st.sampled_from(DeploymentMode),
    st.booleans(),
)
hashes = st.text(SAFE, min_size=1, max_size=10)
endings = st.text(SAFE, min_size=5, max_size=5)
generations = st.integers(1, 99999)


def pods_of(version: WatchedVersion, generation: int, hash_: str, ending: str) -> Iterator[str]:
    """The names of its pods, as Knative and Kubernetes make them: a long prefix is cut before the random ending."""
    for component in version.components:
        name = version.workload(component)
        if version.mode is DeploymentMode.SERVERLESS:
            name = f"{name}-{generation:05d}-deployment"
        yield f"{name}-{hash_}-"[:58] + ending


def pods_pattern(version: WatchedVersion) -> str:
    return "|".join(pod_names(version, component) for component in version.components)


def service_of(version: WatchedVersion, generation: int) -> str:
    name = version.workload(version.entry)
    return f"{name}-{generation:05d}" if version.mode is DeploymentMode.SERVERLESS else raw_service_name(name)


@given(version=versions, generation=generations, hash_=hashes, ending=endings)
def test_a_version_is_found_by_its_names(version: WatchedVersion, generation: int, hash_: str, ending: str) -> None:
    assert re.fullmatch(service_names(version), service_of(version, generation))
    pods = pods_pattern(version)
    for pod in pods_of(version, generation, hash_, ending):
        assert len(pod) <= 63
        assert re.fullmatch(pods, pod), (pods, pod)


@given(mine=versions, other=versions, generation=generations, hash_=hashes, ending=endings)
@example(iris(1), iris(11), 1, "bcd", "bcdfg")
@example(iris(1), iris(1, model="iris-1"), 1, "bcd", "bcdfg")
@example(iris(1), iris(10001, model="iris-1"), 1, "bcd", "bcdfg")
@example(iris(1), iris(1, model="iris-big"), 1, "bcd", "bcdfg")
@example(iris(1), iris(1, model="big-iris"), 1, "bcd", "bcdfg")
@example(iris(1), iris(1, DeploymentMode.RAW_DEPLOYMENT, "iris-1-00001-deployment"), 1, "bcd", "bcdfg")
def test_no_version_is_taken_for_another(
    mine: WatchedVersion, other: WatchedVersion, generation: int, hash_: str, ending: str
) -> None:
    assume(mine.object_name != other.object_name)
    assert not re.fullmatch(service_names(mine), service_of(other, generation))
    if other.mode is DeploymentMode.SERVERLESS:
        assert not re.fullmatch(revision_names(mine), service_of(other, generation))
    pods = pods_pattern(mine)
    for pod in pods_of(other, generation, hash_, ending):
        assert not re.fullmatch(pods, pod), (pods, pod)


def test_requests_enter_through_the_transformer() -> None:
    serverless = named("iris", 1, 2, DeploymentMode.SERVERLESS, True)
    raw = named("iris", 1, 2, DeploymentMode.RAW_DEPLOYMENT, True)
    assert serverless.components == (PREDICTOR, TRANSFORMER)
    assert service_names(serverless) == "iris-1-r2-transformer-[0-9]{5}"
    assert service_names(raw) == "iris-1-r2-transformer-service"
