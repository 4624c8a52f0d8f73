"""Whatever an endpoint may ask of a backend is admitted by the API server, and passes ingress-nginx's own checks."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.manifests import routing
from caraml_pulumi.model.backends import LACKS, Feature
from caraml_pulumi.model.routing import HTTP_METHODS, RETRY_CONDITIONS, RoutingBackend
from tests.e2e.admission import admit
from tests.e2e.any_spec import Args, labels, models
from tests.e2e.conftest import LocalCluster
from tests.unit.manifests.ingress_nginx import annotations
from tests.unit.model.builders import endpoint, platform

pytestmark = pytest.mark.e2e
RAW: Args = {"deploymentMode": "RAW_DEPLOYMENT"}
headers = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
paths = st.one_of(
    st.from_regex(r"/[a-z0-9/._~-]{0,12}", fullmatch=True),
    st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["Z", "C"]), max_size=9).map(
        lambda text: f"/{text}"
    ),
)
seconds = st.one_of(st.integers(1, 600), st.sampled_from([3600, 86400]))
origins = st.one_of(
    st.sampled_from(["https://app.example.com", "http://localhost:8080"]),
    st.from_regex(r"https?://[a-zA-Z0-9-]{1,9}(\.[a-z0-9-]{1,9})?(:[0-9]{1,5})?", fullmatch=True),
)
cors = st.fixed_dictionaries(
    {"allowOrigins": st.one_of(st.just(["*"]), st.lists(origins, min_size=1, max_size=3, unique=True))},
    optional={
        "allowMethods": st.lists(st.sampled_from(HTTP_METHODS), min_size=1, unique=True),
        "allowHeaders": st.lists(headers, max_size=3, unique_by=str.lower),
        "exposeHeaders": st.lists(headers, max_size=3, unique_by=str.lower),
        "allowCredentials": st.booleans(),
        "maxAgeSeconds": st.integers(1, 10_000_000),
    },
)
retries = st.fixed_dictionaries(
    {"attempts": st.integers(0, 10)},
    optional={
        "perTryTimeoutSeconds": seconds,
        "retryOn": st.lists(st.sampled_from([*RETRY_CONDITIONS, "429", "503"]), min_size=1, max_size=4, unique=True),
    },
)
clients = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.from_regex(r"[A-Za-z0-9][-A-Za-z0-9_.@]{0,20}", fullmatch=True),
            "token": st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=8, max_size=20),
        }
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda client: client["name"],
)


def traffic(mode: Args) -> SearchStrategy[list[Args]]:
    return st.one_of(
        st.just([{"version": 1, "weight": 100, **mode}]),
        st.integers(0, 100).map(
            lambda weight: [{"version": 1, "weight": weight, **mode}, {"version": 2, "weight": 100 - weight, **mode}]
        ),
    )


def matches(mode: Args, *, prefixes: bool, with_paths: bool) -> SearchStrategy[list[Args]]:
    ways = [
        printable.map(lambda text: {"exact": text}),
        st.sampled_from(["gold|silver", "eu-.*", r"v\d+", "(a|b)?c{1,2}", "[^x]+"]).map(lambda text: {"regex": text}),
        *([printable.map(lambda text: {"prefix": text})] if prefixes else []),
    ]
    kinds = st.sampled_from(["exact", "prefix"])
    path = st.one_of(st.none(), st.builds(lambda kind, text: {kind: text}, kinds, paths) if with_paths else st.none())
    return st.lists(
        st.builds(
            lambda headers, path, shares: {"headers": headers, "traffic": shares} | ({"path": path} if path else {}),
            st.dictionaries(headers.map(str.lower), st.one_of(ways), max_size=2),
            path,
            traffic(mode),
        ).filter(lambda match: match["headers"] or "path" in match),
        max_size=3,
    )


@st.composite
def asked(draw: st.DrawFn, backend: RoutingBackend) -> Args:
    """An endpoint with whatever the backend can do."""
    able = [feature for feature in Feature if feature not in LACKS[backend]]
    mode = draw(st.sampled_from([{}, RAW])) if Feature.RAW_DEPLOYMENT in able else {}
    grpc = (protocol := draw(st.sampled_from(["HTTP_JSON", "UPI_V1", "SELDON"]))) == "UPI_V1"
    found: Args = {"model": draw(models), "protocol": protocol, "traffic": draw(traffic(mode))}
    with_paths = (Feature.GRPC_PATHS if grpc else Feature.PATHS) in able
    wanted = {
        "matches": (Feature.MATCHES, matches(mode, prefixes=Feature.HEADER_PREFIX in able, with_paths=with_paths)),
        "timeoutSeconds": (Feature.GRPC_TIMEOUT if grpc else Feature.TIMEOUT, seconds),
        "retries": (Feature.RETRIES, retries),
        "cors": (Feature.GRPC_CORS if grpc else Feature.CORS, cors),
        "maxRequestSize": (Feature.REQUEST_SIZE, st.sampled_from(["10Mi", "1G", "500", "1.5Gi"])),
        "access": (Feature.PRIVATE_ACCESS, clients.map(lambda some: {"type": "private", "clients": some})),
    }
    for name, (feature, values) in wanted.items():
        if feature in able and draw(st.booleans()):
            found[name] = draw(values)
    return {**found, "labels": draw(labels)}


@pytest.mark.parametrize("backend", RoutingBackend)
@given(data=st.data())
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_any_endpoint_that_holds_the_rules_is_admitted(
    cluster: LocalCluster, namespace: str, backend: RoutingBackend, data: st.DataObject
) -> None:
    on = platform(routing={"backend": backend, "tls": {}}, gatewayApi={"service": "istio-system/gateway-istio"})
    args: dict[str, Any] = data.draw(asked(backend))
    try:
        plan = endpoint(on=on, project=namespace, **args)
    except CaramlError:
        assume(False)
    made = routing.endpoint_objects(plan, on, "clients")
    if secret := routing.clients_secret(plan):
        made.append({**secret, "metadata": {**secret["metadata"], "name": "clients"}})
    for manifest in made:
        admit(cluster.client, manifest)
        annotations(manifest)
