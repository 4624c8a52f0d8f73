from dataclasses import replace
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from pulumi_policy import PolicyCustomTimeouts, PolicyResource, PolicyResourceOptions

from caraml_pulumi import CustomModelVersion, ModelProject
from caraml_pulumi.model.quantities import parse_quantity, total
from caraml_pulumi.testing.policies import stack_violations
from policies.groups import groups
from policies.pods import DAEMON_SET, JOB, POD, REPLICA_SET, STATEFUL_SET
from policies.reading import DEPLOYMENT
from policies.resource import Stack
from policies.rules import deployment_enabled_for_group, group_within_max_deployments, group_within_quota
from tests.unit.components.programs import recorded
from tests.unit.policies import groups as given
from tests.unit.policies.groups import around, autoscaler, knative, labels, project, version

POLICIES = [deployment_enabled_for_group.policy, group_within_max_deployments.policy, group_within_quota.policy]


def stack(*resources: given.Resource, parents: dict[str, str] | None = None, **settings: Any) -> Stack:
    """A stack in which names are URNs."""
    found = []
    for type_, name, props in resources:
        parent = (parents or {}).get(name)
        options = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [], parent)
        found.append(PolicyResource(type_, props, name, name, options, None, None, [], {}))
    return Stack(found, settings)


def demands(*resources: given.Resource, parents: dict[str, str] | None = None, **settings: Any) -> dict[str, Any]:
    """What the only project's group asks for, by what asks."""
    (group,) = groups(stack(*resources, parents=parents, **settings))
    return {one.version: (str(one.cpu), str(one.memory), one.gpu) for one in group.demands}


def test_versions_that_components_deploy_say_what_they_ask_for() -> None:
    assert demands(project(), version(1), version(2, cpu="500m", gpu=2)) == {
        "iris-1": ("1", "1Gi", 0),
        "iris-2": ("500m", "1Gi", 2),
    }


def test_stopped_versions_and_those_of_other_groups_do_not_count() -> None:
    assert demands(project(), version(1, stopped=True), version(2, "wine-team")) == {}


@pytest.mark.parametrize("type_", [DEPLOYMENT, STATEFUL_SET, REPLICA_SET])
def test_a_workload_around_the_components_counts_with_its_limits_times_its_replicas(type_: str) -> None:
    raw = around(type_, limits={"cpu": "500m", "memory": "1Gi", "nvidia.com/gpu": "1"}, replicas=3)
    kind = type_.rpartition(":")[2]
    assert demands(project(), raw) == {f"{kind} raw": ("1500m", "3Gi", 3)}


def test_a_pod_counts_once_and_what_ends_or_runs_on_every_node_does_not() -> None:
    assert demands(project(), around(POD, limits={"cpu": 1})) == {"Pod raw": ("1", "0", 0)}
    assert demands(project(), around(JOB, limits={"cpu": 1}), around(DAEMON_SET, limits={"cpu": 1})) == {}


def test_what_has_no_limit_counts_with_its_request() -> None:
    raw = around(limits={"cpu": "2"}, requests={"cpu": "1", "memory": "64Mi"})
    assert demands(project(), raw) == {"Deployment raw": ("2", "64Mi", 0)}


def test_a_workload_that_is_scaled_counts_with_the_replicas_that_it_may_have() -> None:
    assert demands(project(), around(limits={"cpu": "1"}), autoscaler(5)) == {"Deployment raw": ("5", "0", 0)}
    assert demands(project(), knative({"cpu": "1"}, max="4")) == {"Service raw": ("4", "0", 0)}


def test_a_knative_service_without_a_bound_counts_with_what_it_has_at_least() -> None:
    assert demands(project(), knative({"cpu": "1"})) == {"Service raw": ("1", "0", 0)}
    assert demands(project(), knative({"cpu": "1"}, min="3")) == {"Service raw": ("3", "0", 0)}


def test_a_workload_without_replicas_or_in_another_namespace_does_not_count() -> None:
    assert demands(project(), around(limits={"cpu": "1"}, replicas=0)) == {}
    assert demands(project(), around(limits={"cpu": "1"}, namespace="wine-team")) == {}


def test_an_amount_that_kubernetes_refuses_does_not_count() -> None:
    assert demands(project(), around(limits={"cpu": "a lot"}), version(1)) == {"iris-1": ("1", "1Gi", 0)}


def test_a_workload_with_the_labels_of_a_version_is_that_version() -> None:
    raw = around(limits={"cpu": "1"}, labels=labels(3))
    assert demands(project(), raw) == {"iris-3": ("1", "0", 0)}
    other = around(limits={"cpu": "1"}, labels=labels(3, prefix="gojek.com/"))
    assert demands(project(), other) == {"Deployment raw": ("1", "0", 0)}
    assert demands(project(), other, labelPrefix="gojek.com/") == {"iris-3": ("1", "0", 0)}


def test_a_workload_of_another_environment_counts_for_its_own_project() -> None:
    raw = around(limits={"cpu": "1"}, labels=labels(3, environment="staging"))
    assert demands(project(), raw) == {}
    assert demands(project(environment="staging"), raw) == {"iris-3": ("1", "0", 0)}


def test_what_a_version_made_counts_once_by_its_labels_or_its_parent() -> None:
    own = around(limits={"cpu": "1"}, labels=labels(1))
    assert demands(project(), version(1), own) == {"iris-1": ("1", "1Gi", 0)}
    unlabelled = around(limits={"cpu": "1"})
    assert demands(project(), version(1), unlabelled, parents={"raw": "iris-1"}) == {"iris-1": ("1", "1Gi", 0)}
    assert len(demands(project(), version(1), unlabelled, parents={"raw": "the-stack"})) == 2


def test_a_version_counts_once_among_the_deployed_ones_however_many_workloads_it_has() -> None:
    predictor = around(limits={"cpu": "1"}, labels=labels(3))
    transformer = (predictor[0], "raw-transformer", predictor[2])
    (group,) = groups(stack(project(), predictor, transformer))
    assert [one.version for one in group.versions] == ["iris-3"]
    assert len(group.demands) == 2
    assert [one.version for one in replace(group, around=[]).versions] == []


amounts = st.lists(st.tuples(st.sampled_from(["100m", "0.5", "1", "2"]), st.integers(0, 5)), max_size=5)


@hypothesis.given(made=amounts, raw=amounts)
def test_a_group_asks_for_all_limits_times_replicas_and_nothing_else(
    made: list[tuple[str, int]], raw: list[tuple[str, int]]
) -> None:
    versions = [version(number, cpu=cpu) for number, (cpu, _) in enumerate(made, start=1)]
    workloads = []
    for index, (cpu, replicas) in enumerate(raw):
        type_, _, props = around(limits={"cpu": cpu}, replicas=replicas)
        props["metadata"]["name"] = f"raw-{index}"
        workloads.append((type_, f"raw-{index}", props))
    (group,) = groups(stack(project(), *versions, *workloads))
    asked = total((one.cpu, 1) for one in group.demands)
    assert asked.value == sum(parse_quantity(cpu).value for cpu, _ in made) + sum(
        parse_quantity(cpu).value * replicas for cpu, replicas in raw
    )


def broken(*resources: given.Resource) -> list[str]:
    return [message for policy in POLICIES for message, _ in stack_violations(policy, resources)]


def test_versions_within_the_quota_of_their_group_are_fine() -> None:
    assert broken(project(cpu="2", memory="2Gi", gpu=0, maxDeployments=2), version(1), version(2)) == []


def test_versions_count_for_their_own_group() -> None:
    teams = [project("iris-team", cpu="1"), project("wine-team", cpu="1")]
    assert broken(*teams, version(1), version(2, "wine-team")) == []


def test_the_outputs_of_the_components_are_what_the_policies_read() -> None:
    def program() -> None:
        project = ModelProject("iris-team", team="fraud", stream="risk", quota={"cpu": "8"})
        CustomModelVersion("iris-1", model="iris", version=1, project=project, image="ghcr.io/team/iris:1")

    registrations = recorded(program).registrations
    resources = [(item.type, item.name, item.inputs if item.custom else item.outputs) for item in registrations]
    assert broken(*resources) == []
    _, _, outputs = resources[0]
    outputs["quota"] = {"cpu": "7"}
    assert "requesting 8" in broken(*resources)[0]
