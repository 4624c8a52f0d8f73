from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.manifests import Manifest, routing
from caraml_pulumi.model.labels import KNATIVE_VISIBILITY
from tests.unit.model.builders import endpoint, objects, platform, version

ON = platform(routing={"backend": "KNATIVE"})
SPLIT = [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}]


def route(traffic: list[dict[str, Any]], **settings: Any) -> Manifest:
    (found,) = routing.endpoint_objects(endpoint(traffic, ON, **settings), ON)
    return found


def test_the_route_gives_each_version_its_percentage_and_an_address_of_its_own() -> None:
    assert route(SPLIT, protocol="UPI_V1") == {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Route",
        "metadata": {
            "name": "iris",
            "namespace": "iris-team",
            "labels": {
                "caraml.dev/app": "iris",
                "caraml.dev/component": "model-endpoint",
                "caraml.dev/environment": "dev",
                "caraml.dev/orchestrator": "caraml",
            },
            "annotations": {"pulumi.com/waitFor": "condition=Ready", "pulumi.com/timeoutSeconds": "600"},
        },
        "spec": {
            "traffic": [
                {"configurationName": "iris-1", "latestRevision": True, "percent": 90, "tag": "v1"},
                {"configurationName": "iris-2", "latestRevision": True, "percent": 10, "tag": "v2"},
            ]
        },
    }


def test_requests_enter_at_the_transformer_of_a_version_and_at_its_revision() -> None:
    found = route([{"version": 1, "weight": 100, "revision": 3, "transformer": True}])
    assert [share["configurationName"] for share in found["spec"]["traffic"]] == ["iris-1-r3-transformer"]


def test_knative_rewrites_no_paths_so_predictions_are_asked_for_at_the_versions_own() -> None:
    plan = endpoint([{"version": 2, "weight": 100}], ON)
    assert plan.url == "http://iris.iris-team.models.example.com/v1/models/iris-2:predict"
    with pytest.raises(CaramlError, match="cannot divide HTTP_JSON requests over two versions"):
        endpoint(SPLIT, ON)
    assert endpoint(SPLIT, ON, protocol="SELDON").url.endswith("/api/v1.0/predictions")


def test_a_version_has_no_route_but_knatives_own_which_is_public_where_requests_enter() -> None:
    plan = version(ON, transformer={"image": "registry.local/caraml/transformer:1"}, revision=2)
    assert plan.url == "http://iris-1-r2-transformer.iris-team.models.example.com/v1/models/iris-1:predict"
    found = {item["metadata"]["name"]: item for item in objects(plan, ON)}
    assert [name for name, item in found.items() if KNATIVE_VISIBILITY not in item["metadata"]["labels"]] == [
        "iris-1-r2-transformer"
    ]


def test_a_raw_deployment_is_refused_since_nothing_would_lead_to_it() -> None:
    with pytest.raises(CaramlError, match="backend KNATIVE cannot route to a RAW_DEPLOYMENT version") as caught:
        version(ON, deploymentMode="RAW_DEPLOYMENT")
    assert caught.value.where == "deploymentMode"
