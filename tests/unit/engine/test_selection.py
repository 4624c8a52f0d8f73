"""Operations on some of a stack's resources: targets, excludes and replacements, in whole programs."""

import json
from pathlib import Path

import pytest

from tests.unit.engine.memory import Stack

PROGRAM = """
value = config.get("value")
g = Group("g")
a = Thing("a", value, opts=Options(parent=g))
b = Thing("b", a.value.apply(lambda v: "of " + v))
Thing("c", value)
pulumi.export("c", value)
"""
A = "urn:pulumi:dev::things::memory:index:Group$memory:index:Thing::a"
GROUP = "urn:pulumi:dev::things::memory:index:Group::g"
THING = "urn:pulumi:dev::things::memory:index:Thing::"


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
    return Stack(tmp_path).config(value="one", fixed="x").program(PROGRAM)


def state(stack: Stack) -> dict[str, dict[str, object]]:
    path = stack.directory / "backend/.pulumi/stacks/things/dev.json"
    resources = json.loads(path.read_text())["checkpoint"]["latest"].get("resources", [])
    return {item["urn"].rsplit("::", 1)[1]: item for item in resources}


@pytest.mark.parametrize("target", [A, "a", "**::a", "urn:pulumi:dev::*::memory:index:Group$**"])
def test_only_the_targets_are_updated(stack: Stack, target: str) -> None:
    stack.must_up()
    stack.config(value="two").select(targets=(target,))
    assert stack.preview().changes == {"update": 1, "same": 4}
    assert stack.must_up().changes == {"update": 1, "same": 4}
    assert stack.store.calls == ["update a"]
    stack.select().must_up()
    assert sorted(stack.store.calls) == ["update b", "update c"]


def test_dependents_of_targets_can_be_updated_with_them(stack: Stack) -> None:
    stack.must_up()
    stack.config(value="two").select(targets=("a",), target_dependents=True).must_up()
    assert stack.store.calls == ["update a", "update b"]


def test_what_is_excluded_stays(stack: Stack) -> None:
    stack.must_up()
    stack.config(value="two").select(excludes=("a",)).must_up()
    assert stack.store.calls == ["update c"]
    stack.config(value="three").select(excludes=("a",), exclude_dependents=True).must_up()
    assert stack.store.calls == ["update c"]
    assert state(stack)["b"]["outputs"] == {"value": "of one", "size": 6}


def test_what_is_not_a_target_is_not_made_and_a_later_update_makes_it(stack: Stack) -> None:
    stack.select(targets=("c",)).must_up()
    assert stack.store.calls == ["create c"]
    assert set(state(stack)) == {"things-dev", "default", "c"}
    assert stack.select().must_up().changes == {"create": 3, "same": 2}


def test_a_target_that_needs_what_is_not_made_is_refused(stack: Stack) -> None:
    stack.select(targets=("b",))
    assert f"'b' needs what is not there yet and is not selected: {A}, {GROUP}" in str(stack.preview().error)
    assert f"add --target '{A}' --target '{GROUP}'" in str(stack.up().error)
    assert f"'a' needs what is not there yet and is not selected: {GROUP}" in str(
        stack.select(targets=("a",)).up().error
    )
    stack.select(excludes=("a",))
    assert "exclude this one as well" in str(stack.up().error)
    assert "b" not in state(stack)


def test_outputs_that_need_what_is_not_made_stay_as_they_were(stack: Stack) -> None:
    stack.program('pulumi.export("known", "1")\npulumi.export("id", "before")').must_up()
    stack.program(
        't = Thing("a", "x")\npulumi.export("known", "2")\npulumi.export("id", t.id)\npulumi.export("n", t.size)'
    )
    outcome = stack.select(targets=("things-dev",)).must_up()
    assert outcome.outputs == {"known": "2", "id": "before"}


def test_only_targets_that_the_program_dropped_are_deleted(stack: Stack) -> None:
    stack.must_up()
    stack.program("").select(targets=("c",)).must_up()
    assert stack.store.calls == ["delete c"]
    stack.select(targets=("a",))
    assert "Thing 'b' depends on a target, and would be deleted with it" in str(stack.preview().error)
    assert "give --target-dependents" in str(stack.up().error)
    assert len(stack.store.things) == 2
    stack.select(targets=("a",), target_dependents=True).must_up()
    assert stack.store.calls == ["delete b", "delete a"]
    assert set(state(stack)) == {"things-dev", "default", "g"}


def test_a_part_of_a_stack_can_be_destroyed(stack: Stack) -> None:
    stack.must_up()
    assert "'b' depends on a target" in str(stack.select(targets=("a",)).destroy().error)
    assert stack.store.calls == []
    assert stack.select(targets=("b",)).destroy().changes == {"delete": 1}
    assert stack.select(targets=("g",), target_dependents=True).destroy().changes == {"delete": 2}
    assert set(state(stack)) == {"things-dev", "default", "c"}
    assert stack.select().must_up().changes == {"create": 3, "same": 2}


def test_what_is_excluded_from_a_destroy_stays_with_all_that_it_needs(stack: Stack) -> None:
    stack.must_up()
    assert stack.select(excludes=("a",)).destroy().error is None
    assert set(state(stack)) == {"things-dev", "default", "g", "a"}
    stack.select().must_up()
    assert stack.select(excludes=("a",), exclude_dependents=True).destroy().error is None
    assert set(state(stack)) == {"things-dev", "default", "g", "a", "b"}


def test_only_the_targets_are_refreshed(stack: Stack) -> None:
    stack.must_up()
    stack.store.things.clear()
    assert stack.select(targets=("c",)).refresh().changes == {"delete": 1}
    assert stack.select(excludes=("b",)).refresh().changes == {"delete": 1, "same": 2}
    assert set(state(stack)) == {"things-dev", "default", "g", "b"}


def test_a_resource_can_be_replaced_though_it_did_not_change(stack: Stack) -> None:
    stack.must_up()
    stack.select(replaces=("c",))
    assert stack.preview().changes == {"same": 4, "replace": 1}
    stack.must_up()
    assert stack.store.calls == ["create c", "delete c"]
    stack.config(value="two").select(replaces=("c",), targets=("c",)).must_up()
    assert stack.store.calls == ["create c", "delete c"]


@pytest.mark.parametrize(
    ("operation", "option"),
    [
        *((operation, "targets") for operation in ("preview", "up", "refresh", "destroy")),
        *((operation, "excludes") for operation in ("preview", "up", "refresh", "destroy")),
        ("preview", "replaces"),
        ("up", "replaces"),
    ],
)
@pytest.mark.parametrize("text", ["a-team", "urn:pulumi:dev::things::memory:index:Group:index:Thing::a"])
def test_a_selected_resource_that_there_is_not_is_an_error(
    stack: Stack, option: str, text: str, operation: str
) -> None:
    stack.must_up()
    error = getattr(stack.select(**{option: (text,)}), operation)().error
    assert f"there is no resource {text!r} in the stack" in str(error)
    assert ("single quotes" in str(error)) == text.startswith("urn")
    assert stack.store.calls == []


def test_a_name_of_several_resources_is_refused(stack: Stack) -> None:
    stack.program('Thing("a", "x")\nGroup("a")').select(targets=("a",))
    assert "several resources have the name 'a'" in str(stack.preview().error)
    stack.select().must_up()
    error = stack.select(targets=("a",)).destroy().error
    assert "several resources have the name 'a'" in str(error)
    assert f"{THING}a" in str(error)


def test_a_target_may_be_renamed_by_an_alias(stack: Stack) -> None:
    stack.must_up()
    stack.program(
        'Thing("c", "two")\nThing("new", "two", opts=Options(aliases=[pulumi.Alias(name="b")]))\n'
        f'Thing("a", "two", opts=Options(aliases=[pulumi.Alias(parent="{GROUP}")]))'
    )
    stack.select(targets=("a", f"{THING}b")).must_up()
    assert sorted(stack.store.calls) == ["update a", "update new"]


def test_a_target_that_would_need_what_still_needs_it_is_refused(stack: Stack) -> None:
    stack.program('a = Thing("a")\nc = Thing("c", opts=Options(depends_on=[a]))').must_up()
    stack.program(
        'c = Thing("c")\nb = Thing("b", opts=Options(depends_on=[c]))\nThing("a", opts=Options(depends_on=[b]))'
    )
    error = stack.select(targets=("a", "b")).up().error
    assert "'a' needs what needs it itself" in str(error)
    assert stack.select(targets=("a", "b", "c")).must_up().changes == {"same": 4}
