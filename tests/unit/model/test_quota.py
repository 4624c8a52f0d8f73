from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.group import GroupQuota
from caraml_pulumi.model.quantities import Quantity, parse_quantity
from caraml_pulumi.model.quota import Demand, Share, admitted, demand_of, deployment_enabled
from caraml_pulumi.model.spec import parse
from tests.unit.model.builders import platform, version

GROUP = "iris-team"


def quota(**settings: Any) -> GroupQuota:
    return parse(GroupQuota, settings)


def demand(
    name: str = "iris-1", cpu: str = "1", memory: str | None = "1Gi", gpus: int = 0, replicas: int = 1
) -> Demand:
    return Demand.of(name, [Share(cpu, memory, gpus, replicas)])


def refused(given: GroupQuota, *demands: Demand) -> CaramlError:
    with pytest.raises(CaramlError) as caught:
        admitted(GROUP, True, given, demands)
    return caught.value


def test_a_version_asks_for_its_limits_times_its_replicas_with_all_workloads() -> None:
    predictor, transformer = Share("1500m", "1536Mi", 2, 3), Share("1", "512Mi", 0, 5)
    assert Demand.of("iris-1", [predictor, transformer]) == Demand(
        "iris-1", parse_quantity("9500m"), parse_quantity("7Gi"), 6
    )


def test_a_planned_version_asks_for_its_predictor_and_its_transformer() -> None:
    on = platform(gpus=[{"name": "T4"}])
    plan = version(
        on,
        resourceRequest={
            "cpuLimit": "1500m",
            "memoryRequest": "1Gi",
            "maxReplica": 3,
            "gpuName": "T4",
            "gpuRequest": 2,
        },
        transformer={
            "image": "ghcr.io/team/transformer:1",
            "resourceRequest": {"cpuLimit": "500m", "memoryRequest": "512Mi", "maxReplica": 2},
        },
    )
    assert demand_of(plan) == Demand("iris-1", parse_quantity("5500m"), parse_quantity("8Gi"), 6)


def test_a_fixed_number_of_replicas_counts_as_it_is() -> None:
    plan = version(replicas=4, deploymentMode="RAW_DEPLOYMENT", resourceRequest={"cpuLimit": "1"})
    found = demand_of(plan)
    assert found is not None
    assert found.cpu == parse_quantity("4")


def test_a_version_of_an_instance_type_asks_for_its_limits() -> None:
    size = {"limits": {"cpu": "2", "memory": "3Gi", "gpu": 1}, "requests": {"cpu": "100m"}}
    on = platform(instanceTypes={"small": size})
    plan = version(on, instanceType="small", resourceRequest={"maxReplica": 2})
    assert demand_of(plan) == Demand("iris-1", parse_quantity("4"), parse_quantity("6Gi"), 2)


def test_a_stopped_version_asks_for_nothing() -> None:
    assert demand_of(version(stopped=True)) is None


def test_a_platform_without_a_memory_factor_gives_versions_no_memory_limit() -> None:
    found = demand_of(version(platform(limits={"memoryFactor": 0})))
    assert found is not None
    assert found.memory is None


def test_a_group_without_a_quota_may_ask_for_anything() -> None:
    admitted(GROUP, True, quota(), [demand(cpu="1M", memory=None, gpus=1000, replicas=1000)])


def test_exactly_the_quota_is_allowed() -> None:
    given = quota(cpu="2", memory="3Gi", gpu=3, maxDeployments=2)
    admitted(GROUP, True, given, [demand(memory="1Gi", gpus=1), demand("iris-2", "500m", "1Gi", 1, 2)])


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"cpu": "2999m"}, "Group iris-team exceeded cpu quota: 2999m, requesting 3"),
        ({"memory": "6Gi"}, "Group iris-team exceeded memory quota: 6Gi, requesting 6145Mi"),
        ({"gpu": 2}, "Group iris-team exceeded gpu quota: 2, requesting 3"),
        ({"maxDeployments": 1}, "Group Maximum Deployments exceeded: iris-team"),
    ],
)
def test_more_than_the_quota_is_refused_in_primehubs_words(given: dict[str, Any], what: str) -> None:
    asked = [demand("iris-1", "1", "3Gi", 1, 2), demand("iris-2", "1", "1Mi", 1, 1)]
    error = refused(quota(**given), *asked)
    assert error.what == what
    assert error.where == f"quota.{next(iter(given))}".replace("maxD", "max_d")


def test_who_asks_for_how_much_is_told() -> None:
    error = refused(quota(cpu="1"), demand("iris-1", "500m", replicas=2), demand("iris-2", "250m"))
    assert error.allowed == "at most 1 for limits x maximum replicas of all its versions: iris-1 1, iris-2 250m"


def test_a_version_without_a_memory_limit_is_refused_under_a_memory_quota() -> None:
    error = refused(quota(memory="100Gi"), demand(), demand("iris-2", memory=None))
    assert error.what == "Group iris-team has a memory quota of 100Gi, and iris-2 has no memory limit"
    assert "memoryFactor" in error.fix


def test_memory_without_a_limit_does_not_matter_to_other_quotas() -> None:
    admitted(GROUP, True, quota(cpu="1"), [demand(memory=None)])


def test_a_quota_of_no_gpus_refuses_one() -> None:
    admitted(GROUP, True, quota(gpu=0), [demand()])
    assert refused(quota(gpu=0), demand(gpus=1)).what == "Group iris-team exceeded gpu quota: 0, requesting 1"


def test_a_group_that_deployment_is_switched_off_for_is_refused_in_primehubs_words() -> None:
    deployment_enabled(GROUP, True, [demand()])
    deployment_enabled(GROUP, False, [])
    with pytest.raises(CaramlError, match=r"^The model deployment is not enabled for the selected group: iris-team"):
        deployment_enabled(GROUP, False, [demand()])


@pytest.mark.parametrize(
    ("given", "what"),
    [({"cpu": "-1"}, "negative"), ({"gpu": -1}, "gpu"), ({"maxDeployments": 1.5}, "1.5 is not a whole number")],
)
def test_a_wrong_quota_names_the_property(given: dict[str, Any], what: str) -> None:
    with pytest.raises(CaramlError, match=what) as caught:
        quota(**given)
    assert caught.value.where == next(iter(given))


milli = st.integers(1, 10**12).map(lambda number: f"{number}m")
memory = st.builds(
    lambda number, unit: f"{number}{unit}", st.integers(1, 10**6), st.sampled_from(["", "Ki", "Mi", "M", "Gi"])
)
shares = st.builds(Share, milli, memory, st.integers(0, 16), st.integers(1, 1000))
versions = st.lists(st.lists(shares, min_size=1, max_size=2), min_size=1, max_size=8)


def exact(amount: Quantity | None) -> Fraction:
    return Fraction(amount.value) if amount else Fraction(0)


def exactly(text: str | None) -> Fraction:
    return exact(parse_quantity(text or "0"))


@given(versions)
def test_sums_are_exact_whatever_the_suffixes(asked: list[list[Share]]) -> None:
    flat = [share for version in asked for share in version]
    demands = [Demand.of(f"iris-{number}", version) for number, version in enumerate(asked)]
    assert sum(exact(each.cpu) for each in demands) == sum(exactly(each.cpu_limit) * each.replicas for each in flat)
    assert sum(exact(each.memory) for each in demands) == sum(
        exactly(each.memory_limit) * each.replicas for each in flat
    )
    assert sum(each.gpu for each in demands) == sum(each.gpus * each.replicas for each in flat)


@given(versions, st.sampled_from([("cpu", 1000, "m"), ("memory", 1, "")]))
def test_a_quota_of_the_sum_is_enough_and_a_step_less_is_not(
    asked: list[list[Share]], counted: tuple[str, int, str]
) -> None:
    name, steps, suffix = counted
    demands = [Demand.of(f"iris-{number}", version) for number, version in enumerate(asked)]
    needed = ceil(sum(exact(getattr(each, name)) for each in demands) * steps)
    admitted(GROUP, True, quota(**{name: f"{needed}{suffix}"}), demands)
    assert f"exceeded {name} quota" in refused(quota(**{name: f"{needed - 1}{suffix}"}), *demands).what


@given(st.lists(shares, min_size=1, max_size=3))
def test_policies_read_the_demand_that_a_component_wrote(asked: list[Share]) -> None:
    written = Demand.of("iris-1", asked)
    as_sent = {name: float(value) if isinstance(value, int) else value for name, value in written.props().items()}
    assert Demand.read("iris-1", as_sent) == written
