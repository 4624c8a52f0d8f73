"""Ingresses as ingress-nginx reads them: its own checks of annotations, and which version a request reaches."""

import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.routing.ingress import PREFIX, clients_secret, endpoint_objects, version_objects
from caraml_pulumi.model.ingress_nginx import doubts
from caraml_pulumi.model.platform import PlatformSpec
from tests.unit.manifests.ingress_nginx import annotations
from tests.unit.model.builders import endpoint, platform, version

ON = platform(routing={"backend": "INGRESS"})
WITH_VERSIONS = platform(routing={"backend": "INGRESS"}, ingress={"versionAddresses": True})
RAW = {"deploymentMode": "RAW_DEPLOYMENT"}
SPLIT = [{"version": 1, "weight": 90, **RAW}, {"version": 2, "weight": 10, **RAW}]
FIRST = [{"version": 1, "weight": 100, **RAW}]
SECOND = [{"version": 2, "weight": 100, **RAW}]
SERVERLESS = [{"version": 1, "weight": 100}]
PRIVATE = {"type": "private", "clients": [{"name": "app", "token": "correct horse"}]}


def made(traffic: list[dict[str, Any]], on: PlatformSpec = ON, **settings: Any) -> dict[str, Manifest]:
    """The objects of an endpoint by name; every annotation passes ingress-nginx's own check."""
    plan = endpoint(traffic, on, **settings)
    secret = clients_secret(plan)
    objects = endpoint_objects(plan, on, "iris-clients" if secret else None)
    for found in objects:
        annotations(found)
    named = {found["metadata"]["name"]: found for found in objects}
    return {"iris-clients": secret, **named} if secret else named


def rule(found: Manifest) -> tuple[str, str, str]:
    """Host, path and Service."""
    (only,) = found["spec"]["rules"]
    (path,) = only["http"]["paths"]
    assert path["pathType"] == "ImplementationSpecific"
    return only["host"], path["path"], path["backend"]["service"]["name"]


def rewritten(found: Manifest, path: str) -> str | None:
    """The path that the version gets, as nginx rewrites it; nothing where the location does not fit."""
    _, location, _ = rule(found)
    fitting = re.match(location, path, re.IGNORECASE)
    target = annotations(found)["rewrite-target"]
    return re.sub(r"\$(\d)", lambda group: fitting.group(int(group[1])), target) if fitting else None


def test_the_ingresses_are_complete(snapshot: SnapshotAssertion) -> None:
    retries = {"attempts": 2, "perTryTimeoutSeconds": 3}
    cors = {"allowOrigins": ["https://a.example.com", "https://b.example.com"], "exposeHeaders": ["x-model"]}
    found = made(
        FIRST, access=PRIVATE, retries=retries, timeoutSeconds=9, cors=cors, maxRequestSize="10Mi", labels={"tier": "a"}
    )
    on = platform(
        routing={"backend": "INGRESS", "tls": {"secretName": "models-tls"}},
        ingress={"host": "m.example.com", "versionAddresses": True},
    )
    versions = [version(on, timeoutSeconds=600), version(on, version=2, protocol="UPI_V1", **RAW)]
    assert [
        *found.values(),
        *made(SPLIT, protocol="SELDON").values(),
        *[item for plan in versions for item in version_objects(plan, on)],
    ] == snapshot


def test_predictions_are_asked_for_under_primehubs_path_and_reach_the_versions_own() -> None:
    found = made(FIRST)["iris"]
    assert endpoint(FIRST, ON).url == "http://iris-team.models.example.com/deployment/iris/v1/predict"
    assert rule(found)[0] == "iris-team.models.example.com"
    assert rewritten(found, "/deployment/iris/v1/predict") == "/v1/models/iris-1:predict"
    for path in ("/deployment/iris/v1/predictions", "/deployment/iris/metrics", "/deployment/irises/v1/predict"):
        assert rewritten(found, path) is None


def test_a_seldon_endpoint_has_the_address_that_primehub_gives_it_and_passes_every_path_on() -> None:
    plan = endpoint(FIRST, ON, protocol="SELDON")
    assert plan.url == "http://iris-team.models.example.com/deployment/iris/api/v1.0/predictions"
    found = made(FIRST, protocol="SELDON")["iris"]
    assert rewritten(found, "/deployment/iris/api/v1.0/predictions") == "/api/v1.0/predictions"
    assert rewritten(found, "/deployment/iris/ping") == "/ping"


def test_two_projects_with_a_model_of_the_same_name_have_addresses_of_their_own() -> None:
    urls = {endpoint(FIRST, ON, project=project).url for project in ("iris-team", "fraud-team")}
    assert len(urls) == 2


def test_the_platform_may_have_one_host_for_all_and_annotations_that_cannot_undo_ours() -> None:
    given = {f"{PREFIX}/proxy-body-size": "20m", f"{PREFIX}/rewrite-target": "/elsewhere"}
    on = platform(
        routing={"backend": "INGRESS"}, ingress={"host": "m.example.com", "annotations": given, "className": "x"}
    )
    found = made(FIRST, on)["iris"]
    assert rule(found)[0] == "m.example.com"
    assert found["spec"]["ingressClassName"] == "x"
    assert annotations(found)["proxy-body-size"] == "20m"
    assert annotations(found)["rewrite-target"] == "/v1/models/iris-1:predict"


def test_a_second_version_is_a_canary_that_inherits_everything_from_the_main_one() -> None:
    found = made(SPLIT, protocol="SELDON")
    assert [rule(found[name])[1:] for name in ("iris", "iris-canary")] == [
        ("/deployment/iris/(.+)", "iris-1-predictor"),
        ("/deployment/iris/(.+)", "iris-2-predictor"),
    ]
    assert annotations(found["iris-canary"]) == {"canary": "true", "canary-weight": "10"}


def test_a_version_with_all_the_traffic_needs_no_canary() -> None:
    found = made([{"version": 1, "weight": 0, **RAW}, *SECOND], protocol="SELDON")
    assert list(found) == ["iris"]
    assert rule(found["iris"])[2] == "iris-2-predictor"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"exact": "gold"}, {"canary-by-header-value": "gold"}),
        ({"regex": "gold|silver"}, {"canary-by-header-pattern": "^(?:gold|silver)$"}),
    ],
)
def test_requests_with_a_header_go_to_the_canary_besides_its_weight(
    header: dict[str, str], expected: dict[str, str]
) -> None:
    match = {"headers": {"x-tier": header}, "traffic": SECOND}
    for traffic, weight in ((FIRST, "0"), (SPLIT, "10")):
        found = made(traffic, protocol="SELDON", matches=[match])
        assert rule(found["iris-canary"])[2] == "iris-2-predictor"
        assert annotations(found["iris-canary"]) == {
            "canary": "true",
            "canary-weight": weight,
            "canary-by-header": "x-tier",
            **expected,
        }


def test_a_header_for_the_version_that_has_most_of_the_traffic_makes_that_one_the_canary() -> None:
    found = made(SPLIT, protocol="SELDON", matches=[{"headers": {"x-tier": {"exact": "gold"}}, "traffic": FIRST}])
    assert [rule(found[name])[2] for name in ("iris", "iris-canary")] == ["iris-2-predictor", "iris-1-predictor"]
    assert annotations(found["iris-canary"])["canary-weight"] == "90"


def test_knative_finds_a_serverless_version_by_its_host_inside_the_cluster() -> None:
    found = made(SERVERLESS)["iris"]
    assert rule(found)[2] == "iris-1"
    assert annotations(found)["upstream-vhost"] == "iris-1.iris-team.svc.cluster.local"
    assert "upstream-vhost" not in annotations(made(FIRST)["iris"])


def test_grpc_has_a_host_of_its_own_and_no_rewrites() -> None:
    found = made(SPLIT, protocol="UPI_V1")
    assert rule(found["iris"]) == ("iris.iris-team.models.example.com", "/", "iris-1-predictor")
    assert annotations(found["iris"]) == {"backend-protocol": "GRPC"}


def test_a_private_endpoint_asks_for_a_client_and_keeps_hashes_alone() -> None:
    found = made(FIRST, access=PRIVATE)
    secret = found["iris-clients"]
    assert (secret["kind"], secret["type"], list(secret["stringData"])) == ("Secret", "Opaque", ["auth"])
    assert "name" not in secret["metadata"]
    assert secret["stringData"]["auth"].startswith("app:$apr1$")
    assert "correct horse" not in str(found)
    asked = {name: value for name, value in annotations(found["iris"]).items() if name.startswith("auth")}
    assert asked == {
        "auth-type": "basic",
        "auth-secret": "iris-clients",
        "auth-secret-type": "auth-file",
        "auth-realm": "Authentication Required",
    }


def test_a_private_endpoint_asks_for_clients_even_where_nobody_names_their_secret() -> None:
    (found,) = endpoint_objects(endpoint(FIRST, ON, access=PRIVATE), ON)
    assert found["metadata"]["annotations"][f"{PREFIX}/auth-type"] == "basic"


def test_a_public_endpoint_stays_public_after_a_private_one() -> None:
    made(FIRST, access=PRIVATE)
    public = made(FIRST)
    assert list(public) == ["iris"]
    assert not [name for name in annotations(public["iris"]) if name.startswith("auth")]


def test_nothing_is_written_into_nginxs_configuration_by_hand() -> None:
    found = made(FIRST, access=PRIVATE, cors={"allowOrigins": ["*"]})
    assert "snippet" not in str(found)


def test_tries_end_each_after_its_time_and_all_together_after_the_endpoints() -> None:
    limits: dict[str, Any] = {
        "timeoutSeconds": 9,
        "retries": {"attempts": 2, "perTryTimeoutSeconds": 3, "retryOn": ["503", "reset"]},
    }
    found = annotations(made(FIRST, **limits)["iris"])
    assert {name: value for name, value in found.items() if name.startswith("proxy")} == {
        "proxy-read-timeout": "3",
        "proxy-next-upstream": "http_503 error non_idempotent",
        "proxy-next-upstream-tries": "3",
        "proxy-next-upstream-timeout": "9",
    }
    assert annotations(made(FIRST, retries={"attempts": 0})["iris"])["proxy-next-upstream"] == "off"


def test_the_timeout_of_the_version_holds_where_the_endpoint_has_none() -> None:
    plan = endpoint(SERVERLESS, ON, versions=[version(ON, timeoutSeconds=600)])
    (found,) = endpoint_objects(plan, ON)
    assert annotations(found)["proxy-read-timeout"] == "600"


def test_the_size_of_requests_is_in_bytes_and_credentials_are_off_unless_they_are_allowed() -> None:
    found = annotations(made(FIRST, maxRequestSize="10Mi", cors={"allowOrigins": ["https://a.example.com"]})["iris"])
    assert found["proxy-body-size"] == "10485760"
    assert found["cors-allow-credentials"] == "false"


def test_tls_ends_with_the_platforms_certificate_or_the_controllers_own() -> None:
    for tls, expected in (({"secretName": "models-tls"}, {"secretName": "models-tls"}), ({}, {})):
        on = platform(routing={"backend": "INGRESS", "tls": tls})
        assert made(FIRST, on)["iris"]["spec"]["tls"] == [{"hosts": ["iris-team.models.example.com"], **expected}]
        assert endpoint(FIRST, on).url.startswith("https://")
    assert "tls" not in made(FIRST)["iris"]["spec"]


def test_every_path_below_a_versions_own_leads_to_it() -> None:
    plan = version(WITH_VERSIONS, **RAW)
    (found,) = version_objects(plan, WITH_VERSIONS)
    assert plan.url == "http://iris-team.models.example.com/deployment/iris-1/v1/models/iris-1:predict"
    assert rewritten(found, "/deployment/iris-1/v1/models/iris-1:predict") == "/v1/models/iris-1:predict"
    assert rewritten(found, "/deployment/iris-1/") is None


def test_a_version_is_reached_inside_the_cluster_alone_unless_the_platform_says_otherwise() -> None:
    assert version_objects(version(ON), ON) == []
    assert version(ON).url == "http://iris-1.iris-team.svc.cluster.local/v1/models/iris-1:predict"
    assert version(ON, **RAW).url == "http://iris-1-predictor.iris-team.svc.cluster.local/v1/models/iris-1:predict"
    assert version(ON, protocol="UPI_V1").url == "iris-1.iris-team.svc.cluster.local"


def test_a_private_endpoint_whose_versions_are_open_is_doubted() -> None:
    istio = platform()
    for on, open_ in ((ON, False), (WITH_VERSIONS, True), (istio, True)):
        found = doubts(endpoint(FIRST, on, access=PRIVATE, backend="INGRESS"), on)
        assert [("version iris-1 has an address of its own" in doubt) for doubt in found] == [True] * open_
        assert doubts(endpoint(FIRST, on, backend="INGRESS"), on) == []


def refusal(traffic: list[dict[str, Any]], **settings: Any) -> CaramlError:
    with pytest.raises(CaramlError) as caught:
        endpoint(traffic, ON, protocol="SELDON", **settings)
    return caught.value


def test_what_a_canary_cannot_say_is_refused_by_name() -> None:
    gold = {"headers": {"x-tier": {"exact": "gold"}}, "traffic": SECOND}
    assert refusal(FIRST, matches=[gold, gold]).where == "matches[1]"
    two_headers = {"headers": {"x-tier": {"exact": "gold"}, "x-region": {"exact": "eu"}}, "traffic": SECOND}
    assert "one header, not 2" in refusal(FIRST, matches=[two_headers]).what
    assert refusal(FIRST, matches=[{**gold, "traffic": SPLIT}]).where == "matches[0].traffic"
    odd = {"headers": {"x-tier": {"exact": "gold, silver"}}, "traffic": SECOND}
    assert refusal(FIRST, matches=[odd]).what == 'ingress-nginx does not take "gold, silver" in an annotation'


def test_a_condition_that_nginx_does_not_know_is_refused() -> None:
    refused = refusal(FIRST, retries={"attempts": 1, "retryOn": ["503", "retriable-4xx"]})
    assert refused.what == 'nginx cannot try again on "retriable-4xx"'
    assert refused.where == "retries.retryOn[1]"
