import pytest

from caraml_pulumi.engine.display.layout import lay_out
from caraml_pulumi.engine.display.tree import Status
from tests.unit.engine.display.events import (
    RECORDINGS,
    Resource,
    config_map,
    diagnostic,
    recorded,
    stack,
    summary,
    tree_of,
    violation,
)


@pytest.mark.parametrize("step", ["basic/2-update", "dynamic/3-replace"])
def test_the_three_steps_of_a_recorded_replacement_are_one_row(step: str) -> None:
    tree = tree_of(recorded(RECORDINGS / f"{step}.events.jsonl"))
    (row,) = [row for row in tree.rows.values() if row.op == "replace"]
    assert row.status is Status.DONE
    assert row.metadata["old"]
    assert row.metadata["new"]
    assert row.changes
    assert all(change.replaces for change in row.changes)


def test_default_providers_are_not_shown_but_explicit_ones_are() -> None:
    basic = tree_of(recorded(RECORDINGS / "basic/1-create.events.jsonl"))
    assert not [row for row in basic.rows.values() if row.type.startswith("pulumi:providers:")]
    workload = tree_of(recorded(RECORDINGS / "workload/1-create.events.jsonl"))
    assert [row.name for row in workload.rows.values() if row.type.startswith("pulumi:providers:")] == ["cluster"]


def test_a_default_provider_that_fails_tells_why() -> None:
    provider = Resource("pulumi:providers:kubernetes", "default_4_34_2", "")
    tree = tree_of([provider.starts("create", None, {}), provider.fails("create", None, {}), diagnostic("no cluster")])
    assert [row.status for row in tree.rows.values()] == [Status.FAILED]


def test_a_step_counts_the_seconds_between_its_start_and_its_end() -> None:
    thing = config_map("a")
    events = [thing.starts("create", None, {}), diagnostic("waiting", "info", thing.urn, ephemeral=True)]
    tree = tree_of([*events, diagnostic("still", "info", thing.urn, ephemeral=True), thing.ends("create", None, {})])
    assert tree.rows[thing.urn].duration == 3.0


def test_a_passing_status_is_shown_until_the_step_ends() -> None:
    thing = config_map("a")
    events = [thing.starts("create", None, {}), diagnostic("1 of 2 ready\n", "warning", thing.urn, ephemeral=True)]
    tree = tree_of(events)
    assert tree.rows[thing.urn].message == "1 of 2 ready"
    assert tree.diagnostics == []
    tree.apply(thing.ends("create", None, {}), 9)
    assert tree.rows[thing.urn].message == ""


def test_debug_messages_and_empty_ones_are_left_out() -> None:
    tree = tree_of([diagnostic("registering", "debug"), diagnostic("\n", "info"), diagnostic("hello\n", "info")])
    assert [item.message for item in tree.diagnostics] == ["hello"]


def test_a_refresh_says_what_it_found() -> None:
    drifted, gone, same = config_map("drifted"), config_map("gone"), config_map("same")
    tree = tree_of(
        [
            *(item.starts("refresh", {"data": "a"}, {"data": "a"}) for item in (drifted, gone, same)),
            drifted.ends("update", {"data": "a"}, {"data": "b"}),
            gone.ends("delete", {"data": "a"}),
            same.ends("same", {"data": "a"}, {"data": "a"}),
        ]
    )
    assert [row.op for row in tree.rows.values()] == ["update", "delete", "same"]


def test_a_refresh_that_pulumi_does_not_name_is_known_by_what_it_found() -> None:
    drifted, gone, same = config_map("drifted"), config_map("gone"), config_map("same")
    tree = tree_of(
        [
            *drifted.does("refresh", {"data": "a"}, {"data": "b"}),
            *gone.does("refresh", {"data": "a"}),
            *same.does("refresh", {"data": "a"}, {"data": "a"}),
        ]
    )
    assert [row.op for row in tree.rows.values()] == ["update", "delete", "same"]


def test_steps_that_a_failure_cut_off_are_not_finished() -> None:
    one, two = config_map("one"), config_map("two")
    events = [one.starts("create", None, {}), two.starts("create", None, {}), two.fails("create", None, {})]
    tree = tree_of([*events, diagnostic("no", urn=two.urn), summary("failed")])
    assert [row.status for row in tree.rows.values()] == [Status.UNFINISHED, Status.FAILED]


def test_a_component_that_registers_no_outputs_is_done_with_the_run() -> None:
    tree = tree_of([stack().starts("create", None, {}), summary(create=1)])
    assert [row.status for row in tree.rows.values()] == [Status.DONE]


def test_the_same_violation_reported_twice_is_kept_once() -> None:
    tree = tree_of([violation("mandatory"), violation("mandatory"), violation("advisory")])
    assert [item.mandatory for item in tree.violations] == [True, False]


def test_unchanged_resources_are_folded_and_counted_with_all_below_them() -> None:
    team = Resource("caraml:index:ModelProject", "team", custom=False)
    events = [*stack().does("same", {}, {}), *team.does("same", {}, {})]
    for index in range(3):
        events += config_map(f"same-{index}", team.urn).does("same", {}, {})
    events += config_map("new").does("create", None, {})
    lines = lay_out(tree_of(events))
    assert [line.row.name if line.row else line.folded for line in lines] == ["iris-dev", "new", 4]


def test_an_unchanged_resource_with_a_warning_is_not_folded() -> None:
    thing = config_map("a")
    lines = lay_out(tree_of([*thing.does("same", {}, {}), diagnostic("deprecated", "warning", thing.urn)]))
    assert [line.row.name for line in lines if line.row] == ["a"]


def test_a_resource_whose_parent_is_not_known_stands_at_the_top() -> None:
    lines = lay_out(tree_of(config_map("orphan", "urn:pulumi:dev::iris::a:b:C::gone").does("delete", {})))
    assert [(line.row.name, line.depth) for line in lines if line.row] == [("orphan", 0)]


def test_siblings_are_sorted_so_that_two_logs_can_be_compared() -> None:
    events = [event for name in ("iris-10", "iris-2", "b", "iris-2a") for event in config_map(name).does("delete", {})]
    lines = lay_out(tree_of(events))
    assert [line.row.name for line in lines if line.row] == ["b", "iris-2", "iris-2a", "iris-10"]
