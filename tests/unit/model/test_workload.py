from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.gpu import GpuRequest
from caraml_pulumi.model.serverless import KnativeFeature
from tests.unit.model.builders import one, platform, version

T4 = {
    "name": "NVIDIA T4",
    "values": ["None", "1", "2"],
    "nodeSelector": {"accelerator": "t4"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
}
SMALL = {"limits": {"cpu": "2", "memory": "4Gi", "gpu": 1}, "nodeSelector": {"pool": "gpu"}}
RAW: dict[str, Any] = {"deploymentMode": "RAW_DEPLOYMENT"}
ON = platform(gpus=[T4], instanceTypes={"small": SMALL}, maxCpu="4")
ALL_FEATURES = [feature.value for feature in KnativeFeature]


def refused(settings: dict[str, Any]) -> CaramlError:
    with pytest.raises(CaramlError) as caught:
        version(ON, **RAW | settings)
    return caught.value


def test_a_gpu_is_request_and_limit_and_brings_its_nodes() -> None:
    plan = version(ON, **RAW, resourceRequest={"gpuName": "NVIDIA T4", "gpuRequest": 2})
    assert plan.predictor.resources.gpu == GpuRequest("nvidia.com/gpu", 2)
    pod = one("Deployment", plan)["spec"]["template"]["spec"]
    resources = pod["containers"][0]["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == "2"
    assert pod["nodeSelector"] == {"accelerator": "t4"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]


@pytest.mark.parametrize(
    ("asked", "message", "where"),
    [
        ({"gpuName": "NVIDIA T5", "gpuRequest": 1}, 'GPU type "NVIDIA T5" is not offered', "resourceRequest.gpuName"),
        ({"gpuName": "NVIDIA T4"}, "GPU request cannot be set as 0", "resourceRequest.gpuRequest"),
        ({"gpuName": "NVIDIA T4", "gpuRequest": 3}, "cannot be asked for", "resourceRequest.gpuRequest"),
        ({"gpuRequest": 1}, "gpuRequest has no gpuName", "resourceRequest.gpuName"),
        ({"cpuLimit": "5"}, "cpuLimit 5 is more than the environment allows", "resourceRequest"),
    ],
)
def test_amounts_that_the_environment_does_not_have_are_refused(
    asked: dict[str, Any], message: str, where: str
) -> None:
    error = refused({"resourceRequest": asked})
    assert message in error.what
    assert error.where == where


def test_an_instance_type_decides_all_amounts_and_where_they_are() -> None:
    plan = version(ON, **RAW, instanceType="small", nodeSelector={"disk": "ssd"})
    resources = plan.predictor.resources
    assert (resources.cpu_request, resources.cpu_limit, resources.memory_limit) == ("2", "2", "4Gi")
    assert resources.gpu == GpuRequest("nvidia.com/gpu", 1)
    assert plan.predictor.placement.node_selector == {"pool": "gpu", "disk": "ssd"}


def test_an_instance_type_and_amounts_contradict_each_other() -> None:
    error = refused({"instanceType": "small", "resourceRequest": {"memoryRequest": "1Gi"}})
    assert error.what == "the instance type decides this already"
    assert error.where == "resourceRequest.memoryRequest"


def test_nodes_that_cannot_exist_are_refused() -> None:
    error = refused({"instanceType": "small", "nodeSelector": {"pool": "cpu"}})
    assert error.what == 'nodeSelector wants nodes with pool="cpu", the instance type with pool="gpu"'


def test_an_unknown_instance_type_is_told_in_primehubs_words() -> None:
    assert refused({"instanceType": "smal"}).what == "InstanceType not found: smal"


@pytest.mark.parametrize(
    ("budget", "least", "bound"),
    [
        ({"minAvailablePercentage": 50}, 2, {"minAvailable": "50%"}),
        ({"minAvailablePercentage": 50}, 1, None),
        ({"minAvailablePercentage": 50}, 3, {"minAvailable": "50%"}),
        ({"minAvailablePercentage": 100}, 5, None),
        ({"maxUnavailablePercentage": 20}, 1, {"maxUnavailable": "20%"}),
        ({"maxUnavailablePercentage": 0}, 5, None),
        ({"enabled": False}, 5, None),
    ],
)
def test_a_disruption_budget_is_made_only_where_a_node_can_be_drained(
    budget: dict[str, Any], least: int, bound: dict[str, str] | None
) -> None:
    plan = version(platform(podDisruptionBudget=budget), resourceRequest={"minReplica": least, "maxReplica": 5})
    if bound is None:
        assert plan.predictor.disruption_budget is None
        return
    made = one("PodDisruptionBudget", plan)
    assert made["metadata"]["name"] == "iris-1-predictor-pdb"
    assert made["spec"] == {**bound, "selector": {"matchLabels": dict(plan.predictor.selector)}}


@pytest.mark.parametrize("budget", [{}, {"minAvailablePercentage": 1, "maxUnavailablePercentage": 1}])
def test_a_disruption_budget_has_one_percentage(budget: dict[str, Any]) -> None:
    with pytest.raises(CaramlError, match="percentage"):
        platform(podDisruptionBudget=budget)


@pytest.mark.parametrize(
    ("settings", "feature"),
    [
        ({"nodeSelector": {"a": "b"}}, "nodeselector"),
        ({"tolerations": [{"key": "a", "operator": "Exists"}]}, "tolerations"),
        ({"affinity": {"podAntiAffinity": {}}}, "affinity"),
        ({"topologySpreadConstraints": [{"topologyKey": "zone"}]}, "topologyspreadconstraints"),
        ({"storageUri": "s3://models/iris"}, "init-containers"),
        ({"priorityClassName": "high"}, "priorityclassname"),
        ({"transformer": {"image": "a/b:1", "nodeSelector": {"a": "b"}}}, "nodeselector"),
    ],
)
def test_a_feature_that_knative_has_not_enabled_is_named(settings: dict[str, Any], feature: str) -> None:
    with pytest.raises(CaramlError, match=f"SERVERLESS needs Knative's kubernetes.podspec-{feature}"):
        version(**settings)
    assert version(platform(knative={"features": ALL_FEATURES}), **settings)
    assert version(**RAW, **settings)


@pytest.mark.parametrize("mode", ["SERVERLESS", "RAW_DEPLOYMENT"])
def test_replicas_are_spread_among_those_of_the_same_template(mode: str) -> None:
    on = platform(knative={"features": ALL_FEATURES}, topologySpreadConstraints=[{"topologyKey": "zone", "maxSkew": 2}])
    plan = version(on, deploymentMode=mode)
    kind = "Service" if mode == "SERVERLESS" else "Deployment"
    (spread,) = one(kind, plan)["spec"]["template"]["spec"]["topologySpreadConstraints"]
    template = "serving.knative.dev/revision" if mode == "SERVERLESS" else "pod-template-hash"
    assert spread == {
        "topologyKey": "zone",
        "maxSkew": 2,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(plan.predictor.selector)},
        "matchLabelKeys": [template],
    }


@pytest.mark.parametrize(
    ("settings", "message", "where"),
    [
        ({"containerConcurrency": 1}, "containerConcurrency is Knative's", "containerConcurrency"),
        ({"queueProxy": {}}, "has no queue-proxy", "queueProxy"),
        ({"timeoutSeconds": 601}, "`timeoutSeconds` cannot be 601", "timeoutSeconds"),
        ({"deploymentMode": "SERVERLESS", "rollingUpdate": {}}, "a whole revision at a time", "rollingUpdate"),
        ({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}, "no replica can be replaced", "rollingUpdate"),
        ({"rollingUpdate": {"maxSurge": "a"}}, "is not a number of replicas", "rollingUpdate.maxSurge"),
        ({"env": {"A": "1"}, "secrets": {"A": "1"}}, '"A" is given twice', "secrets"),
        ({"secrets": {"STORAGE_URI": "1"}}, "is set by the platform", "secrets.STORAGE_URI"),
        ({"secretRefs": {"A": {"name": "x", "key": "a/b"}}}, "is not a key of a Secret", "secretRefs.A.key"),
        ({"secretRefs": {"A": {"name": "x", "key": "..a"}}}, "is not a key of a Secret", "secretRefs.A.key"),
        ({"protocol": "SELDON", "env": {"PREDICTIVE_UNIT_ID": "x"}}, "is set by the platform", "env"),
        ({"annotations": {"autoscaling.knative.dev/target": "5"}}, "is set by the platform", "annotations"),
        ({"annotations": {"prometheus.io/port": "5"}}, "is set by the platform", "annotations"),
        ({"revision": 0}, "revision 0 is not a revision", "revision"),
        (
            {"securityContext": {"capabilities": {"drop": ["cap_all"]}}},
            "is not a capability",
            "securityContext.capabilities.drop[0]",
        ),
        ({"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]}, "with operator Exists", "tolerations[0]"),
        ({"tolerations": [{"value": "b"}]}, "has no key", "tolerations[0]"),
        ({"storageUri": "file:///models"}, "does not download from", "storageUri"),
        ({"imagePullSecrets": ["a", "a"]}, '"a" is given twice', "imagePullSecrets"),
        (
            {"topologySpreadConstraints": [{"topologyKey": "zone"}, {"topologyKey": "zone"}]},
            '"zone" is spread over twice',
            "topologySpreadConstraints",
        ),
        ({"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}, "is root", "securityContext.runAsUser"),
        (
            {"deploymentMode": "SERVERLESS", "queueProxy": {"cpuRequest": "2", "cpuLimit": "1"}},
            "the CPU limit 1 is less than the request 2",
            "queueProxy.cpuLimit",
        ),
        (
            {"deploymentMode": "SERVERLESS", "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}},
            "containerspec-addcapabilities",
            "securityContext",
        ),
        (
            {"readinessProbe": {"periodSeconds": 2**31}},
            "more than Kubernetes can count",
            "readinessProbe.periodSeconds",
        ),
    ],
)
def test_a_setting_that_cannot_be_followed_is_refused(settings: dict[str, Any], message: str, where: str) -> None:
    error = refused(settings)
    assert message in error.what
    assert error.where == where
