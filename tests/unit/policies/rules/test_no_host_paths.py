from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.pods import PATCH_TYPES, POD_TYPES
from policies.reading import DEPLOYMENT, PERSISTENT_VOLUME
from policies.rules.no_host_paths import policy
from tests.unit.policies.objects import Resources, first_lines, places, pod, settings_of, workload


def mounted(path: object) -> dict[str, Any]:
    return pod(volumes=[{"name": "models", "hostPath": {"path": path}}])


VIOLATION: Resources = [(DEPLOYMENT, "raw", workload(DEPLOYMENT, mounted("/var/models")))]


def judged(path: object, *allowed: str) -> list[str]:
    return violations(policy, DEPLOYMENT, workload(DEPLOYMENT, mounted(path)), config={"allowed": list(allowed)})


def test_the_rule_is_mandatory_and_allows_no_path() -> None:
    assert policy.name == "no-host-paths"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.HIGH)
    assert settings_of(policy)["allowed"]["default"] == []


def test_volumes_that_are_no_files_of_a_node_pass() -> None:
    volumes = [
        {"name": "scratch", "emptyDir": {}},
        {"name": "models", "persistentVolumeClaim": {"claimName": "models"}},
        {"name": "settings", "configMap": {"name": "settings"}},
    ]
    assert violations(policy, DEPLOYMENT, workload(DEPLOYMENT, pod(volumes=volumes))) == []


def test_a_volume_without_a_name_is_told_by_its_number() -> None:
    volumes = pod(volumes=[{"hostPath": {"path": "/etc"}}])
    found = violations(policy, DEPLOYMENT, workload(DEPLOYMENT, volumes))
    assert first_lines(found) == ['volume "0" is /etc of the node']


def test_a_path_of_the_node_is_refused() -> None:
    found = judged("/var/models")
    assert first_lines(found) == ['volume "models" is /var/models of the node']
    assert places(found) == ["spec.template.spec.volumes[0].hostPath"]
    assert "allowed: no paths of nodes" in found[0]


@pytest.mark.parametrize("path", ["/var/models", "/var/models/", "/var/models/iris", "/var/./models"])
def test_paths_under_one_that_is_allowed_pass(path: str) -> None:
    assert judged(path, "/srv/", "/var/models") == []
    assert judged(path, "/") == []


@pytest.mark.parametrize("path", ["/var/models-of-others", "/var", "/", "/var/models/../../etc", "/srvother"])
def test_paths_beside_those_that_are_allowed_are_refused(path: str) -> None:
    (message,) = judged(path, "/var/models", "/srv")
    assert "allowed: /srv, /var/models" in message


@pytest.mark.parametrize("kind", ["hostPath", "local"])
def test_a_persistent_volume_on_a_node_is_refused(kind: str) -> None:
    volume = {"spec": {kind: {"path": "/mnt/ssd0"}, "capacity": {"storage": "1Gi"}}}
    found = violations(policy, PERSISTENT_VOLUME, volume, name="models")
    assert first_lines(found) == ['volume "models" is /mnt/ssd0 of the node']
    assert places(found) == [f"spec.{kind}"]
    assert violations(policy, PERSISTENT_VOLUME, volume, config={"allowed": ["/mnt"]}) == []
    assert violations(policy, PERSISTENT_VOLUME, {"spec": {"csi": {"driver": "ebs.csi.aws.com"}}}) == []


@pytest.mark.parametrize("type_", [*POD_TYPES, *PATCH_TYPES])
def test_whatever_makes_pods_or_patches_what_does_is_held_to_the_rule(type_: str) -> None:
    assert len(violations(policy, type_, workload(type_, mounted("/var/models")))) == 1


def test_a_path_that_is_not_known_yet_is_judged_at_the_update() -> None:
    said = verdict(policy, DEPLOYMENT, workload(DEPLOYMENT, mounted(UNKNOWN)))
    assert said.messages == []
    assert said.not_applicable
