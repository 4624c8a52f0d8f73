"""Updates of the sample platform while requests come: none of them fails."""

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType

import pytest

from caraml_pulumi.cluster.istio import NAMESPACE
from caraml_pulumi.model.names import raw_service_name
from caraml_pulumi.model.routing import RoutingBackend
from tests.e2e.conftest import LocalCluster
from tests.e2e.platform import Platform
from tests.e2e.proxies.conftest import Servers
from tests.e2e.proxies.mesh import GATEWAY, Mesh, behind_knative, grant, instead_of_pods, until

pytestmark = pytest.mark.e2e
DOMAIN = "    domain: dev.example.test\n"
GATEWAY_API = f"""\
    routing: {{backend: GATEWAY_API}}
    gatewayApi: {{gateway: {NAMESPACE}/{GATEWAY}, service: {NAMESPACE}/{GATEWAY}}}
"""


@dataclass
class Traffic:
    """Predictions that are asked for one after the other as long as the block runs."""

    mesh: Mesh
    host: str
    answers: list[tuple[int, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Traffic":
        self.thread = threading.Thread(target=self._ask)
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over.set()
        self.thread.join()

    def _ask(self) -> None:
        while not self.over.wait(0.005):
            answer = self.mesh.predict(self.host)
            document = json.loads(answer.data) if answer.status == 200 else {}
            self.answers.append((answer.status, document.get("model", answer.data.decode())))

    def failures(self) -> list[tuple[int, str]]:
        """The answers that are no predictions."""
        return [answer for answer in self.answers if answer[0] != 200]


@pytest.fixture
def platform(
    cluster: LocalCluster, mesh: Mesh, backend: RoutingBackend, servers: Servers, tmp_path: Path
) -> Iterator[Platform]:
    """The sample platform, deployed: version 1, SERVERLESS, has 90 % of the traffic, version 2, raw, has 10 %."""
    platform = Platform(tmp_path, cluster.kubeconfig, f"moved-{uuid.uuid4().hex[:8]}")
    if backend is RoutingBackend.GATEWAY_API:
        configuration = tmp_path / "stacks" / "Pulumi.dev.yaml"
        configuration.write_text(configuration.read_text().replace(DOMAIN, DOMAIN + GATEWAY_API))
        mesh.apply([grant(platform.project)])
    platform.up()
    mesh.apply(behind_knative("iris-1", platform.project, servers("iris-1")))
    mesh.apply(instead_of_pods(raw_service_name("iris-2"), platform.project, servers("iris-2")))
    for version in ("iris-1", "iris-2"):
        own = f"{version}.{platform.project}.dev.example.test"
        until(partial(answers, mesh, own), own)
    yield platform
    cluster.leave(platform.project)


def answers(mesh: Mesh, host: str) -> bool:
    return mesh.request("GET", host, "/").status == 200


def host(platform: Platform) -> str:
    return f"iris.{platform.project}.dev.example.test"


def test_weights_move_without_a_failed_request(mesh: Mesh, platform: Platform) -> None:
    before = mesh.answers(300, host(platform))
    assert 5 <= before["iris-2"] <= 70
    platform.edit("weight: 90", "weight: 20")
    platform.edit("weight: 10", "weight: 80")
    with Traffic(mesh, host(platform)) as traffic:
        platform.up()
        until(lambda: traffic.answers[-1] == (200, "iris-2"), host(platform))
    assert len(traffic.answers) > 50
    assert traffic.failures() == []
    after = mesh.answers(300, host(platform))
    assert 180 <= after["iris-2"] <= 290


def test_a_version_that_is_removed_is_drained_first(mesh: Mesh, platform: Platform) -> None:
    own = f"iris-1.{platform.project}.dev.example.test"
    text = platform.release.read_text()
    first, second = text.index("  - version: 1\n"), text.index("  - version: 2\n")
    rest = text[second : text.index("    - version: 1\n")]
    platform.release.write_text(f"{text[:first]}{rest}    - version: 2\n      weight: 100\n")
    platform.must("config", "set", "caraml:acknowledge", f"{platform.project}/iris/1", "--stack", "dev")
    with Traffic(mesh, host(platform)) as traffic:
        result = platform.up()
        until(lambda: set(traffic.answers[-20:]) == {(200, "iris-2")}, host(platform))
        until(lambda: mesh.predict(own, "/v1/models/iris-1:predict").status == 404, own)
    assert "iris-1" in result.text
    assert len(traffic.answers) > 50
    assert traffic.failures() == []
