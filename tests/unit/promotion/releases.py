"""Releases to promote: each test says only what it is about."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.model.spec import parse

Data = dict[str, Any]


def version(number: int, **settings: Any) -> Data:
    return {"version": number, "image": f"registry.local/iris:{number}", **settings}


def release(*versions: Data, traffic: Mapping[int, int] | None = None, **more: Any) -> Data:
    """A release of iris; `traffic` are the weights of its endpoint."""
    endpoint = more.pop("endpoint", {})
    if traffic is not None:
        endpoint = {
            "traffic": [{"version": number, "weight": weight} for number, weight in traffic.items()],
            **endpoint,
        }
    return {
        "model": "iris",
        "project": "iris-team",
        "versions": [*versions],
        **({"endpoint": endpoint} if endpoint else {}),
        **more,
    }


def spec(data: Mapping[str, Any]) -> ReleaseSpec:
    return parse(ReleaseSpec, data)


ENVIRONMENTS_OWN = st.fixed_dictionaries(
    {},
    optional={
        "resourceRequest": st.fixed_dictionaries(
            {},
            optional={
                "minReplica": st.integers(1, 3),
                "maxReplica": st.integers(3, 5),
                "cpuRequest": st.sampled_from(["100m", "1", "2"]),
                "memoryRequest": st.sampled_from(["128Mi", "1Gi"]),
            },
        ).filter(bool),
        "instanceType": st.sampled_from(["small", "large"]),
        "nodeSelector": st.just({"pool": "models"}),
        "serviceAccountName": st.sampled_from(["models", "others"]),
        "env": st.dictionaries(st.sampled_from("ABCD"), st.sampled_from(["1", "2"]), min_size=1),
        "labels": st.dictionaries(st.sampled_from(["tier", "owner"]), st.sampled_from(["a", "b"]), min_size=1),
    },
)
TESTED = st.fixed_dictionaries(
    {"image": st.sampled_from(["registry.local/iris:1", f"registry.local/iris@sha256:{'a' * 64}"])},
    optional={
        "storageUri": st.just(f"s3://models/iris/{'b' * 64}"),
        "deploymentMode": st.sampled_from(["SERVERLESS", "RAW_DEPLOYMENT"]),
        "timeoutSeconds": st.integers(1, 60),
        "args": st.just(["--fast"]),
    },
)


@st.composite
def releases(draw: st.DrawFn, numbers: tuple[int, ...] = (1, 2, 3)) -> Data:
    """A release of one or two versions, all of which get requests if it has an endpoint."""
    chosen = sorted(draw(st.sets(st.sampled_from(numbers), min_size=1, max_size=2)))
    versions = [{"version": number, **draw(TESTED), **draw(ENVIRONMENTS_OWN)} for number in chosen]
    weights = {1: [100], 2: [40, 60]}[len(chosen)]
    traffic = dict(zip(chosen, weights, strict=True)) if draw(st.booleans()) else None
    return release(*versions, traffic=traffic)
