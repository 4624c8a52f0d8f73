"""Which models a stack has, read from its state."""

import pytest

from caraml_pulumi.engine.state.names import StackName
from caraml_pulumi.engine.state.snapshot import snapshot_to_json
from caraml_pulumi.engine.values import Secret
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import KubeClient
from caraml_pulumi.status.clusters import connected
from caraml_pulumi.status.deployed import Deployed, read_deployed
from caraml_pulumi.status.selection import Selection
from caraml_pulumi.status.state import current_state
from tests.unit.engine.state.builders import CRYPTER
from tests.unit.status.stacks import PROVIDER, child, endpoint, provider, state, version

FIRST, SECOND, ROUTE = version(), version(number=2), endpoint(v1=90, v2=10)
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: models
clusters: [{name: models, cluster: {server: "https://models.example.com"}}]
contexts: [{name: models, context: {cluster: models, user: ""}}]
"""


def iris() -> Deployed:
    other = version("wine", 1, "wine-team")
    return read_deployed(
        state(
            provider(),
            SECOND,
            FIRST,
            ROUTE,
            other,
            child(FIRST, "serving.knative.dev/v1:Service", "iris-1"),
            child(FIRST, "networking.istio.io/v1:VirtualService", "iris-1-vs"),
            child(SECOND, "apps/v1:Deployment", "iris-2"),
            child(ROUTE, "networking.istio.io/v1:VirtualService", "iris"),
        )
    )


def test_versions_and_endpoints_are_found_with_their_objects() -> None:
    found = iris()
    assert [(one.project, one.model, one.version) for one in found.versions] == [
        ("iris-team", "iris", 1),
        ("iris-team", "iris", 2),
        ("wine-team", "wine", 1),
    ]
    first = found.versions[0]
    assert [(one.api_version, one.kind, one.namespace, one.name) for one in first.objects] == [
        ("serving.knative.dev/v1", "Service", "iris-team", "iris-1"),
        ("networking.istio.io/v1", "VirtualService", "iris-team", "iris-1-vs"),
    ]
    assert {one.provider for one in found.objects} == {PROVIDER}
    assert first.names == {"iris-1", "iris-1-vs", "iris-1.iris-team.example.com"}
    [of_iris] = found.endpoints
    assert (of_iris.traffic, of_iris.url) == ({1: 90, 2: 10}, "http://iris.iris-team.example.com/v1/predict")


def test_what_was_replaced_or_is_only_read_is_no_object_of_a_version() -> None:
    old = child(FIRST, "apps/v1:Deployment", "iris-1-r1")
    old.delete = True
    read = child(FIRST, "apps/v1:Deployment", "other")
    read.external = True
    [found] = read_deployed(state(FIRST, old, read)).versions
    assert found.objects == ()


def test_what_an_update_is_creating_belongs_to_a_version_by_its_manifest() -> None:
    inputs = {"metadata": {"namespace": "iris-team", "name": "iris-1"}}
    begun = child(FIRST, "apps/v1:Deployment", "logical", inputs=inputs)
    begun.id = ""
    nameless = child(FIRST, "core/v1:Secret", "secret", inputs={"metadata": {"namespace": "iris-team"}})
    nameless.id = ""
    [found] = read_deployed(state(FIRST, creating=(begun, nameless))).versions
    [only] = found.objects
    assert (only.name, only.namespace, only.creating) == ("iris-1", "iris-team", True)


def test_a_stopped_version_says_so_and_a_grpc_version_has_a_host_alone() -> None:
    stopped = version(status="terminated", url="iris-1.iris-team.example.com")
    [found] = read_deployed(state(stopped)).versions
    assert found.stopped
    assert "iris-1.iris-team.example.com" in found.names


def test_a_secret_among_the_outputs_stays_closed() -> None:
    [found] = read_deployed(state(version(url=Secret("http://x")))).versions
    assert found.url == ""


def test_the_journal_of_an_update_counts_as_well() -> None:
    document = snapshot_to_json(state(FIRST), CRYPTER, StackName("shop", "dev"))
    added = snapshot_to_json(state(SECOND), CRYPTER)["deployment"]["resources"][0]
    found = read_deployed(current_state(document, [{"do": "put", "resource": added}]))
    assert [one.version for one in found.versions] == [1, 2]


@pytest.mark.parametrize(
    ("text", "versions", "endpoints"),
    [
        (None, 3, 1),
        ("iris", 2, 1),
        ("iris-team/iris", 2, 1),
        ("wine/1", 1, 0),
        ("wine-team/wine/1", 1, 0),
    ],
)
def test_models_are_selected_by_name(text: str | None, versions: int, endpoints: int) -> None:
    found = Selection.parse(text).models(iris())
    assert (len(found.versions), len(found.endpoints)) == (versions, endpoints)


def test_a_single_version_is_selected_by_its_number() -> None:
    assert [one.version for one in Selection.parse("iris/2").versions(iris())] == [2]


@pytest.mark.parametrize("text", ["irsi", "iris/3", "wine-team/iris", "other/iris/1"])
def test_a_model_that_is_not_there_is_answered_with_those_that_are(text: str) -> None:
    with pytest.raises(CaramlError, match=f'the stack deploys no "{text}"') as caught:
        Selection.parse(text).models(iris())
    assert "iris-team/iris/1, iris-team/iris/2, wine-team/wine/1" in caught.value.allowed


def test_a_stack_without_models_says_so() -> None:
    with pytest.raises(CaramlError) as caught:
        Selection.parse("iris").models(read_deployed(state(provider())))
    assert caught.value.allowed == "it deploys no model"


@pytest.mark.parametrize("text", ["a/b/c", "a//1", "/", "iris/"])
def test_what_is_no_name_of_a_model_is_refused(text: str) -> None:
    with pytest.raises(CaramlError, match="names no model"):
        Selection.parse(text)


def clients(kubeconfig: object) -> dict[str, KubeClient]:
    """The clients for a stack whose provider has that kubeconfig, by way of the state on disk."""
    known = state(provider(kubeconfig=kubeconfig), FIRST, child(FIRST, "apps/v1:Deployment", "iris-1"))
    document = snapshot_to_json(known, CRYPTER, StackName("shop", "dev"))
    current = current_state(document)
    with connected(document, current, read_deployed(current).objects) as found:
        return dict(found)


def test_the_cluster_is_that_of_the_providers_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    assert clients(KUBECONFIG)[PROVIDER].config.server == "https://models.example.com"


def test_settings_that_are_secret_are_read_with_the_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", CRYPTER.phrase or "")
    assert clients(Secret(KUBECONFIG))[PROVIDER].config.server == "https://models.example.com"
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)
    with pytest.raises(CaramlError, match="passphrase"):
        clients(Secret(KUBECONFIG))


def test_a_version_has_the_images_that_were_asked_for() -> None:
    transformed = version(image="ghcr.io/team/iris:1", transformer={"image": "ghcr.io/team/features:2"})
    later = version(number=2, image=Secret("ghcr.io/team/iris:2"))
    first, second = read_deployed(state(transformed, later)).versions
    assert first.images == {"predictor": "ghcr.io/team/iris:1", "transformer": "ghcr.io/team/features:2"}
    assert second.images == {}
