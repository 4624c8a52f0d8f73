"""What the components emit, judged by the real API server and Knative's real webhook and controllers."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.kube.errors import KubeError
from caraml_pulumi.manifests import Manifest, knative
from caraml_pulumi.manifests.routing import istio
from caraml_pulumi.model.quantities import quantity
from caraml_pulumi.model.version_plan import VersionPlan
from tests.e2e.conftest import LocalCluster
from tests.unit.model.builders import endpoint, platform, version

pytestmark = pytest.mark.e2e
STRICT = {"dryRun": "All", "fieldValidation": "Strict"}
ON = platform(limits={"cpuFactor": 2})
on_a_cluster = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def admit(client: KubeClient, manifest: Manifest) -> Any:
    path = client.path(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["namespace"])
    return client.request("POST", path, body=manifest, params=STRICT)


@pytest.mark.parametrize("weights", [[100], [90, 10], [0, 100]])
def test_every_endpoint_is_admitted_strictly(cluster: LocalCluster, namespace: str, weights: list[int]) -> None:
    shares = [{"version": number, "weight": weight} for number, weight in enumerate(weights, 1)]
    admit(cluster.client, istio.endpoint_virtual_service(endpoint(shares, project=namespace), ON))


@pytest.mark.parametrize(
    "settings_",
    [
        {"env": {"PORT": "1"}},
        {"image": "registry.local/x:1"},
        {"resourceRequest": {"minReplica": 3, "maxReplica": 2}},
        {"autoscalingPolicy": {"metric": "concurrency", "target": 0.001}},
    ],
    ids=str,
)
def test_what_the_rules_refuse_knative_would_refuse_too(
    cluster: LocalCluster, namespace: str, settings_: dict[str, Any]
) -> None:
    with pytest.raises(CaramlError):
        version(ON, **settings_)
    manifest = _as_if_allowed(version(ON, project=namespace, image="registry.local/team/iris:1"), settings_)
    with pytest.raises(KubeError):
        admit(cluster.client, manifest)


def _as_if_allowed(plan: VersionPlan, broken: dict[str, Any]) -> Manifest:
    manifest = knative.knative_service(plan, plan.predictor, ON)
    template = manifest["spec"]["template"]
    (container,), annotations = template["spec"]["containers"], template["metadata"]["annotations"]
    container["env"] += [{"name": name, "value": value} for name, value in broken.get("env", {}).items()]
    container["image"] = broken.get("image", container["image"])
    request = broken.get("resourceRequest", {})
    if "minReplica" in request:
        annotations["autoscaling.knative.dev/min-scale"] = str(request["minReplica"])
        annotations["autoscaling.knative.dev/max-scale"] = str(request["maxReplica"])
    if "autoscalingPolicy" in broken:
        annotations["autoscaling.knative.dev/target"] = f"{broken['autoscalingPolicy']['target']:.2f}"
    return manifest


quantity_texts = st.builds(
    lambda sign, number, suffix: f"{sign}{number}{suffix}",
    st.sampled_from(["", "+"]),
    st.one_of(st.integers(0, 10**6).map(str), st.from_regex(r"[0-9]{1,4}\.[0-9]{0,2}", fullmatch=True), st.just(".5")),
    st.sampled_from(["", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "E2", "e0"]),
)


@given(written=st.lists(quantity_texts, min_size=1, max_size=30))
@on_a_cluster
def test_quantities_are_written_as_the_api_server_writes_them(
    cluster: LocalCluster, namespace: str, written: list[str]
) -> None:
    exact = {f"example.com/q{index}": text for index, text in enumerate(written)}
    limits = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "quantities", "namespace": namespace},
        "spec": {"limits": [{"type": "Container", "max": exact}]},
    }
    (admitted,) = admit(cluster.client, limits)["spec"]["limits"]
    for name, text in exact.items():
        # The server keeps a few texts, such as "+1", as they are.
        assert admitted["max"][name] in (text, quantity(text))
