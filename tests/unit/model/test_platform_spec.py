import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.project import parse_projects
from caraml_pulumi.model.spec import dotted
from tests.unit.model.builders import platform


def test_a_platform_needs_nothing_but_its_domain() -> None:
    spec = platform()
    assert (spec.environment, spec.domain, spec.label_prefix) == ("dev", "models.example.com", "caraml.dev/")
    assert (spec.max_cpu, spec.max_memory, spec.max_allowed_replica) == (None, None, None)


def test_defaults_that_are_left_out_are_merlins() -> None:
    request = platform(defaultDeploymentConfig={"cpuRequest": "1"}).default_deployment_config
    assert request.props() == {"minReplica": 0, "maxReplica": 1, "cpuRequest": "1", "memoryRequest": "500Mi"}


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"environment": "Dev"}, "environment"),
        ({"labelPrefix": "caraml.dev"}, "labelPrefix"),
        ({"labelPrefix": "/"}, "labelPrefix"),
        ({"namespaceLabelPrefix": "Caraml.dev/"}, "namespaceLabelPrefix"),
        ({"maxAllowedReplica": 0}, "maxAllowedReplica"),
        ({"deploymentTimeoutSeconds": 1.5}, "deploymentTimeoutSeconds"),
        ({"limits": {"cpuFactor": -1}}, "limits.cpuFactor"),
        ({"limits": {"cpuFactor": float("nan")}}, "limits.cpuFactor"),
        ({"limits": {"envWithoutCpuFactor": {"STORAGE_URI": "x"}}}, "limits.envWithoutCpuFactor.STORAGE_URI"),
        ({"istio": {"gateway": "knative-ingress-gateway.knative-serving"}}, "istio.gateway"),
        ({"istio": {"gateway": "knative-serving/a b"}}, "istio.gateway"),
        ({"istio": {"ingressHost": "a b"}}, "istio.ingressHost"),
        ({"monitoring": {"prometheusUrl": "http://jane:hunter2@prometheus"}}, "monitoring.prometheusUrl"),
        ({"gpus": [{"name": "T4", "resourceType": "cpu"}]}, "gpus[0].resourceType"),
        ({"storageInitializer": {"memoryRequest": "2Gi"}}, "storageInitializer.memoryLimit"),
        ({"defaultDeploymentConfig": {"cpuRequest": "-1"}}, "defaultDeploymentConfig.cpuRequest"),
        ({"defaultDeploymentMode": "KNATIVE"}, "defaultDeploymentMode"),
        ({"defaultProtocol": "GRPC"}, "defaultProtocol"),
        ({"namespaceTimeoutSeconds": 0}, "namespaceTimeoutSeconds"),
        ({"defaultQuota": {"cpu": "lots"}}, "defaultQuota.cpu"),
        (
            {"defaultAutoscaling": {"RAW_DEPLOYMENT": {"metric": "rps", "target": 1}}},
            "defaultAutoscaling.RAW_DEPLOYMENT.metric",
        ),
        (
            {
                "defaultAutoscaling": {
                    "RAW_DEPLOYMENT": {"metric": "cpu_utilization", "target": 1, "activationScale": 2}
                }
            },
            "defaultAutoscaling.RAW_DEPLOYMENT.activationScale",
        ),
        ({"cluster": {"server": "10.0.0.1"}}, "cluster.server"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], where: str) -> None:
    with pytest.raises(CaramlError) as caught:
        platform(**settings)
    assert caught.value.where == where
    assert "hunter2" not in str(caught.value)


def test_the_clusters_name_is_the_label_of_its_metrics_unless_monitoring_says_another() -> None:
    named = {"name": "blue"}
    assert platform(cluster=named).monitoring.cluster_name == "blue"
    assert platform(cluster=named, monitoring={"clusterName": "b1"}).monitoring.cluster_name == "b1"
    assert platform(cluster={"context": "blue"}).monitoring.cluster_name is None


def test_false_for_monitoring_switches_it_off_as_for_an_endpoint() -> None:
    assert not platform(monitoring=False).monitoring.enabled


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ([], ""),
        ({"Iris": {"team": "a", "stream": "b"}}, "Iris"),
        ({"iris-team": {"team": "a b", "stream": "b"}}, "iris-team.team"),
        ({"iris-team": {"team": "", "stream": "b"}}, "iris-team.team"),
        ({"iris-team": {"team": "a"}}, "iris-team.stream"),
        ({"iris-team": None}, "iris-team"),
    ],
)
def test_a_wrong_project_is_named(settings: object, where: str) -> None:
    with pytest.raises(CaramlError) as caught:
        parse_projects(settings, locate=dotted)
    assert caught.value.where == where
