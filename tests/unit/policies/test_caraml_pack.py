"""The pack as Pulumi runs it: in a process of its own, asked through the Analyzer protocol."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from caraml_pulumi.engine.policies import AnalyzedResource, PolicyPack, Violation
from caraml_pulumi.engine.resource import ResourceState, make_urn
from caraml_pulumi.engine.values import Properties

PACK = Path(__file__).parents[3] / "policies"


@pytest.fixture(scope="module")
def pack() -> Iterator[PolicyPack]:
    started = PolicyPack(PACK, None, project="shop", stack="dev", preview=True, config={})
    yield started
    started.close()


def resource(type_: str, name: str, properties: Properties) -> AnalyzedResource:
    state = ResourceState(urn=make_urn("dev", "shop", type_, name), type=type_, custom=not type_.startswith("caraml"))
    return AnalyzedResource(state, properties)


def mandatory(violations: list[Violation]) -> list[Violation]:
    return [violation for violation in violations if violation.mandatory]


def test_a_metric_that_the_mode_cannot_scale_on_is_a_mandatory_violation(pack: PolicyPack) -> None:
    properties = {"deploymentMode": "RAW_DEPLOYMENT", "autoscalingPolicy": {"metric": "rps", "target": 5}}
    (violation,) = mandatory(pack.analyze(resource("caraml:index:CustomModelVersion", "iris-1", properties)))
    assert violation.policy == "autoscaling-metric-allowed-in-mode"


def test_an_endpoint_over_three_versions_is_a_mandatory_violation(pack: PolicyPack) -> None:
    traffic = [{"version": version, "weight": weight} for version, weight in ((1, 50), (2, 25), (3, 25))]
    properties = {"model": "iris", "environment": "dev", "traffic": traffic}
    (violation,) = mandatory(pack.analyze(resource("caraml:index:ModelEndpoint", "iris", properties)))
    assert violation.policy == "at-most-two-deployed-versions"


def test_three_versions_in_a_stack_are_a_mandatory_violation(pack: PolicyPack) -> None:
    outputs = {"model": "iris", "environment": "dev", "project": "iris-team"}
    versions = [
        resource("caraml:index:CustomModelVersion", f"iris-{version}", {**outputs, "version": version})
        for version in (1, 2, 3)
    ]
    assert pack.analyze_stack(versions[:2]) == []
    (violation,) = pack.analyze_stack(versions)
    assert violation.mandatory
    assert violation.urn == versions[2].state.urn


def test_a_version_that_holds_all_rules_passes(pack: PolicyPack) -> None:
    properties = {"deploymentMode": "SERVERLESS", "autoscalingPolicy": {"metric": "rps", "target": 5}}
    assert mandatory(pack.analyze(resource("caraml:index:CustomModelVersion", "iris-1", properties))) == []


def test_a_group_over_its_quota_is_a_mandatory_violation(pack: PolicyPack) -> None:
    project = {"project": "iris-team", "environment": "dev", "enabled": True, "quota": {"cpu": "1"}}
    version = {"model": "iris", "version": 1, "project": "iris-team", "environment": "dev"}
    demand = {"cpu": "2", "memory": "1Gi", "gpu": 0}
    resources = [
        resource("caraml:index:ModelProject", "iris-team", project),
        resource("caraml:index:CustomModelVersion", "iris-1", {**version, "demand": demand}),
    ]
    (violation,) = pack.analyze_stack(resources)
    assert violation.mandatory
    assert violation.policy == "group-within-quota"
    assert "Group iris-team exceeded cpu quota: 1, requesting 2" in violation.message
