import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from caraml_pulumi.engine.display.document import document
from caraml_pulumi.engine.display.lines import PATIENCE, Lines
from caraml_pulumi.engine.display.progress import Progress
from caraml_pulumi.engine.display.view import Display, Subject
from caraml_pulumi.engine.events import EngineEvent
from caraml_pulumi.engine.values import UNKNOWN_TEXT
from tests.unit.engine.display.events import (
    RECORDED,
    RECORDINGS,
    SECRET,
    Resource,
    config_map,
    diagnostic,
    recorded,
    stack,
    summary,
    tree_of,
    violation,
)


def shown(
    events: list[EngineEvent],
    kind: type[Display] = Lines,
    *,
    planning: bool = False,
    operation: str = "update",
    show_diff: bool = False,
    color: bool = False,
) -> str:
    screen = io.StringIO()
    console = Console(file=screen, width=200, height=30, force_terminal=color, no_color=not color, highlight=False)
    with kind(console, Subject(operation, "iris/dev", planning), show_diff=show_diff) as display:
        for event in events:
            display.sink(event)
    return screen.getvalue()


def test_a_preview_shows_what_changes_below_each_row() -> None:
    text = shown(recorded(RECORDINGS / "basic/2-update.events.jsonl"), planning=True)
    assert text.splitlines()[:8] == [
        "Previewing update (iris/dev)",
        "",
        "    pulumi:Stack                        basic-dev",
        " ~  └─ conformance:Team                 fraud           update   [diff: ~greeting]",
        '       │  ~ greeting: "hello" => "goodbye"',
        " +-    ├─ kubernetes:core/v1:ConfigMap  fraud-settings  replace  [diff: ~data]",
        '       │     ~ data.greeting: "hello" => "goodbye"',
        "       └─ 2 unchanged",
    ]
    assert "Resources: ~ 1 to update, +- 1 to replace, 3 unchanged" in text


def test_a_log_has_one_line_for_each_finished_step_and_no_escape_codes() -> None:
    text = shown(recorded(RECORDINGS / "workload/1-create.events.jsonl"))
    created = [line for line in text.splitlines() if "  created" in line]
    assert len(created) == 7
    assert len(set(created)) == 7
    assert "\x1b" not in text


def test_a_replacement_in_a_log_tells_each_of_its_steps() -> None:
    text = shown(recorded(RECORDINGS / "dynamic/3-replace.events.jsonl"))
    steps = [line.split("  ")[-1].split(" (")[0] for line in text.splitlines() if line.startswith(" +-")]
    assert steps == ["created replacement", "deleted original"]


def test_a_slow_step_is_announced_once_with_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    thing = config_map("slow")
    screen = io.StringIO()
    display = Lines(Console(file=screen, width=200), Subject("update", "iris/dev", False))
    with display:
        display.sink(thing.starts("create", None, {}))
        display.tree.rows[thing.urn].started -= PATIENCE
        display.sink(diagnostic("waiting: 1 of 2 replicas ready", "info", thing.urn, ephemeral=True))
        deadline = time.monotonic() + 20
        while "waiting" not in screen.getvalue() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1.2)
        display.sink(thing.ends("create", None, {}))
    assert screen.getvalue().count("waiting: 1 of 2 replicas ready") == 1
    assert "slow  creating (2" in screen.getvalue()


def test_an_import_that_changes_something_is_one_row_with_its_differences_and_counted_as_both() -> None:
    same, other = config_map("a"), config_map("b")
    events = [
        *same.does("import", {"data": {"x": 1}}, {"data": {"x": 1}}),
        *other.does("import", {"data": {"x": 1}}, {"data": {"x": 1}}),
        *other.does("update", {"data": {"x": 1}}, {"data": {"x": 2}}),
        {"summaryEvent": {"resourceChanges": {"import": 2, "update": 1}, "durationSeconds": 1}},
    ]
    preview = shown(events, planning=True)
    assert " =  kubernetes:core/v1:ConfigMap  a  import\n" in preview
    assert " =~ kubernetes:core/v1:ConfigMap  b  import, update  [diff: ~data]\n" in preview
    assert "~ data.x: 1 => 2" in preview
    assert "= 2 to import, ~ 1 to update" in preview
    log = shown(events).splitlines()
    assert [line.split(" (")[0].strip() for line in log if "ConfigMap" in line] == [
        "=  kubernetes:core/v1:ConfigMap a  imported",
        "=  kubernetes:core/v1:ConfigMap b  imported",
        "~  kubernetes:core/v1:ConfigMap b  updated",
    ]
    steps = document(tree_of(events), 1.0)["steps"]
    assert [step["op"] for step in steps] == ["import", "import"]


def test_a_status_that_changes_all_the_time_is_a_line_in_a_log_only_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("caraml_pulumi.engine.display.lines.PAUSE", 1.5)
    thing = config_map("slow")
    screen = io.StringIO()
    with Lines(Console(file=screen, width=200), Subject("update", "iris/dev", False)) as display:
        display.sink(thing.starts("create", None, {}))
        display.tree.rows[thing.urn].started -= PATIENCE
        for number in range(30):
            display.sink(diagnostic(f"{number} of 30 parts sent", "info", thing.urn, ephemeral=True))
            time.sleep(0.1)
        display.sink(thing.ends("create", None, {}))
        display.sink(diagnostic("30 of 30 parts sent", "info", thing.urn, ephemeral=True))
    assert 1 <= screen.getvalue().count("parts sent") <= 2
    assert "30 of 30" not in screen.getvalue()


def test_nothing_to_change_is_said_in_one_line() -> None:
    text = shown(recorded(RECORDINGS / "basic/3-same.events.jsonl"), planning=True)
    assert text.splitlines()[2:5] == ["    No changes.", "", "Resources: 5 unchanged"]


def test_a_failure_before_any_change_is_not_told_as_no_changes() -> None:
    text = shown([summary("failed", same=1)], planning=True)
    assert text.splitlines()[2] == "    No changes before it failed."


def test_at_most_four_changes_stand_below_a_row_and_the_rest_is_counted() -> None:
    old = {f"key-{number}": number for number in range(6)}
    events = config_map("a").does("update", old, {key: value + 1 for key, value in old.items()})
    text = shown(events, planning=True)
    assert "~ key-3: 3 => 4" in text
    assert "key-4: 4" not in text
    assert "… 2 more (--diff shows all)" in text


def test_a_change_whose_values_are_not_told_is_named() -> None:
    events = config_map("a").does("update", {"token": SECRET}, {"token": SECRET}, diffs=["token"])
    assert "~ token\n" in shown(events, planning=True)


def test_an_update_only_because_the_last_one_did_not_become_ready_says_so() -> None:
    events = config_map("a").does("update", {"x": 1}, {"x": 1})
    for event in events:
        next(iter(event.values()))["metadata"]["old"]["initErrors"] = ["not ready"]
    assert "a  update  [was not ready]" in shown(events, planning=True)


def test_long_values_are_left_to_the_diff() -> None:
    events = config_map("a").does("update", {"text": "a" * 100}, {"text": "b" * 100})
    assert "bbb" not in shown(events, planning=True)
    assert "b" * 100 in shown(events, planning=True, show_diff=True)


def test_drift_is_called_drift_and_what_is_gone_is_called_gone() -> None:
    drifted, gone = config_map("settings"), config_map("token")
    events = [*stack().does("same", {}, {})]
    events += [item.starts("refresh", {"size": "3"}, {"size": "3"}) for item in (drifted, gone)]
    events += [drifted.ends("update", {"size": "3"}, {"size": "9"}), gone.ends("delete", {"size": "3"})]
    text = shown(events, planning=True, operation="refresh")
    assert "settings  drifted" in text
    assert '~ size: "3" => "9"' in text
    assert "gone" in text


def test_a_log_tells_drift_and_its_repair_apart() -> None:
    thing = config_map("a")
    found = [thing.starts("refresh", {"x": 1}, {"x": 1}), thing.ends("update", {"x": 1}, {"x": 2})]
    text = shown([*found, *thing.does("update", {"x": 2}, {"x": 1})])
    assert [line.split("  ")[-1].split(" (")[0] for line in text.splitlines() if line.startswith(" ~")] == [
        "drifted",
        "updated",
    ]


def test_messages_are_grouped_by_resource_and_violations_begin_with_the_mandatory_ones() -> None:
    thing = config_map("a")
    events = [
        *thing.does("create", None, {}),
        diagnostic("first\nmore", "warning", thing.urn),
        diagnostic("general", "error"),
        diagnostic("second", "error", thing.urn),
        violation("advisory", thing.urn, "rather not"),
        violation("mandatory", thing.urn),
        summary("failed", create=1),
    ]
    text = shown(events)
    expected = [
        "Diagnostics:",
        "  the stack as a whole:",
        "    error: general",
        "  kubernetes:core/v1:ConfigMap a:",
        "    warning: first",
        "    more",
        "    error: second",
        "",
        "Policy violations:",
        "  mandatory at-most-two-versions  caraml v0.1.0",
        "    kubernetes:core/v1:ConfigMap a",
        "    three versions of iris",
        "  advisory at-most-two-versions  caraml v0.1.0",
    ]
    lines = text.splitlines()
    start = lines.index("Diagnostics:")
    assert lines[start : start + len(expected)] == expected


def test_a_long_message_is_wrapped_below_its_beginning_on_a_terminal_and_left_alone_in_a_log() -> None:
    events = [diagnostic(" ".join(f"word-{number}" for number in range(40)), "warning")]
    on_terminal = [line for line in shown(events, Progress, color=True).splitlines() if "word-" in line]
    assert len(on_terminal) == 2
    assert on_terminal[1].startswith("    word-")
    assert len([line for line in shown(events).splitlines() if "word-" in line]) == 1


def test_outputs_show_what_changed_and_a_preview_shows_nothing_else() -> None:
    events = [*stack().does("same", {"url": "a", "same": 1}, {"url": "b", "same": 1}), summary(same=1)]
    assert '  ~ url: "a" => "b"' in shown(events)
    assert "    same: 1" in shown(events)
    assert "same: 1" not in shown(events, planning=True)


def test_a_program_that_fails_is_not_said_to_delete_the_outputs() -> None:
    events = [stack().starts("same", {"url": "a"}, {}), diagnostic("no"), summary("failed")]
    assert "url" not in shown(events, planning=True)


def test_an_operation_that_could_not_begin_shows_no_summary() -> None:
    screen = io.StringIO()
    with (
        pytest.raises(RuntimeError),
        Progress(Console(file=screen, width=100, force_terminal=True), Subject("update", "iris/dev", True)),
    ):
        raise RuntimeError
    assert "Resources:" not in screen.getvalue()


@pytest.mark.parametrize("kind", [Lines, Progress])
def test_a_failed_step_is_told_with_its_reason(kind: type[Display]) -> None:
    thing = config_map("a")
    events = [thing.starts("create", None, {}), thing.fails("create", None, {}), diagnostic("quota", urn=thing.urn)]
    text = shown([*events, summary("failed")], kind)
    assert "create failed" in text
    assert "error: quota" in text


def test_a_component_is_no_further_than_the_resources_in_it() -> None:
    team = Resource("caraml:index:ModelProject", "team", custom=False)
    thing = config_map("a", team.urn)
    console = Console(file=io.StringIO(), width=100, height=20, force_terminal=True)
    display = Progress(console, Subject("update", "iris/dev", False))

    def rows() -> list[str]:
        return [line.plain for line in display._frame().renderables if isinstance(line, Text)]

    for event in [*team.does("create", None, {}), thing.starts("create", None, {})]:
        display.sink(event)
    assert rows()[2].split() == [rows()[3].split()[0], "caraml:ModelProject", "team", "creating"]
    display.sink(thing.fails("create", None, {}))
    assert rows()[2].endswith("team  create not finished")


def test_a_tree_higher_than_the_terminal_gives_way_to_what_is_in_progress() -> None:
    console = Console(file=io.StringIO(), width=100, height=20, force_terminal=True)
    display = Progress(console, Subject("update", "iris/dev", False))
    for number in range(100):
        display.sink(config_map(f"done-{number}").starts("create", None, {}))
        if number >= 3:
            display.sink(config_map(f"done-{number}").ends("create", None, {}))
    frame = [getattr(line, "plain", "") for line in display._frame().renderables]
    assert len(frame) <= 20
    assert sum("creating" in line for line in frame) == 3
    assert "97 done, 3 in progress" in frame[-1]


def test_one_ctrl_c_says_what_is_waited_for() -> None:
    screen = io.StringIO()
    with Lines(Console(file=screen, width=200), Subject("update", "iris/dev", False)) as display:
        display.sink(config_map("a").starts("create", None, {}))
        display.cancelling()
    assert "stopping: waiting for 1 operation in progress (Ctrl-C again to stop at once)" in screen.getvalue()


def test_names_are_printed_as_they_are_even_if_they_look_like_markup() -> None:
    events = config_map("[bold]a[/bold]").does("create", None, {"text": "[red]"})
    assert "[bold]a[/bold]" in shown(events, planning=True)
    assert '"[red]"' in shown(events, planning=True, show_diff=True)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}/{path.name}")
@pytest.mark.parametrize("kind", [Lines, Progress])
def test_every_recording_can_be_shown_in_every_way(path: Path, kind: type[Display]) -> None:
    for planning in (True, False):
        for show_diff in (True, False):
            text = shown(recorded(path), kind, planning=planning, show_diff=show_diff, color=kind is Progress)
            assert "Resources: " in text.replace("\x1b[1m", "").replace("\x1b[0m", "")


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_document_has_the_steps_and_counts_that_pulumi_recorded(path: Path) -> None:
    ours = json.loads(json.dumps(document(tree_of(recorded(path)), 1.5)))
    theirs = json.loads(path.with_name(path.name.replace(".events.jsonl", ".preview.json")).read_text())

    def essence(step: dict[str, Any]) -> dict[str, Any]:
        return {key: step.get(key) for key in ("op", "urn", "detailedDiff", "replaceReasons")}

    def steps(of: dict[str, Any]) -> list[dict[str, Any]]:
        return sorted(map(essence, of["steps"]), key=lambda step: str(step["urn"]))

    assert steps(ours) == steps(theirs)
    assert ours["changeSummary"] == theirs["changeSummary"]
    assert ours["config"] == (theirs.get("config") or {})
    assert ours["duration"] == 1_500_000_000


def test_the_document_hides_secrets_and_marks_what_failed() -> None:
    thing = Resource("a:b:C", "c")
    events = [
        thing.starts("create", None, {"a": SECRET, "b": UNKNOWN_TEXT}),
        thing.fails("create", None, {"a": [SECRET]}),
    ]
    (step,) = document(tree_of(events), 0)["steps"]
    assert step["newState"]["inputs"] == {"a": ["[secret]"]}
    assert step["failed"] is True


@pytest.mark.parametrize(
    ("levels", "line"),
    [
        ((), "Policies:  passed  caraml v0.1.0"),
        (("advisory",), "Policies:  passed, 1 advisory  caraml v0.1.0"),
        (("mandatory", "advisory"), "Policies:  1 violated, 1 advisory  caraml v0.1.0"),
    ],
)
def test_the_summary_says_what_the_policy_packs_said(levels: tuple[str, ...], line: str) -> None:
    ended = summary(same=1)
    ended["summaryEvent"]["PolicyPacks"] = {"caraml": "0.1.0"}
    text = shown([*(violation(level, message=level) for level in levels), ended])
    assert line in [printed.strip() for printed in text.splitlines()]


def test_without_policy_packs_the_summary_is_silent_about_them() -> None:
    assert "Policies" not in shown([summary(same=1)])


def test_what_is_deleted_is_said_to_go_after_the_other_changes() -> None:
    version = Resource("caraml:index:CustomModelVersion", "iris-1", custom=False)
    service = Resource("kubernetes:core/v1:Service", "iris-1", version.urn)
    gone = [*version.does("delete", {}), *service.does("delete", {})]
    update = config_map("iris").does("update", {"to": "1"}, {"to": "2"})
    rows = [
        line
        for line in shown([*stack().does("same", {}, {}), *gone, *update], planning=True).splitlines()
        if "iris" in line
    ]
    deletions = [row for row in rows if row.startswith(" -")]
    assert [row.endswith("[after the other changes]") for row in deletions] == [True, False]
    assert rows.index(deletions[0]) > next(index for index, row in enumerate(rows) if row.startswith(" ~"))
    assert "after the other changes" not in shown([*stack().does("same", {}, {}), *gone], planning=True)
