from typing import Any

import pytest

from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.access import access
from caraml_pulumi.manifests.image_build import build_job
from caraml_pulumi.manifests.project import limits, namespace, secrets
from caraml_pulumi.manifests.routing import istio
from caraml_pulumi.model.project import ModelProjectSpec, ProjectPlan, plan_project
from caraml_pulumi.model.spec import parse
from tests.unit.model.builders import endpoint, image_build, objects, platform, version

LABELS = {
    "caraml.dev/environment": "dev",
    "caraml.dev/orchestrator": "caraml",
    "caraml.dev/stream": "risk",
    "caraml.dev/team": "fraud",
}


def project(on: dict[str, Any] | None = None, **settings: Any) -> ProjectPlan:
    spec = parse(ModelProjectSpec, {"project": "iris-team", "team": "fraud", "stream": "risk", **settings})
    return plan_project(spec, platform(**on or {}))


def by_kind(manifests: Any) -> dict[str, Manifest]:
    return {manifest["kind"]: manifest for manifest in manifests}


def test_a_project_is_a_namespace_that_says_whose_it_is() -> None:
    plan = project(labels={"tier": "gold"}, annotations={"example.com/contact": "fraud@example.com"})
    assert namespace(plan) == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "iris-team",
            "labels": {"tier": "gold", "caraml.dev/managed": "true", **LABELS},
            "annotations": {"example.com/contact": "fraud@example.com"},
        },
    }


def test_a_project_without_a_quota_has_no_limits() -> None:
    assert list(limits(project())) == []


def test_a_quota_limits_the_pods_of_the_namespace_and_defaults_what_it_limits() -> None:
    made = by_kind(limits(project(quota={"cpu": 4, "memory": "8Gi"}, containerDefaults={"memory": "64Mi"})))
    assert made["ResourceQuota"] == {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "project-quota", "namespace": "iris-team", "labels": LABELS},
        "spec": {"hard": {"limits.cpu": "4", "limits.memory": "8Gi"}},
    }
    (container,) = made["LimitRange"]["spec"]["limits"]
    assert container == {"type": "Container", "default": {"cpu": "250m", "memory": "64Mi"}}


def test_only_what_a_quota_limits_gets_a_default() -> None:
    (container,) = by_kind(limits(project(quota={"cpu": 4})))["LimitRange"]["spec"]["limits"]
    assert container["default"] == {"cpu": "250m"}
    assert list(by_kind(limits(project(quota={"gpu": 2})))) == ["ResourceQuota"]


def test_a_number_of_deployments_is_no_matter_of_the_cluster() -> None:
    assert list(limits(project(quota={"maxDeployments": 2}))) == []


def test_gpus_are_limited_by_every_name_that_a_version_can_ask_for() -> None:
    small = {"limits": {"cpu": 1, "memory": "1Gi", "gpu": 1}}
    plan = project(
        on={
            "gpus": [{"name": "Gaudi", "resourceType": "habana.ai/gaudi"}],
            "instanceTypes": {"intel": {**small, "gpuResourceName": "gpu.intel.com/i915"}},
        },
        quota={"gpu": 3},
        instanceTypes={"mig": {**small, "gpuResourceName": "nvidia.com/mig-1g.5gb"}},
    )
    assert by_kind(limits(plan))["ResourceQuota"]["spec"]["hard"] == {
        "requests.amd.com/gpu": "3",
        "requests.gpu.intel.com/i915": "3",
        "requests.habana.ai/gaudi": "3",
        "requests.nvidia.com/gpu": "3",
        "requests.nvidia.com/mig-1g.5gb": "3",
    }


def test_a_secret_has_the_texts_of_its_keys() -> None:
    (secret,) = secrets(project(secrets={"registry": {"user": "ann", "password": "pässword"}}))
    assert secret == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "registry", "namespace": "iris-team", "labels": LABELS},
        "type": "Opaque",
        "data": {"user": "YW5u", "password": "cMOkc3N3b3Jk"},
    }


@pytest.mark.parametrize(
    ("keys", "type_"),
    [
        ([".dockerconfigjson"], "kubernetes.io/dockerconfigjson"),
        (["tls.key", "tls.crt"], "kubernetes.io/tls"),
        (["tls.key"], "Opaque"),
    ],
)
def test_a_secret_with_keys_that_kubernetes_knows_is_of_its_type(keys: list[str], type_: str) -> None:
    (secret,) = secrets(project(secrets={"given": dict.fromkeys(keys, "{}")}))
    assert secret["type"] == type_


def test_nobody_in_particular_gets_rights_unless_named() -> None:
    assert list(access(project())) == []


def test_deployers_are_bound_by_name_group_and_service_account() -> None:
    deployers = {"users": ["ann"], "groups": ["irises"], "serviceAccounts": ["ci", "argo/deployer"]}
    made = by_kind(access(project(deployers=deployers)))
    binding = made["RoleBinding"]
    assert made["Role"]["metadata"]["name"] == binding["metadata"]["name"] == "model-deployers"
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "model-deployers"}
    assert binding["subjects"] == [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"},
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "irises"},
        {"kind": "ServiceAccount", "name": "ci", "namespace": "iris-team"},
        {"kind": "ServiceAccount", "name": "deployer", "namespace": "argo"},
    ]


def allowed(role: Manifest, verb: str) -> set[str]:
    return {
        f"{group}/{resource}"
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        if verb in rule["verbs"]
    }


@pytest.mark.parametrize("resource", ["serving.knative.dev/services", "apps/deployments", "/secrets", "batch/jobs"])
def test_deployers_may_make_what_versions_consist_of(resource: str) -> None:
    role = by_kind(access(project(deployers={"users": ["ann"]})))["Role"]
    for verb in ("get", "list", "watch", "create", "patch", "delete"):
        assert resource in allowed(role, verb)


def test_deployers_may_not_change_their_own_rights_or_quota() -> None:
    changed = allowed(by_kind(access(project(deployers={"users": ["ann"]})))["Role"], "patch")
    assert not {item for item in changed if "rbac" in item or "quota" in item or "limitrange" in item}


def test_viewers_may_look_and_not_change_and_see_no_secrets() -> None:
    role = by_kind(access(project(viewers={"groups": ["auditors"]})))["Role"]
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert "serving.knative.dev/services" in allowed(role, "get")
    assert "/secrets" not in allowed(role, "get")


def deployed() -> list[Manifest]:
    """All that versions, an endpoint and an image build are made of."""
    on = platform(podDisruptionBudget={"minAvailablePercentage": 50})
    settings = {
        "secrets": {"TOKEN": "hunter2"},
        "resourceRequest": {"minReplica": 2, "maxReplica": 4},
        "transformer": {"image": "ghcr.io/team/transformer:1"},
    }
    plans = [version(on, deploymentMode=mode, **settings) for mode in ("SERVERLESS", "RAW_DEPLOYMENT")]
    route = istio.endpoint_virtual_service(endpoint([{"version": 1, "weight": 100}]), on)
    build = build_job(image_build(on, namespace="iris-team"))
    return [*(item for plan in plans for item in objects(plan, on)), route, build]


def test_deployers_may_make_every_kind_of_object_that_there_is() -> None:
    role = by_kind(access(project(deployers={"users": ["ann"]})))["Role"]
    made = {f"{item['apiVersion'].rpartition('/')[0]}/{item['kind'].lower()}s" for item in deployed()}
    assert len(made) > 5
    assert made - allowed(role, "patch") == set()
