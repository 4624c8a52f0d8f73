from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.unit.model.builders import objects, one, version

RAW: dict[str, Any] = {"deploymentMode": "RAW_DEPLOYMENT", "version": 2}


def test_a_raw_deployment_is_complete(snapshot: SnapshotAssertion) -> None:
    plan = version(**RAW, resourceRequest={"minReplica": 2, "maxReplica": 5, "cpuRequest": "1"})
    assert [item for item in objects(plan) if item["kind"] != "VirtualService"] == snapshot


@pytest.mark.parametrize(("settings", "replicas"), [({"replicas": 2}, 2), ({"stopped": True}, 0)])
def test_a_number_of_replicas_is_taken_over_from_an_autoscaler_that_there_was(
    settings: dict[str, Any], replicas: int
) -> None:
    plan = version(**RAW, **settings)
    made = one("Deployment", plan)
    assert made["spec"]["replicas"] == replicas
    assert made["metadata"]["annotations"] == {"pulumi.com/patchForce": "true"}
    assert not [item for item in objects(plan) if item["kind"] == "HorizontalPodAutoscaler"]


def test_the_deployment_leaves_its_replicas_to_the_autoscaler() -> None:
    plan = version(**RAW, resourceRequest={"minReplica": 2, "maxReplica": 5})
    assert "replicas" not in one("Deployment", plan)["spec"]
    autoscaler = one("HorizontalPodAutoscaler", plan)["spec"]
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (2, 5)
    assert autoscaler["scaleTargetRef"]["name"] == one("Deployment", plan)["metadata"]["name"]


def test_the_service_and_the_deployment_select_the_pods_that_the_deployment_makes() -> None:
    plan = version(**RAW, labels={"tier": "gold"})
    deployment = one("Deployment", plan)["spec"]
    pod_labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"].items() <= pod_labels.items()
    assert one("Service", plan)["spec"]["selector"].items() <= pod_labels.items()


def test_the_service_leads_from_port_80_to_the_port_of_the_container() -> None:
    plan = version(**RAW)
    (port,) = one("Service", plan)["spec"]["ports"]
    (container,) = one("Deployment", plan)["spec"]["template"]["spec"]["containers"]
    assert port["port"] == 80
    assert [named["containerPort"] for named in container["ports"] if named["name"] == port["targetPort"]] == [8080]


def test_the_service_keeps_clear_of_the_one_that_knative_makes() -> None:
    plan = version(**RAW)
    assert one("Service", plan)["metadata"]["name"] == "iris-2-predictor"
