"""Which versions get requests, read from the routes that the components make: as if nobody had made these."""

from typing import Any

import pytest

from caraml_pulumi import CustomModelVersion, DeploymentMode, ModelEndpoint, Protocol
from caraml_pulumi.testing import record
from policies.reading import DeployedVersion
from policies.resource import Resource
from policies.versions import deployed_versions, serving_versions

RAW, SERVERLESS = DeploymentMode.RAW_DEPLOYMENT, DeploymentMode.SERVERLESS
GATEWAY_API = {"gateway": "gateways/models", "service": "gateways/models", "localGateway": "gateways/local"}


def objects(
    backend: str, mode: DeploymentMode, *weights: int, components: bool = False, **settings: Any
) -> list[Resource]:
    """The Kubernetes objects of an endpoint and its versions, without the components unless asked for."""

    def program() -> None:
        versions = [
            CustomModelVersion(
                f"iris-{number}",
                model="iris",
                version=number,
                project="iris-team",
                image="ghcr.io/team/iris:1",
                deployment_mode=mode,
                protocol=Protocol.SELDON if backend == "KNATIVE" else Protocol.HTTP_JSON,
            )
            for number in range(1, len(weights) + 1)
        ]
        ModelEndpoint("iris", traffic=dict(zip(versions, weights, strict=True)), **settings)

    platform = {"domain": "example.com", "routing": {"backend": backend}, "gatewayApi": GATEWAY_API}
    recording = record(program, config={"caraml:platform": platform})
    return [
        Resource(item.type, item.name, item.urn, item.parent if components else "", item.inputs)
        for item in recording.registrations
        if components or item.type.startswith("kubernetes:")
    ]


@pytest.mark.parametrize(
    ("backend", "mode"),
    [
        ("ISTIO", RAW),
        ("ISTIO", SERVERLESS),
        ("GATEWAY_API", RAW),
        ("GATEWAY_API", SERVERLESS),
        ("KNATIVE", SERVERLESS),
    ],
)
@pytest.mark.parametrize("weights", [(90, 10), (0, 100), (100, 0)])
def test_the_versions_with_weight_get_requests(backend: str, mode: DeploymentMode, weights: tuple[int, int]) -> None:
    resources = objects(backend, mode, *weights)
    expected = {number for number, weight in enumerate(weights, start=1) if weight}
    assert {one.version for one in serving_versions(resources, "caraml.dev/")} == expected
    assert {one.version for one in deployed_versions(resources, "caraml.dev/")} == {1, 2}


@pytest.mark.parametrize("mode", [RAW, SERVERLESS])
def test_the_version_of_an_ingress_gets_requests(mode: DeploymentMode) -> None:
    found = serving_versions(objects("INGRESS", mode, 100), "caraml.dev/")
    assert found == {DeployedVersion("dev", "iris-team", "iris", 1)}


def test_a_version_that_gets_copies_alone_gets_no_requests() -> None:
    resources = objects("ISTIO", RAW, 100, 0, mirror={"version": 2}, components=True)
    found = serving_versions(resources, "caraml.dev/")
    assert {one.version for one in found} == {1}


def test_objects_under_another_prefix_are_of_no_version() -> None:
    resources = objects("ISTIO", RAW, 100)
    assert serving_versions(resources, "example.org/") == set()
    assert not deployed_versions(resources, "example.org/")
