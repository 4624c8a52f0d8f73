"""Pulumi's resource options about replacing and deleting, in whole programs."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from caraml_pulumi.engine.display.lines import Lines
from caraml_pulumi.engine.display.view import Subject
from caraml_pulumi.engine.providers.base import Live, PartialFailure
from tests.unit.engine.memory import Stack


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
    return Stack(tmp_path).config(value="one", fixed="x")


def state(stack: Stack) -> dict[str, dict[str, object]]:
    path = stack.directory / "backend/.pulumi/stacks/things/dev.json"
    resources = json.loads(path.read_text())["checkpoint"]["latest"].get("resources", [])
    return {item["urn"].rsplit("::", 1)[1]: item for item in resources}


@pytest.mark.parametrize("path", ["value", "*"])
def test_a_change_that_is_to_replace_replaces(stack: Stack, path: str) -> None:
    stack.program(f'Thing("a", config.get("value"), opts=Options(replace_on_changes=["{path}"]))').must_up()
    stack.config(value="two")
    assert stack.preview().changes == {"same": 1, "replace": 1}
    stack.must_up()
    assert stack.store.calls == ["create a", "delete a"]
    assert stack.up().changes == {"same": 2}


def test_a_change_of_another_property_does_not_replace(stack: Stack) -> None:
    stack.program('Thing("a", config.get("value"), opts=Options(replace_on_changes=["other", "value.more"]))').must_up()
    stack.config(value="two").must_up()
    assert stack.store.calls == ["update a"]


def test_a_change_of_a_secret_can_replace_and_is_not_shown(stack: Stack) -> None:
    program = (
        'secret = pulumi.Output.secret("hunter1")\n'
        'Thing("a", secret, opts=Options(replace_on_changes=["value"], replacement_trigger=secret))'
    )
    stack.program(program).must_up()
    stack.program(program.replace("hunter1", "hunter2")).must_up()
    assert stack.store.calls == ["create a", "delete a"]
    written = "".join(path.read_text() for path in (stack.directory / "backend").rglob("*.json*"))
    assert "replacementTrigger" in written
    assert "hunter" not in written + json.dumps(stack.events)


def test_what_never_became_ready_is_replaced_where_any_change_is_to_replace(stack: Stack) -> None:
    stack.program('Thing("a", "one", opts=Options(replace_on_changes=["*"]))')
    stack.store.fail = lambda call: PartialFailure(Live("a-unready", {"value": "one", "fixed": None}), "not ready")
    assert stack.up().error is not None
    stack.store.fail = lambda call: None
    stack.must_up()
    assert stack.store.calls == ["create a", "delete a"]


def test_another_replacement_trigger_replaces_and_a_first_one_does_not(stack: Stack) -> None:
    stack.program('Thing("a", "one")').must_up()
    stack.program('Thing("a", "one", opts=Options(replacement_trigger={"of": config.get("value")}))')
    assert stack.must_up().changes == {"same": 2}
    assert state(stack)["a"]["replacementTrigger"] == {"of": "one"}
    stack.config(value="two")
    assert stack.preview().changes == {"same": 1, "replace": 1}
    stack.must_up()
    assert stack.store.calls == ["create a", "delete a"]
    assert stack.must_up().changes == {"same": 2}


def test_what_is_replaced_with_another_resource_follows_it(stack: Stack) -> None:
    stack.program(
        """
        a = Thing("a", fixed=config.get("fixed"))
        Thing("b", opts=Options(replace_with=[a]))
        Thing("bystander", opts=Options(depends_on=[a]))
        """
    ).must_up()
    assert stack.must_up().changes == {"same": 4}
    stack.config(fixed="y")
    assert stack.preview().changes == {"same": 2, "replace": 2}
    stack.must_up()
    assert stack.store.calls[:2] == ["create a", "create b"]
    assert stack.store.calls[2:] == ["delete b", "delete a"]
    stack.config(fixed="first").must_up()
    assert stack.store.calls == ["delete b", "delete a", "create a", "create b"]


def test_what_is_deleted_with_another_resource_is_not_deleted_on_its_own(stack: Stack) -> None:
    program = 'a = Thing("a", fixed=config.get("fixed"))\nThing("b", opts=Options(deleted_with=a))'
    stack.program(program).must_up()
    assert state(stack)["b"]["deletedWith"] == state(stack)["a"]["urn"]
    stack.config(fixed="y").must_up()
    assert stack.store.calls == ["create a", "create b", "delete a"]
    stack.config(fixed="first").must_up()
    assert stack.store.calls == ["delete a", "create a", "create b"]
    stack.program('a = Thing("a", fixed=config.get("fixed"))').must_up()
    assert stack.store.calls == ["delete b"]
    stack.program(program).must_up()
    assert stack.destroy().error is None
    assert stack.store.calls == ["delete a"]
    assert state(stack) == {}


def test_a_protected_dependent_is_not_deleted_along(stack: Stack) -> None:
    stack.program(
        'a = Thing("a", fixed=config.get("fixed"))\nThing("b", fixed=a.id, opts=Options(protect=True))'
    ).must_up()
    error = stack.config(fixed="first").up().error
    assert "'b' is protected and would be replaced, along with 'a'" in str(error)
    assert len(stack.store.things) == 2


def test_a_resource_can_be_unprotected_and_replaced_at_once(stack: Stack) -> None:
    stack.program('Thing("a", fixed="x", opts=Options(protect=True))').must_up()
    stack.program('Thing("a", fixed="y")').must_up()
    assert stack.store.calls == ["create a", "delete a"]


def test_a_replacement_gets_the_programs_values_of_what_was_ignored(stack: Stack) -> None:
    stack.program(
        'Thing("a", config.get("value"), fixed=config.get("fixed"), opts=Options(ignore_changes=["value"]))'
    ).must_up()
    assert stack.config(value="two").must_up().changes == {"same": 2}
    stack.config(fixed="y").must_up()
    assert [thing["value"] for thing in stack.store.things.values()] == ["two"]


def test_a_tainted_resource_is_replaced_by_the_next_update(stack: Stack) -> None:
    stack.program('Thing("a", "one")').must_up()
    path = stack.directory / "backend/.pulumi/stacks/things/dev.json"
    document = json.loads(path.read_text())
    document["checkpoint"]["latest"]["resources"][-1]["taint"] = True
    path.write_text(json.dumps(document))
    assert stack.preview().changes == {"same": 1, "replace": 1}
    stack.must_up()
    assert stack.store.calls == ["create a", "delete a"]
    assert stack.must_up().changes == {"same": 2}


def test_a_preview_says_why_what_has_not_changed_is_replaced(stack: Stack) -> None:
    program = """
    a = Thing("a", fixed=config.get("fixed"), opts=Options(replacement_trigger=config.get("value")))
    Thing("b", opts=Options(replace_with=[a]))
    Thing("c", opts=Options(deleted_with=a))
    Thing("d")
    """
    stack.program(program).must_up()
    stack.config(value="two").select(replaces=("d",)).preview()
    screen = StringIO()
    with Lines(Console(width=120, file=screen), Subject("update", "things/dev", planning=True)) as display:
        for event in stack.events:
            display.sink(event)
    shown = screen.getvalue()
    for name, reason in {
        "a": "another replacement_trigger",
        "b": "with what it is to be replaced with",
        "c": "with what it is to be deleted with",
        "d": "as asked for",
    }.items():
        assert any(f"  {name}  " in line and f"[{reason}]" in line for line in shown.splitlines()), shown
