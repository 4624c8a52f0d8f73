"""What travels between environments, and what is an environment's own."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from caraml_pulumi.model.endpoint import EndpointSettings
from caraml_pulumi.model.release import ReleaseVersion
from caraml_pulumi.model.transformer import TransformerSettings
from caraml_pulumi.model.workload import WorkloadSettings
from caraml_pulumi.promotion.settings import (
    ENDPOINT,
    VERSION,
    WORKLOAD,
    differences,
    promoted_endpoint,
    promoted_version,
)
from tests.unit.promotion.releases import ENVIRONMENTS_OWN, TESTED, version


def test_every_setting_of_the_lists_is_one_of_a_release() -> None:
    def names(spec: Any) -> set[str]:
        return {field.alias for field in spec.model_fields.values()}

    assert set(VERSION) <= names(ReleaseVersion)
    assert set(WORKLOAD) <= names(TransformerSettings) & names(WorkloadSettings)
    assert set(ENDPOINT) <= names(EndpointSettings)
    request = VERSION["resourceRequest"]
    assert isinstance(request, dict)
    assert set(request) == names(ReleaseVersion.model_fields["resource_request"].annotation)


def test_the_number_of_replicas_never_travels_and_what_a_replica_needs_does_once() -> None:
    source = version(2, replicas=1, nodeSelector={"pool": "dev"}, resourceRequest={"memoryRequest": "4Gi"})
    assert promoted_version(source, None, None) == version(2, resourceRequest={"memoryRequest": "4Gi"})
    bigger = {**source, "resourceRequest": {"memoryRequest": "8Gi", "maxReplica": 1}}
    target = version(1, resourceRequest={"memoryRequest": "4Gi", "maxReplica": 9})
    assert promoted_version(bigger, target, None)["resourceRequest"] == {"memoryRequest": "4Gi", "maxReplica": 9}
    assert promoted_version(bigger, target, source)["resourceRequest"] == {"memoryRequest": "8Gi", "maxReplica": 9}


def test_variables_are_taken_one_by_one() -> None:
    source = version(2, env={"THRESHOLD": "0.7", "LOG_LEVEL": "debug", "NEW": "1"})
    base = version(1, env={"THRESHOLD": "0.5", "LOG_LEVEL": "debug", "GONE": "1", "REMOVED": "1"})
    target = version(1, env={"THRESHOLD": "0.5", "LOG_LEVEL": "warning", "GONE": "1", "ADDED": "1"})
    assert promoted_version(source, target, base)["env"] == {
        "THRESHOLD": "0.7",
        "LOG_LEVEL": "warning",
        "ADDED": "1",
        "NEW": "1",
    }
    assert promoted_version(source, target, None)["env"] == {**target["env"], "NEW": "1"}


def test_a_transformer_travels_and_keeps_what_is_the_environments_own() -> None:
    source = version(1, transformer={"image": "registry.local/t:2", "replicas": 1, "env": {"A": "1"}})
    target = version(1, transformer={"image": "registry.local/t:1", "replicas": 3, "env": {"A": "2"}})
    assert promoted_version(source, target, None)["transformer"] == {
        "image": "registry.local/t:2",
        "replicas": 3,
        "env": {"A": "2"},
    }
    assert "transformer" not in promoted_version(version(1), target, None)


def test_a_fixed_number_of_replicas_is_not_contradicted_by_an_autoscaler_that_comes() -> None:
    source = version(1, autoscalingPolicy={"metric": "concurrency", "target": 2})
    target = version(1, replicas=3)
    assert promoted_version(source, target, version(1)) == version(1, replicas=3)


def test_a_version_that_is_stopped_in_the_target_is_started_by_its_promotion() -> None:
    assert "stopped" not in promoted_version(version(1), version(1, stopped=True), None)


def test_who_may_call_travels_to_a_new_endpoint_and_is_kept_by_another() -> None:
    access = {"type": "private", "clients": [{"name": "shop", "tokenRef": {"name": "tokens", "key": "shop"}}]}
    source = {"traffic": [{"version": 1, "weight": 100}], "access": access, "backend": "ISTIO", "timeoutSeconds": 9}
    assert promoted_endpoint(source, None, None) == {
        key: source[key] for key in ("traffic", "access", "timeoutSeconds")
    }
    target = {"traffic": [{"version": 2, "weight": 100}], "backend": "INGRESS"}
    assert promoted_endpoint(source, target, None) == {
        "traffic": source["traffic"],
        "backend": "INGRESS",
        "timeoutSeconds": 9,
    }


SETTINGS = st.builds(lambda tested, own: {**tested, **own}, TESTED, ENVIRONMENTS_OWN)


@settings(deadline=None)
@given(SETTINGS, st.none() | SETTINGS, st.none() | SETTINGS)
def test_what_was_tested_travels_and_promoting_again_changes_nothing(
    source: dict[str, Any], target: dict[str, Any] | None, base: dict[str, Any] | None
) -> None:
    once = promoted_version(source, target, base)
    assert promoted_version(source, once, source) == once
    for name in ("image", "storageUri", "deploymentMode", "timeoutSeconds", "args"):
        assert once.get(name) == source.get(name)


@settings(deadline=None)
@given(SETTINGS, SETTINGS, SETTINGS)
def test_what_the_target_changed_since_it_was_promoted_is_kept(
    source: dict[str, Any], target: dict[str, Any], base: dict[str, Any]
) -> None:
    once = promoted_version(source, target, base)
    for name in ("instanceType", "serviceAccountName"):
        if target.get(name) != base.get(name):
            assert once.get(name) == target.get(name)
    for name, value in target.get("env", {}).items():
        if base.get("env", {}).get(name) != value:
            assert once["env"][name] == value
    assert once.get("nodeSelector") == target.get("nodeSelector")


@settings(deadline=None)
@given(SETTINGS, SETTINGS)
def test_settings_are_the_same_if_nothing_differs(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (differences(one, other, VERSION) == []) == (one == other)
