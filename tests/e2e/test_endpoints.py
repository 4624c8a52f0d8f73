"""Endpoints and their versions over time: weight for what is ready, and traffic moved before a version goes."""

import base64
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform

pytestmark = pytest.mark.e2e
ROUTES = "/apis/networking.istio.io/v1/namespaces/{}/virtualservices/{}"
SERVICES = "/apis/serving.knative.dev/v1/namespaces/{}/services"
BY_NUMBER = """
from caraml_pulumi import ModelEndpoint

ModelEndpoint(
    "iris",
    {
        "model": "iris",
        "project": "{project}",
        "traffic": [{"version": 1, "weight": 90}, {"version": 2, "weight": 10, "deployment_mode": "RAW_DEPLOYMENT"}],
    },
)
"""
TOGETHER = """
import pulumi
from caraml_pulumi import CustomModelVersion, ModelEndpoint, ModelProject

project = ModelProject("{project}", team="data-science", stream="samples")
one = CustomModelVersion("iris-1", model="iris", version=1, project=project, image="registry.local/caraml/iris:1")
ModelEndpoint(
    "iris",
    {"model": "iris", "project": "{project}", "traffic": [{"version": 1, "weight": 100}]},
    pulumi.ResourceOptions(depends_on=[one]),
)
"""
PRIVATE = """
import pulumi
from caraml_pulumi import CustomModelVersion, ModelEndpoint, ModelProject

token = pulumi.Output.secret("first-token")
project = ModelProject(
    "{project}", team="data-science", stream="samples", secrets={"clients": {"app": token}}
)
one = CustomModelVersion("iris-1", model="iris", version=1, project=project, image="registry.local/caraml/iris:1")
endpoint = ModelEndpoint(
    "iris",
    traffic={one: 100},
    backend="INGRESS",
    access={"type": "private", "clients": [{"name": "app", "token_ref": {"name": "clients", "key": "app"}}]},
)
pulumi.export("url", endpoint.url)
"""


@pytest.fixture
def on(cluster: LocalCluster, tmp_path: Path) -> Iterator[Platform]:
    """The sample platform, not deployed."""
    platform = Platform(tmp_path, cluster.kubeconfig, f"endpoint-{uuid.uuid4().hex[:8]}")
    yield platform
    cluster.leave(platform.project)


def another_program(on: Platform, directory: Path, text: str) -> Platform:
    """A program of its own, over the project of `on`."""
    directory.mkdir()
    other = Platform(directory, on.kubeconfig, on.project)
    (directory / "stacks/__main__.py").write_text(text.replace("{project}", on.project))
    return other


def weights(cluster: LocalCluster, on: Platform) -> list[int]:
    route = cluster.client.request("GET", ROUTES.format(on.project, "iris"))
    return [share["weight"] for share in route["spec"]["http"][0]["route"]]


def test_an_endpoint_over_versions_of_another_stack_needs_them_ready(
    cluster: LocalCluster, on: Platform, tmp_path: Path
) -> None:
    text = on.release.read_text()
    on.release.write_text(text[: text.index("endpoint:")])
    other = another_program(on, tmp_path / "other", BY_NUMBER)
    missing = other.caraml("preview", "--stack", "dev")
    assert missing.code != 0
    assert f"{on.project}/iris-1" in missing.text

    on.up()
    other.must("up", "--stack", "dev", "--yes")
    assert weights(cluster, on) == [90, 10]
    other.must("preview", "--stack", "dev", "--expect-no-changes")

    # As a rollout that fails leaves it: the Deployment is there, and nothing of it answers.
    deployment = f"/apis/apps/v1/namespaces/{on.project}/deployments/iris-2"
    cluster.client.request(
        "PATCH",
        deployment,
        body={
            "spec": {
                "template": {"spec": {"nodeSelector": {"absent": "yes"}}},
                "strategy": {"type": "Recreate", "rollingUpdate": None},
            }
        },
        content_type="application/merge-patch+json",
    )
    other_main = tmp_path / "other/stacks/__main__.py"
    other_main.write_text(other_main.read_text().replace("90", "50").replace('"weight": 10', '"weight": 50'))
    for command in (("preview",), ("up", "--yes")):
        refused = other.caraml(*command, "--stack", "dev")
        assert refused.code != 0
        assert "version iris-2 is not ready: " in refused.text
    assert weights(cluster, on) == [90, 10]
    other_main.write_text(
        other_main.read_text()
        .replace('"version": 1, "weight": 50', '"version": 1, "weight": 100')
        .replace('"weight": 50', '"weight": 0')
    )
    other.must("up", "--stack", "dev", "--yes")
    assert weights(cluster, on) == [100, 0]
    other.must("destroy", "--stack", "dev", "--yes")


def test_versions_by_number_that_are_deployed_together_with_the_endpoint_are_waited_for(
    cluster: LocalCluster, on: Platform, tmp_path: Path
) -> None:
    (on.directory / "stacks/__main__.py").write_text(TOGETHER.replace("{project}", on.project))
    on.must("preview", "--stack", "dev")
    on.must("up", "--stack", "dev", "--yes")
    assert weights(cluster, on) == [100]
    on.must("preview", "--stack", "dev", "--expect-no-changes")


def test_a_version_is_removed_after_the_endpoint_has_switched(cluster: LocalCluster, on: Platform) -> None:
    on.up()
    text = on.release.read_text()
    start, end = text.index("  - version: 1"), text.index("  - version: 2")
    endpoint = "endpoint:\n  traffic: [{version: 2, weight: 100}]\n"
    on.release.write_text(text[:start] + text[end : text.index("endpoint:")] + endpoint)

    steps = on.must("preview", "--stack", "dev", "--json").json()["steps"]
    order = [(step["op"], step["urn"].split("::")[-1]) for step in steps if step["op"] != "same"]
    switched = order.index(("update", f"{on.project}-iris"))
    assert [op for op, _ in order[switched:]].count("delete") == [op for op, _ in order].count("delete") > 0
    on.must("config", "set", "caraml:acknowledge", f"{on.project}/iris/1", "--stack", "dev")
    on.up()
    assert weights(cluster, on) == [100]
    assert not cluster.client.request("GET", SERVICES.format(on.project))["items"]


def test_the_release_file_asks_for_everything_that_an_endpoint_can(cluster: LocalCluster, on: Platform) -> None:
    on.edit(
        "endpoint:\n",
        """endpoint:
  timeoutSeconds: 20
  retries: {attempts: 2, retryOn: [connect-failure, "503"]}
  cors: {allowOrigins: ["https://app.example.com"]}
  matches:
    - headers: {x-canary: {exact: "yes"}}
      traffic: [{version: 2, weight: 100}]
""",
    )
    on.up()
    route = cluster.client.request("GET", ROUTES.format(on.project, "iris"))["spec"]["http"]
    assert [len(one["route"]) for one in route] == [1, 2]
    assert {(one["timeout"], one["retries"]["retryOn"]) for one in route} == {("20s", "connect-failure,503")}
    assert route[0]["match"][0]["headers"] == {"x-canary": {"exact": "yes"}}
    on.must("preview", "--stack", "dev", "--expect-no-changes")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("backend: KNATIVE", "backend KNATIVE cannot divide HTTP_JSON requests over two versions"),
        ("maxRequestSize: 1Mi", "backend ISTIO cannot limit the size of requests"),
        ("mirror: {version: 2}", "version 2 answers requests already"),
        ("matches: [{traffic: [{version: 2, weight: 100}]}]", "a match without headers and path takes every request"),
        ("cors: {allowOrigins: [app.example.com]}", "is not an origin"),
        (
            "access: {type: private, clients: [{name: app, token: s3cret-token}]}",
            "the token of client app in plain text",
        ),
        ("access: {type: private, clients: [{name: app, token: short}]}", "5 characters"),
        ("backend: NGINX", "ISTIO, GATEWAY_API, KNATIVE, INGRESS"),
    ],
)
def test_what_cannot_be_is_refused_at_preview_with_file_and_line(on: Platform, given: str, message: str) -> None:
    on.edit("endpoint:\n", f"endpoint:\n  {given}\n")
    refused = on.caraml("preview", "--stack", "dev")
    assert refused.code != 0
    assert message in refused.text
    assert "iris.yaml:" in refused.text
    assert "s3cret-token" not in refused.text
    assert not on.resources()


def test_a_private_endpoint_keeps_hashes_of_tokens_and_changes_over_to_new_ones(
    cluster: LocalCluster, on: Platform
) -> None:
    program = on.directory / "stacks/__main__.py"
    program.write_text(PRIVATE.replace("{project}", on.project))
    shown = on.must("preview", "--stack", "dev", "--diff").text + on.must("up", "--stack", "dev", "--yes").text
    assert "version iris-1 has an address of its own, where everybody is let in" in shown
    url = on.must("stack", "output", "url", "--stack", "dev").out.strip()
    assert url == f"http://{on.project}.dev.example.test/deployment/iris/v1/predict"

    def clients() -> tuple[str, str]:
        path = f"/apis/networking.k8s.io/v1/namespaces/{on.project}/ingresses/iris"
        annotations = cluster.client.request("GET", path)["metadata"]["annotations"]
        name = annotations["nginx.ingress.kubernetes.io/auth-secret"]
        secret = cluster.client.request("GET", f"/api/v1/namespaces/{on.project}/secrets/{name}")
        return name, base64.b64decode(secret["data"]["auth"]).decode()

    name, lines = clients()
    assert lines.startswith("app:$apr1$")
    on.must("preview", "--stack", "dev", "--expect-no-changes")

    program.write_text(program.read_text().replace("first-token", "second-token"))
    shown += on.must("up", "--stack", "dev", "--yes").text
    renamed, changed = clients()
    assert (renamed != name, changed != lines) == (True, True)
    backend = "".join(path.read_text() for path in (on.directory / "backend").rglob("*.json"))
    for secret in ("first-token", "second-token", lines.strip()):
        assert secret not in shown
        assert secret not in backend


def test_a_client_whose_token_the_project_does_not_keep_is_refused(on: Platform) -> None:
    program = on.directory / "stacks/__main__.py"
    program.write_text(PRIVATE.replace("{project}", on.project).replace('"key": "app"', '"key": "web"'))
    refused = on.caraml("preview", "--stack", "dev")
    assert refused.code != 0
    assert 'has no key "web"' in refused.text
    assert "access.clients[0].token_ref" in refused.text
