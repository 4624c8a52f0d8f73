"""Hooks around operations on resources, in whole programs on the embedded engine."""

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from tests.unit.engine.memory import Stack

HOOKS = """
from pulumi import ErrorHook, ResourceHook, ResourceHookBinding, ResourceHookOptions


def note(args):
    value = lambda properties: properties and properties.get("value")
    print("ran", args.name, value(args.old_inputs), value(args.new_inputs), value(args.old_outputs),
          value(args.new_outputs))


def fail(args):
    raise ValueError("not now")

"""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
    return Stack(tmp_path)


def program(stack: Stack, text: str) -> Stack:
    return stack.program(HOOKS + textwrap.dedent(text))


def ran(stack: Stack) -> list[str]:
    return [line.removeprefix("ran ") for line in stack.messages().splitlines() if line.startswith("ran ")]


def resources(stack: Stack) -> list[dict[str, Any]]:
    path = stack.directory / "backend/.pulumi/stacks/things/dev.json"
    found: list[dict[str, Any]] = json.loads(path.read_text())["checkpoint"]["latest"].get("resources", [])
    return found


ALL = """
hook = ResourceHook("note", note)
every = ResourceHookBinding(
    before_create=[hook], after_create=[hook], before_update=[hook], after_update=[hook],
    before_delete=[hook], after_delete=[hook])
"""


def test_hooks_run_before_and_after_each_operation_with_what_is_known_then(stack: Stack) -> None:
    program(stack, ALL + 'Thing("a", config.get("value"), opts=Options(hooks=every))')
    stack.config(value="one").must_up()
    assert ran(stack) == ["a None one None None", "a None one None one"]
    stack.must_up()
    assert ran(stack) == []
    stack.config(value="two").must_up()
    assert ran(stack) == ["a one two one None", "a one two one two"]
    program(stack, ALL).must_up()
    assert ran(stack) == ["a two None two None", "a two None two None"]
    assert stack.store.calls == ["delete a"]


def test_hooks_run_for_components_too(stack: Stack) -> None:
    program(stack, ALL + 'Group("g", {"value": config.get("value")}, opts=Options(hooks=every))')
    stack.config(value="one").must_up()
    assert ran(stack) == ["g None one None None", "g None one None None"]
    stack.config(value="two").must_up()
    assert len(ran(stack)) == 2
    program(stack, ALL).must_up()
    assert len(ran(stack)) == 2


def test_a_preview_runs_only_the_hooks_that_ask_for_it(stack: Stack) -> None:
    program(
        stack,
        """
        quiet = ResourceHook("quiet", fail)
        eager = ResourceHook("eager", note, ResourceHookOptions(on_dry_run=True))
        Thing("a", "one", opts=Options(hooks=ResourceHookBinding(before_create=[quiet, eager])))
        """,
    )
    assert stack.preview().error is None
    assert ran(stack) == ["a None one None None"]


def test_a_hook_that_fails_before_an_operation_keeps_it_from_happening(stack: Stack) -> None:
    program(
        stack,
        """
        Thing("a", opts=Options(hooks=ResourceHookBinding(before_create=[ResourceHook("gate", fail)])))
        """,
    )
    outcome = stack.up()
    assert str(outcome.error).startswith("the hook 'gate' before the create of 'a' failed: not now")
    assert stack.store.calls == []
    assert [item["type"] for item in resources(stack) if item["type"].startswith("memory")] == []


def test_a_hook_that_fails_before_a_deletion_keeps_the_resource(stack: Stack) -> None:
    gate = 'gate = ResourceHook("gate", fail)\n'
    program(stack, gate + 'Thing("a", opts=Options(hooks=ResourceHookBinding(before_delete=[gate])))').must_up()
    outcome = program(stack, gate).up()
    assert "before the delete of 'a' failed: not now" in str(outcome.error)
    assert len(stack.store.things) == 1


def test_a_hook_that_fails_after_an_operation_fails_the_run_and_what_was_done_is_recorded(stack: Stack) -> None:
    program(
        stack,
        """
        a = Thing("a", opts=Options(hooks=ResourceHookBinding(after_create=[ResourceHook("check", fail)])))
        Thing("b", a.id)
        """,
    )
    outcome = stack.up()
    assert "the hook 'check' after the create of 'a' failed: not now" in str(outcome.error)
    assert stack.store.calls == ["create a"]
    assert [item["id"] for item in resources(stack) if item["type"] == "memory:index:Thing"] == list(stack.store.things)


def test_a_hook_that_ignores_errors_warns(stack: Stack) -> None:
    program(
        stack,
        """
        hook = ResourceHook("try", fail, ResourceHookOptions(ignore_errors=True))
        Thing("a", opts=Options(hooks=ResourceHookBinding(before_create=[hook], after_create=[hook])))
        """,
    )
    assert stack.up().error is None
    assert stack.messages().count("failed: not now") == 2


def test_an_error_hook_has_an_operation_tried_again(stack: Stack) -> None:
    program(
        stack,
        """
        def again(args):
            print("ran", args.failed_operation, len(args.errors))
            return len(args.errors) < 3

        Thing("a", opts=Options(hooks=ResourceHookBinding(on_error=[ErrorHook("again", again)])))
        """,
    )
    failures = [CaramlError("throttled")] * 2
    stack.store.fail = lambda call: failures.pop() if failures else None
    stack.must_up()
    assert ran(stack) == ["create 1", "create 2"]
    assert stack.store.calls == ["create a"]
    assert stack.messages().count("create failed and is tried again, as a hook asks: throttled") == 2


def test_an_operation_fails_with_its_own_error_when_the_error_hook_gives_up(stack: Stack) -> None:
    program(
        stack,
        """
        hook = ErrorHook("again", lambda args: len(args.errors) < 2)
        Thing("a", opts=Options(hooks=ResourceHookBinding(on_error=[hook])))
        """,
    )
    stack.store.fail = lambda call: CaramlError("no quota")
    assert str(stack.up().error) == "no quota"


def test_two_hooks_of_one_name_are_refused(stack: Stack) -> None:
    program(stack, 'ResourceHook("one", note)\nResourceHook("one", note)')
    assert "two resource hooks have the name 'one'" in str(stack.up().error)


def test_a_hook_that_the_program_lost_is_named_when_the_resource_would_be_deleted(stack: Stack) -> None:
    program(stack, ALL + 'Thing("a", opts=Options(hooks=every))').must_up()
    outcome = stack.program("").up()
    assert "has the hook 'note', which the program does not register" in str(outcome.error)
    assert len(stack.store.things) == 1


def test_destroy_refuses_resources_whose_deletion_has_hooks(stack: Stack) -> None:
    program(stack, ALL + 'Thing("a", opts=Options(hooks=every))').must_up()
    outcome = stack.destroy()
    assert "'a' has hooks that run when it is deleted, and destroy runs no program" in str(outcome.error)
    assert len(stack.store.things) == 1
