from typing import Any

import pulumi
import pytest

from caraml_pulumi import CaramlError, CustomModelVersion, ModelEndpoint, ModelEndpointArgs
from tests.unit.components.programs import DEPLOYMENT, ENDPOINT, KNATIVE, ROUTE, iris, recorded

both = pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])


def version(number: int, model: str = "iris") -> CustomModelVersion:
    return CustomModelVersion(
        f"{model}-{number}", model=model, version=number, project="iris-team", image="ghcr.io/team/iris:1"
    )


@both
def test_an_endpoint_is_a_route_whose_address_is_known_at_preview(preview: bool) -> None:
    recording = recorded(iris, preview=preview)
    endpoint = recording.one(ENDPOINT)
    (route,) = recording.children_of(endpoint.urn)
    assert (route.type, route.inputs["metadata"]["name"]) == (ROUTE, "iris")
    assert endpoint.outputs == {"url": "http://iris.iris-team.models.example.com/v1/predict", "status": "serving"}


def test_an_endpoint_waits_until_its_versions_are_deployed() -> None:
    recording = recorded(iris)
    route = recording.one(ROUTE, "iris")
    versions = {recording.one(type_).urn for type_ in (KNATIVE, DEPLOYMENT)}
    assert versions | {recording.one(ROUTE, "iris-1").urn, recording.one(ROUTE, "iris-2").urn} <= route.dependencies


def test_components_and_numbers_make_the_same_route() -> None:
    given: ModelEndpointArgs = {
        "model": "iris",
        "project": "iris-team",
        "traffic": [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}],
        "team": "fraud",
        "stream": "risk",
    }
    by_number = recorded(lambda: ModelEndpoint("iris", given)).one(ROUTE)
    assert by_number.inputs == recorded(iris).one(ROUTE, "iris").inputs


def test_a_third_version_is_refused() -> None:
    with pytest.raises(CaramlError, match='3 versions of model "iris" would be deployed in environment "dev": 1, 2, 3'):
        recorded(lambda: ModelEndpoint("iris", traffic={version(1): 50, version(2): 25, version(3): 25}))


def test_weights_that_do_not_sum_to_100_are_refused() -> None:
    with pytest.raises(CaramlError, match="the weights sum to 90"):
        recorded(lambda: ModelEndpoint("iris", traffic={version(1): 80, version(2): 10}))


def test_versions_of_two_models_cannot_share_an_endpoint() -> None:
    with pytest.raises(CaramlError, match='between models "iris" in iris-team and "wine" in iris-team'):
        recorded(lambda: ModelEndpoint("iris", traffic={version(1): 80, version(1, "wine"): 20}))


@pytest.mark.parametrize("traffic", [{}, {1: 90, 2: 10}, {"1": 100}, [1, 2], None])
def test_traffic_that_is_neither_components_nor_numbers_with_weights_is_refused(traffic: Any) -> None:
    with pytest.raises(CaramlError, match="traffic"):
        recorded(lambda: ModelEndpoint("iris", traffic=traffic))


def test_a_weight_that_is_an_output_is_refused_since_policies_read_it() -> None:
    def program() -> None:
        weight: Any = pulumi.Output.from_input(100)
        ModelEndpoint("iris", traffic={version(1): weight})

    with pytest.raises(CaramlError, match="`weight` must be known at preview"):
        recorded(program)
