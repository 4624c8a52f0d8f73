"""The engine's core, run on whole programs with a provider in this process."""

import json
from pathlib import Path

import pytest

from caraml_pulumi.engine.api import Options
from caraml_pulumi.engine.embedded import EmbeddedEngine
from caraml_pulumi.engine.providers.base import Live, PartialFailure
from caraml_pulumi.engine.session import Session
from caraml_pulumi.errors import INTERRUPTED, CaramlError
from tests.unit.engine.memory import Stack


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
    return Stack(tmp_path)


def state(stack: Stack) -> list[dict[str, object]]:
    path = stack.directory / "backend/.pulumi/stacks/things/dev.json"
    resources: list[dict[str, object]] = json.loads(path.read_text())["checkpoint"]["latest"].get("resources", [])
    return resources


def test_a_program_is_previewed_applied_and_then_unchanged(stack: Stack) -> None:
    stack.program('a = Thing("a", "one")\nThing("b", a.id)\npulumi.export("size", a.size)')
    preview = stack.preview()
    assert (preview.changes, preview.outputs) == ({"create": 3}, {"size": "<computed>"})
    assert not stack.store.things
    up = stack.up()
    assert (up.error, up.changes, up.outputs) == (None, {"create": 3}, {"size": 3})
    assert stack.store.calls == ["create a", "create b"]
    assert stack.preview().changes == {"same": 3}
    assert stack.up().changes == {"same": 3}
    assert stack.store.calls == []


def test_a_change_updates_only_what_it_touches(stack: Stack) -> None:
    stack.program('Thing("a", config.get("value"))\nThing("b", "two")').config(value="one").must_up()
    stack.config(value="changed").must_up()
    assert stack.store.calls == ["update a"]


def test_what_the_program_drops_is_deleted_after_everything_that_needs_it(stack: Stack) -> None:
    stack.program('a = Thing("a")\nb = Thing("b", a.id)\nThing("c", opts=Options(depends_on=[b]))').must_up()
    stack.program("").must_up()
    assert stack.store.calls == ["delete c", "delete b", "delete a"]
    assert not stack.store.things


def test_a_replacement_is_created_before_the_old_one_is_deleted(stack: Stack) -> None:
    stack.program('Thing("a", fixed=config.get("fixed"))').config(fixed="x").must_up()
    stack.config(fixed="y").must_up()
    assert stack.store.calls == ["create a", "delete a"]
    assert stack.ops() == ["create-replacement a", "replace a", "delete-replaced a"]
    assert len(stack.store.things) == 1


def test_a_replacement_that_does_not_become_ready_is_kept_and_the_old_one_goes_with_the_next_update(
    stack: Stack,
) -> None:
    stack.program('Thing("a", fixed=config.get("fixed"))').config(fixed="x").must_up()
    stack.store.fail = lambda call: PartialFailure(Live("a-unready", {"value": "", "fixed": "y"}), "not ready")
    assert "not ready" in str(stack.config(fixed="y").up().error)
    assert [(item["id"], item.get("delete", False)) for item in state(stack) if item["custom"]][-2:] == [
        ("a-unready", False),
        (next(iter(stack.store.things)), True),
    ]
    stack.store.fail = lambda call: None
    stack.must_up()
    assert stack.store.calls == ["update a", "delete a"]
    assert list(stack.store.things) == ["a-unready"]


def test_what_was_replaced_stays_if_its_replacement_fails_and_its_inputs_come_back(stack: Stack) -> None:
    stack.program('Thing("a", fixed=config.get("fixed"))').config(fixed="x").must_up()
    (id_,) = stack.store.things
    stack.store.fail = lambda call: PartialFailure(Live("a-unready", {"value": "", "fixed": "y"}), "not ready")
    stack.config(fixed="y").up()
    # A provider whose ids are names, as Kubernetes' are, finds the old one and takes it up.
    stack.store.fail = lambda call: PartialFailure(Live(id_, {"value": "", "fixed": "x"}), "not ready")
    stack.config(fixed="x").up()
    stack.store.fail = lambda call: None
    stack.must_up()
    assert stack.store.calls == ["update a", "delete a"]
    assert list(stack.store.things) == [id_]


@pytest.mark.parametrize("asked_by", ["provider", "program"])
def test_a_replacement_can_delete_first_and_takes_dependents_along(stack: Stack, asked_by: str) -> None:
    option = "" if asked_by == "provider" else ", opts=Options(delete_before_replace=True)"
    stack.program(
        f"""
        a = Thing("a", fixed=config.get("fixed"){option})
        b = Thing("b", "of " + a.id)
        Thing("bystander", opts=Options(depends_on=[a]))
        """
    )
    stack.program(
        f"""
        a = Thing("a", fixed=config.get("fixed"){option})
        Thing("b", a.id.apply(lambda id: "of " + id))
        Thing("bystander", opts=Options(depends_on=[a]))
        """
    )
    stack.config(fixed="x").must_up()
    stack.config(fixed="first" if asked_by == "provider" else "y")
    assert stack.preview().changes == {"replace": 2, "same": 2}
    stack.must_up()
    assert stack.store.calls == ["delete b", "delete a", "create a", "create b"]
    assert stack.preview().changes == {"same": 4}


def test_a_protected_resource_is_neither_deleted_nor_replaced(stack: Stack) -> None:
    program = 'Thing("a", fixed=config.get("fixed"), opts=Options(protect=True))'
    stack.program(program).config(fixed="x").must_up()
    stack.config(fixed="y")
    assert "protected and would be replaced" in str(stack.up().error)
    stack.program("")
    assert "protected and would be deleted" in str(stack.up().error)
    assert "protected and would be deleted" in str(stack.destroy().error)
    assert len(stack.store.things) == 1


def test_a_retained_resource_leaves_the_state_and_stays(stack: Stack) -> None:
    stack.program('Thing("a", opts=Options(retain_on_delete=True))').must_up()
    stack.program("").must_up()
    assert stack.store.calls == []
    assert len(stack.store.things) == 1
    assert [item["type"] for item in state(stack)] == ["pulumi:pulumi:Stack"]


def test_ignored_changes_do_not_update(stack: Stack) -> None:
    stack.program('Thing("a", config.get("value"), opts=Options(ignore_changes=["value"]))')
    stack.config(value="one").must_up()
    assert stack.config(value="two").must_up().changes == {"same": 2}


def test_a_renamed_resource_keeps_its_state_through_an_alias(stack: Stack) -> None:
    stack.program('g = Group("old")\nThing("old-a", "x", opts=Options(parent=g))').must_up()
    stack.program(
        'g = Group("new", opts=Options(aliases=[pulumi.Alias(name="old")]))\n'
        'Thing("new-a", "x", opts=Options(parent=g))'
    )
    assert stack.must_up().changes == {"same": 3}
    assert stack.store.calls == []
    assert stack.preview().changes == {"same": 3}


def test_secrets_are_encrypted_in_state_and_hidden_in_events(stack: Stack) -> None:
    stack.program('t = Thing("a", pulumi.Output.secret("hunter2"))\npulumi.export("value", t.value)')
    outcome = stack.must_up()
    assert outcome.outputs == {"value": "[secret]"}
    written = "".join(path.read_text() for path in (stack.directory / "backend").rglob("*.json*"))
    assert "hunter2" not in written
    assert "hunter2" not in json.dumps(stack.events)
    assert [thing["value"].value for thing in stack.store.things.values()] == ["hunter2"]
    assert stack.preview().changes == {"same": 2}


def test_additional_secret_outputs_are_hidden(stack: Stack) -> None:
    stack.program('t = Thing("a", "v", opts=Options(additional_secret_outputs=["size"]))\npulumi.export("s", t.size)')
    assert stack.must_up().outputs == {"s": "[secret]"}


def test_refresh_takes_over_drift_and_up_repairs_it(stack: Stack) -> None:
    stack.program('Thing("a", "one")\nThing("b", "two")').must_up()
    ids = {id_.rsplit("-", 1)[0]: id_ for id_ in stack.store.things}
    stack.store.things[ids["a"]] = {"value": "drifted"}
    del stack.store.things[ids["b"]]
    assert stack.refresh().changes == {"same": 1, "update": 1, "delete": 1}
    assert stack.preview().changes == {"same": 1, "update": 1, "create": 1}
    stack.must_up()
    assert sorted(stack.store.calls) == ["create b", "update a"]


def test_what_a_refresh_finds_gone_is_made_again_though_others_depend_on_it(stack: Stack) -> None:
    text = (
        'a = Thing("a", "one")\nb = Thing("b", a.id, opts=Options(depends_on=[a]))\nThing("c", opts=Options(parent=a))'
    )
    stack.program(text).must_up()
    del stack.store.things[next(id_ for id_ in stack.store.things if id_.startswith("a-"))]
    assert stack.refresh().changes == {"same": 3, "delete": 1}
    stack.must_up()
    assert "create a" in stack.store.calls
    assert stack.preview().changes == {"same": 4}
    (made,) = (item for item in state(stack) if str(item["urn"]).endswith("::b"))
    assert made["dependencies"]
    assert stack.destroy().error is None


def test_an_update_can_refresh_first_and_repairs_drift_at_once(stack: Stack) -> None:
    stack.program('Thing("a", "one")').must_up()
    id_ = next(iter(stack.store.things))
    stack.store.things[id_] = {"value": "drifted"}
    assert stack.preview().changes == {"same": 2}
    options = Options(refresh=True)
    assert stack.engine.preview(stack.target, options, stack.events.append).changes == {"same": 1, "update": 1}
    outcome = stack.engine.up(stack.target, options, stack.events.append)
    assert (outcome.error, outcome.changes) == (None, {"same": 1, "update": 1})
    assert stack.store.things[id_]["value"] == "one"


def test_destroy_leaves_nothing(stack: Stack) -> None:
    stack.program('g = Group("g")\na = Thing("a", opts=Options(parent=g))\nThing("b", a.id)').must_up()
    outcome = stack.destroy()
    assert (outcome.error, outcome.changes) == (None, {"delete": 4})
    assert (stack.store.things, state(stack)) == ({}, [])


def test_a_failure_keeps_what_was_done_and_the_next_update_goes_on(stack: Stack) -> None:
    stack.program('a = Thing("a")\nThing("b", a.id)\n')
    stack.store.fail = lambda call: CaramlError("no room for b", fix="make room") if call == "create b" else None
    outcome = stack.up()
    assert str(outcome.error) == "no room for b\n  fix:     make room"
    assert [item["urn"] for item in state(stack)][-1] == "urn:pulumi:dev::things::memory:index:Thing::a"
    stack.store.fail = lambda call: None
    assert stack.must_up().changes == {"same": 2, "create": 1}


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ('Thing("a", "bad")', "the value 'bad' is not allowed"),
        ('Thing("a", opts=Options(replace_on_changes=["a["]))', "replace_on_changes of memory:index:Thing 'a': 'a['"),
        (
            'Thing("a", opts=Options(ignore_changes=["a[x]"]))',
            "ignore_changes of memory:index:Thing 'a': 'a[x]'",
        ),
        ('Thing("a", opts=Options(aliases=["old"]))', "the alias 'old' is not a URN"),
        ('raise ValueError("oh no")', "the program failed: ValueError: oh no"),
        ("import nothing_of_that_name", "the program failed: ModuleNotFoundError"),
        ("def :", "the program failed: SyntaxError"),
        ("raise SystemExit(3)", "the program ended with exit code 3"),
        ('pulumi.Config().require("missing")', "Missing required configuration variable"),
        ('pulumi.CustomResource("aws:s3:Bucket", "b", {})', "no provider for the package 'aws'"),
    ],
)
def test_a_mistake_is_explained_and_applies_nothing(stack: Stack, program: str, message: str) -> None:
    outcome = stack.program(program).preview()
    assert message in str(outcome.error)
    assert "Traceback" not in str(outcome.error) + stack.messages()
    assert message in str(stack.up().error)
    assert stack.store.things == {}


def test_two_resources_of_one_name_are_refused(stack: Stack) -> None:
    assert "two resources have the same URN" in str(stack.program('Thing("a")\nThing("a")').preview().error)


def test_a_mistake_in_a_program_names_its_line(stack: Stack) -> None:
    error = stack.program('def make():\n    raise ValueError("oh no")\nmake()').preview().error
    assert error is not None
    assert error.where.endswith("__main__.py:25 in make") or "in make" in error.where


def test_what_a_program_prints_is_shown_as_its_own(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.program('print("working on it")\npulumi.log.warn("careful")').preview()
    assert "working on it\n" in stack.messages()
    assert "careful" in stack.messages()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("made", [False, True])
def test_a_killed_run_loses_nothing_that_was_created(stack: Stack, monkeypatch: pytest.MonkeyPatch, made: bool) -> None:
    stack.program('a = Thing("a", "one")\nb = Thing("b", a.id)\nThing("c", b.id)')

    def die(call: str) -> CaramlError | None:
        if call == "create c":
            if made:
                stack.store.things["c-123456"] = {"value": next(id_ for id_ in stack.store.things if id_[0] == "b")}
            raise RuntimeError("killed")
        return None

    with monkeypatch.context() as dead:
        # What a process that was killed did not do any more.
        dead.setattr(Session, "save", lambda self, snapshot: {})
        dead.setattr(Session, "record", lambda self, *_, **__: None)
        stack.store.fail = die
        with pytest.raises(RuntimeError, match="killed"):
            stack.up()
    assert state(stack) == []
    before = dict(stack.store.things)

    stack.store.fail = lambda call: None
    outcome = stack.must_up()
    assert stack.store.calls == ([] if made else ["create c"])
    assert before.items() <= stack.store.things.items()
    assert len(stack.store.things) == 3
    assert outcome.changes == ({"same": 4} if made else {"create": 1, "same": 3})
    assert stack.preview().changes == {"same": 4}


def test_cancelling_begins_nothing_more_and_says_so(stack: Stack) -> None:
    stack.program('a = Thing("a")\nThing("b", a.id)')

    def cancel(call: str) -> CaramlError | None:
        stack.engine.cancel()
        return None

    stack.store.fail = cancel
    outcome = stack.up()
    assert outcome.error is not None
    assert outcome.error.exit_code == INTERRUPTED
    assert stack.store.calls == ["create a"]
    stack.engine = EmbeddedEngine(more_providers=stack.engine.more_providers)
    stack.store.fail = lambda call: None
    assert stack.must_up().changes == {"same": 2, "create": 1}


def test_a_program_that_fails_keeps_the_outputs_of_before(stack: Stack) -> None:
    stack.program('a = Thing("a", "one")\npulumi.export("size", a.size)\npulumi.export("kept", 1)').must_up()
    before = state(stack)[0]["outputs"]
    stack.program('pulumi.export("size", 7)\nraise ValueError("oh no")')
    assert stack.up().error is not None
    assert state(stack)[0]["outputs"] == {"size": 7, "kept": 1}
    assert before == {"size": 3, "kept": 1}


@pytest.mark.parametrize("operation", ["refresh", "destroy"])
def test_a_stack_that_does_not_exist_is_not_made_by_looking_for_it(stack: Stack, operation: str) -> None:
    with pytest.raises(CaramlError, match="there is no stack 'dev'"):
        getattr(stack, operation)()
    assert not list((stack.directory / "backend").rglob("dev*"))
