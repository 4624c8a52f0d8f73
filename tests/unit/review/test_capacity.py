from typing import Any

import pytest

from caraml_pulumi.engine.values import UNKNOWN_TEXT
from caraml_pulumi.model.prices import Prices
from caraml_pulumi.model.quota import demand_of
from caraml_pulumi.review.document import ProjectReview
from tests.unit.model import builders
from tests.unit.review.builders import a_project, a_version, project, reviewed, same, version

PRICES = Prices(currency="EUR", cpu_per_hour=0.04, memory_gib_per_hour=0.005, gpu_per_hour={"nvidia.com/gpu": 2.5})
REQUEST = {"min_replica": 1, "max_replica": 3, "cpu_request": "1", "memory_request": "2Gi", "cpu_limit": "2"}
GPU = {"gpus": [{"name": "T4", "resource_type": "nvidia.com/gpu"}]}


def the_project(*events: Any, prices: Prices | None = None) -> ProjectReview:
    [found] = reviewed(*events, prices=prices).projects
    return found


def test_a_project_counts_limits_times_most_replicas_before_and_after() -> None:
    found = the_project(
        same(a_project(), project(cpu="8", memory="16Gi", gpu=0, maxDeployments=2)),
        same(a_version(1), version(1, resource_request=REQUEST)),
        a_version(2).does("create", None, version(2, resource_request={**REQUEST, "max_replica": 1})),
    )
    assert (found.cpu.before, found.cpu.after, found.cpu.quota_after) == ("6", "8", "8")
    assert (found.cpu.percent_before, found.cpu.percent_after) == (75, 100)
    assert (found.memory.before, found.memory.after) == ("12Gi", "16Gi")
    assert (found.deployments.before, found.deployments.after, found.deployments.percent_after) == ("1", "2", 100)
    assert found.gpu.percent_after is None
    assert found.changed


def test_it_counts_as_the_quota_of_a_group_does() -> None:
    plan = builders.version(resource_request=REQUEST, transformer={"image": "ghcr.io/team/feast:1"})
    demand = demand_of(plan)
    found = the_project(a_version().does("create", None, plan.props()))
    assert demand is not None
    assert (found.cpu.after, found.memory.after) == (str(demand.cpu), str(demand.memory))


def test_a_stopped_version_takes_nothing() -> None:
    found = the_project(a_version().does("update", version(), version(stopped=True)))
    assert (found.cpu.before, found.cpu.after, found.deployments.after) == ("8", "0", "0")


def test_a_version_that_goes_counts_before_only() -> None:
    found = the_project(a_version().does("delete", version(), None))
    assert (found.cpu.before, found.cpu.after) == ("8", "0")


def test_a_version_without_a_memory_limit_has_no_sum() -> None:
    on = builders.platform(limits={"memory_factor": 0})
    props = builders.version(on).props()
    assert the_project(a_version().does("create", None, props)).memory.after is None


def test_versions_whose_resources_are_not_known_are_named() -> None:
    props = {**version(), "resourceRequest": {**version()["resourceRequest"], "cpuLimit": UNKNOWN_TEXT}}
    found = the_project(a_version().does("create", None, props))
    assert (found.not_counted, found.cpu.after) == (["iris-1"], "0")


def test_a_month_costs_730_hours_of_the_requests() -> None:
    old = version(resource_request=REQUEST)
    new = version(resource_request={**REQUEST, "min_replica": 2, "max_replica": 4})
    found = the_project(a_version().does("update", old, new), prices=PRICES)
    # (1 core x 0.04 + 2 GiB x 0.005) x 730 hours = 36.50 a replica
    assert found.cost is not None
    assert (found.cost.min_before, found.cost.max_before) == ("36.50", "109.50")
    assert (found.cost.min_after, found.cost.max_after) == ("73.00", "146.00")


@pytest.mark.parametrize(
    ("prices", "cost"), [(PRICES, "3650.00"), (PRICES.model_copy(update={"gpu_per_hour": {"all": 1.0}}), "1460.00")]
)
def test_gpus_cost_by_their_names_or_all_the_same(prices: Prices, cost: str) -> None:
    free = prices.model_copy(update={"cpu_per_hour": 0.0, "memory_gib_per_hour": 0.0})
    request = {**REQUEST, "min_replica": 1, "max_replica": 1, "gpu_name": "T4", "gpu_request": 2}
    props = builders.version(builders.platform(**GPU), resource_request=request).props()
    found = the_project(a_version().does("create", None, props), prices=free)
    assert found.gpu.after == "2"
    assert found.cost is not None
    assert found.cost.max_after == cost


def test_a_gpu_without_a_price_leaves_the_cost_open() -> None:
    props = version(resource_request=REQUEST)
    props["resourceRequest"] |= {"gpuResource": "amd.com/gpu", "gpuRequest": 1}
    assert the_project(a_version().does("create", None, props), prices=PRICES).cost is None


def test_without_prices_there_is_no_cost() -> None:
    assert the_project(a_version().does("create", None, version())).cost is None


def test_a_quota_that_changes_is_a_change_of_the_project() -> None:
    found = the_project(a_project().does("update", project(cpu="4"), project(cpu="8")), same(a_version(), version()))
    assert (found.cpu.quota_before, found.cpu.quota_after) == ("4", "8")
    assert (found.cpu.percent_before, found.cpu.percent_after) == (200, 100)
    assert found.changed
