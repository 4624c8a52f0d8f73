from typing import Any

import pulumi
import pytest

from caraml_pulumi import (
    CaramlError,
    CustomModelVersion,
    DeploymentMode,
    ModelEndpoint,
    ModelEndpointArgs,
    ModelProject,
    RoutingBackend,
)
from caraml_pulumi.engine.values import Secret
from caraml_pulumi.testing import unknown
from tests.unit.components.programs import DEPLOYMENT, ENDPOINT, KNATIVE, ROUTE, iris, recorded

both = pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])

READY: dict[str, Any] = {
    "iris-team/iris-1": {
        "metadata": {"generation": 2},
        "status": {"observedGeneration": 2, "conditions": [{"type": "Ready", "status": "True"}]},
    },
    "iris-team/iris-2": {"metadata": {"generation": 1}, "status": {"availableReplicas": 1}},
}


def version(number: int, model: str = "iris") -> CustomModelVersion:
    return CustomModelVersion(
        f"{model}-{number}", model=model, version=number, project="iris-team", image="ghcr.io/team/iris:1"
    )


@both
def test_an_endpoint_is_a_route_whose_address_is_known_at_preview(preview: bool) -> None:
    recording = recorded(iris, preview=preview)
    endpoint = recording.one(ENDPOINT)
    (route,) = [item for item in recording.children_of(endpoint.urn) if item.custom]
    assert (route.type, route.inputs["metadata"]["name"]) == (ROUTE, "iris")
    assert endpoint.outputs == {
        "model": "iris",
        "project": "iris-team",
        "environment": "dev",
        "protocol": "HTTP_JSON",
        "traffic": [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}],
        "url": "http://iris.iris-team.models.example.com/v1/predict",
        "status": "serving",
        "monitoringUrl": "",
    }


def test_an_endpoint_waits_until_its_versions_are_deployed() -> None:
    recording = recorded(iris)
    route = recording.one(ROUTE, "iris")
    versions = {recording.one(type_).urn for type_ in (KNATIVE, DEPLOYMENT)}
    assert versions | {recording.one(ROUTE, "iris-1").urn, recording.one(ROUTE, "iris-2").urn} <= route.dependencies


def test_components_and_numbers_make_the_same_route() -> None:
    given: ModelEndpointArgs = {
        "model": "iris",
        "project": "iris-team",
        "traffic": [
            {"version": 1, "weight": 90},
            {"version": 2, "weight": 10, "deployment_mode": DeploymentMode.RAW_DEPLOYMENT},
        ],
        "team": "fraud",
        "stream": "risk",
    }
    by_number = recorded(lambda: ModelEndpoint("iris", given), live=READY).one(ROUTE)
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


def elsewhere(*weights: int, **settings: Any) -> ModelEndpointArgs:
    traffic = [{"version": number, "weight": weight} for number, weight in enumerate(weights, 1)]
    return {"model": "iris", "project": "iris-team", "traffic": traffic, **settings}  # type: ignore[typeddict-item]


@both
def test_a_version_of_another_program_that_is_not_ready_gets_no_weight(preview: bool) -> None:
    status = {"observedGeneration": 2, "conditions": [{"type": "Ready", "status": "False", "message": "no image"}]}
    live = {"iris-team/iris-1": {"metadata": {"generation": 2}, "status": status}}
    with pytest.raises(CaramlError, match="version iris-1 is not ready: no image"):
        recorded(lambda: ModelEndpoint("iris", elsewhere(100)), live=live, preview=preview)


def test_a_version_that_is_ready_for_what_it_was_before_alone_gets_no_weight() -> None:
    live = {"iris-team/iris-1": {**READY["iris-team/iris-1"], "metadata": {"generation": 3}}}
    with pytest.raises(CaramlError, match="version iris-1 is not ready"):
        recorded(lambda: ModelEndpoint("iris", elsewhere(100)), live=live)


def test_a_version_of_another_program_without_weight_need_not_be_there() -> None:
    live = {"iris-team/iris-1": READY["iris-team/iris-1"]}
    route = recorded(lambda: ModelEndpoint("iris", elsewhere(100, 0)), live=live).one(ROUTE)
    assert [share["weight"] for share in route.inputs["spec"]["http"][0]["route"]] == [100, 0]


def test_versions_that_the_endpoint_waits_for_are_looked_at_when_they_are_deployed() -> None:
    def program() -> None:
        ModelEndpoint("iris", elsewhere(100), pulumi.ResourceOptions(depends_on=[version(1)]))

    recorded(program, preview=True)
    waiting = recorded(program, live=READY)
    assert waiting.one(KNATIVE).urn in waiting.one(ROUTE, "iris").dependencies


def test_matches_and_mirrors_take_components_for_versions() -> None:
    def program() -> None:
        first, second = version(1), version(2)
        headers = {"x-canary": {"exact": "yes"}}
        ModelEndpoint("iris", traffic={first: 100}, matches=[{"headers": headers, "traffic": {second: 100}}])

    endpoint = recorded(program).one(ENDPOINT)
    assert endpoint.inputs["matches"] == [
        {"headers": {"x-canary": {"exact": "yes"}}, "traffic": [{"version": 2, "weight": 100}]}
    ]

    def mirrored() -> None:
        first, second = version(1), version(2)
        ModelEndpoint("iris", traffic={first: 100}, mirror={"version": second, "percentage": 5})

    recording = recorded(mirrored)
    assert recording.one(ENDPOINT).inputs["mirror"] == {"version": 2, "percentage": 5}
    assert {(item.name, item.type) for item in recording.children_of(recording.one(ENDPOINT).urn)} == {
        ("iris", ROUTE),
        ("iris-mirror", ROUTE),
        ("iris", "caraml:index:ModelMonitoring"),
    }


def test_a_mirror_to_a_version_that_answers_is_refused() -> None:
    with pytest.raises(CaramlError, match="version 1 answers requests already"):
        recorded(lambda: ModelEndpoint("iris", elsewhere(100, mirror={"version": 1})))


@pytest.mark.parametrize(
    ("backend", "settings", "refused"),
    [
        ("ISTIO", {"max_request_size": "1Mi"}, "backend ISTIO cannot limit the size of requests"),
        (
            "ISTIO",
            {"access": {"type": "private", "clients": [{"name": "app", "token": "s3cret-token"}]}},
            "backend ISTIO cannot ask clients for their tokens",
        ),
        ("GATEWAY_API", {"retries": {"attempts": 2}}, "backend GATEWAY_API cannot try failed requests again"),
        ("KNATIVE", {"timeout_seconds": 5}, "backend KNATIVE cannot end requests that take too long"),
        ("INGRESS", {"mirror": {"version": 2}}, "backend INGRESS cannot mirror HTTP_JSON requests"),
    ],
)
def test_what_a_backend_cannot_do_is_refused_by_name(backend: str, settings: dict[str, Any], refused: str) -> None:
    with pytest.raises(CaramlError, match=refused) as caught:
        recorded(lambda: ModelEndpoint("iris", elsewhere(100, backend=backend, **settings)))
    assert "s3cret-token" not in str(caught.value)


@pytest.mark.parametrize("kept", [False, True], ids=["given", "kept by the project"])
@pytest.mark.parametrize("secret", [False, True], ids=["plain", "an Output"])
def test_a_token_that_is_guessed_soon_is_refused_and_not_shown(kept: bool, secret: bool) -> None:
    def private() -> None:
        token: Any = pulumi.Output.secret("s3cret") if secret else "s3cret"
        project = ModelProject("iris-team", team="a", stream="b", secrets={"clients": {"app": token}})
        client: Any = {"name": "app"} | ({"token_ref": {"name": "clients", "key": "app"}} if kept else {"token": token})
        only = CustomModelVersion(
            "iris-1",
            model="iris",
            version=1,
            project=project,
            image="ghcr.io/team/iris:1",
            deployment_mode=DeploymentMode.RAW_DEPLOYMENT,
        )
        access: Any = {"type": "private", "clients": [client]}
        ModelEndpoint("iris", traffic={only: 100}, backend=RoutingBackend.INGRESS, access=access)

    with pytest.raises(CaramlError, match='the token of client "app" has 6 characters') as caught:
        recorded(private)
    assert "access.clients" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_monitoring_is_on_by_default_and_off_by_one_switch() -> None:
    def watched(**settings: Any) -> int:
        recording = recorded(lambda: ModelEndpoint("iris", traffic={version(1): 100}, **settings))
        return len(recording.of_type("caraml:index:ModelMonitoring"))

    assert watched() == 1
    assert watched(monitoring=False) == 0
    assert watched(monitoring={"enabled": False}) == 0


def private(token: Any, **settings: Any) -> None:
    access: Any = {"type": "private", "clients": [{"name": "app", "token": token}]}
    ModelEndpoint("iris", traffic={version(1): 100}, backend=RoutingBackend.INGRESS, access=access, **settings)


def test_a_token_that_is_not_known_yet_is_previewed_and_kept_secret() -> None:
    recording = recorded(lambda: private(unknown()), preview=True)
    (secret,) = recording.of_type("kubernetes:core/v1:Secret")
    assert "name" not in secret.inputs["metadata"]
    assert recording.one("kubernetes:networking.k8s.io/v1:Ingress", "iris")
    known = recorded(lambda: private(pulumi.Output.secret("correct horse")))
    (secret,) = known.of_type("kubernetes:core/v1:Secret")
    assert isinstance(secret.inputs["stringData"]["auth"], Secret)
    assert "correct horse" not in str(known.registrations)


def test_a_token_that_is_too_short_is_refused_when_it_is_known() -> None:
    with pytest.raises(CaramlError, match="token") as caught:
        recorded(lambda: private(pulumi.Output.secret("hunter2")))
    assert "hunter2" not in str(caught.value)
