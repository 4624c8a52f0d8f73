"""Whatever resources a program declares, changes and drops: in the end the state is what it declares, no more."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from tests.unit.engine.memory import Stack

NAMES = "abcde"


@dataclass(frozen=True)
class Node:
    """A resource of a program; those it refers to come before it."""

    name: str
    value: str
    fixed: str
    """Begins with ``first`` to be deleted before it is replaced."""
    uses: tuple[str, ...] = ()
    """Whose ids are part of its value."""
    after: tuple[str, ...] = ()
    parent: str = ""
    replace_with: tuple[str, ...] = ()
    deleted_with: str = ""
    replaced_on_changes: bool = False
    alias: str = ""

    def text(self) -> str:
        options = [f"depends_on=[{', '.join(self.after)}]", f"replace_with=[{', '.join(self.replace_with)}]"]
        if self.parent:
            options.append(f"parent={self.parent}_group")
        if self.deleted_with:
            options.append(f"deleted_with={self.deleted_with}")
        if self.replaced_on_changes:
            options.append('replace_on_changes=["*"]')
        if self.alias:
            options.append(f'aliases=[pulumi.Alias(name="{self.alias}")]')
        parts = ", ".join([f'"{self.value}"', *(f'" ", {name}.id' for name in self.uses)])
        return (
            f'{self.name}_group = Group("{self.name}-group")\n'
            f'{self.name} = Thing("{self.name}", pulumi.Output.concat({parts}), "{self.fixed}", '
            f"Options({', '.join(options)}))\n"
        )


@st.composite
def programs(draw: st.DrawFn) -> list[Node]:
    nodes: list[Node] = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        before = [node.name for node in nodes]
        some = st.lists(st.sampled_from(before), unique=True, max_size=2).map(tuple) if before else st.just(())
        one = st.sampled_from(["", "", *before])
        nodes.append(
            Node(
                name,
                draw(st.sampled_from(["v", "w"])),
                draw(st.sampled_from(["x", "y", "first-x", "first-y"])),
                uses=draw(some),
                after=draw(some),
                parent=draw(one),
                replace_with=draw(some),
                deleted_with=draw(one),
                replaced_on_changes=draw(st.booleans()),
            )
        )
    return nodes


@contextmanager
def a_stack() -> Iterator[Stack]:
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
        yield Stack(Path(directory))


def written(stack: Stack) -> dict[str, dict[str, object]]:
    """The things in the state, by name; each only once."""
    path = stack.directory / "backend/.pulumi/stacks/things/dev.json"
    resources = json.loads(path.read_text())["checkpoint"]["latest"].get("resources", [])
    things = [item for item in resources if item["type"] == "memory:index:Thing"]
    found = {item["urn"].rsplit("::", 1)[1]: item for item in things}
    assert len(found) == len(things)
    return found


def assert_declared(stack: Stack, nodes: list[Node], deleted_along: set[str]) -> None:
    """The state and the things are what the program declares; a thing may be left that another takes along."""
    found = written(stack)
    assert set(found) == {node.name for node in nodes}
    for node in nodes:
        value = " ".join([node.value, *(str(found[name]["id"]) for name in node.uses)])
        assert stack.store.things[str(found[node.name]["id"])] == {"value": value, "fixed": node.fixed}
    ids = {str(item["id"]) for item in found.values()}
    assert {id_.split("-")[0] for id_ in stack.store.things if id_ not in ids} <= deleted_along


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs(), programs(), st.sets(st.sampled_from(NAMES)), st.booleans(), st.integers(0, 4))
def test_an_update_ends_with_what_the_program_declares_whatever_went_before(
    first: list[Node], second: list[Node], targets: set[str], dependents: bool, fails_at: int
) -> None:
    deleted_along = {node.name for node in (*first, *second) if node.deleted_with}
    with a_stack() as stack:
        stack.program("".join(node.text() for node in first)).must_up()
        assert_declared(stack, first, deleted_along)
        stack.program("".join(node.text() for node in second))
        if targets:
            stack.select(targets=tuple(sorted(targets)), target_dependents=dependents).up()
        countdown = [fails_at]

        def fail(call: str) -> CaramlError | None:
            countdown[0] -= 1
            return CaramlError(f"{call} fails") if countdown[0] == 0 else None

        stack.store.fail = fail
        stack.select().up()
        stack.store.fail = lambda call: None
        stack.must_up()
        assert_declared(stack, second, deleted_along)
        again = stack.must_up()
        assert (stack.store.calls, set(again.changes)) == ([], {"same"})
        assert stack.destroy().error is None
        assert written(stack) == {}
        assert {id_.split("-")[0] for id_ in stack.store.things} <= deleted_along


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs(), st.sets(st.sampled_from(NAMES), min_size=1))
def test_names_that_change_with_an_alias_change_nothing_else(nodes: list[Node], renamed: set[str]) -> None:
    with a_stack() as stack:
        stack.program("".join(node.text() for node in nodes)).must_up()
        things = dict(stack.store.things)
        text = "".join(
            replace(node, alias=node.name).text().replace(f'Thing("{node.name}"', f'Thing("new-{node.name}"')
            if node.name in renamed
            else node.text()
            for node in nodes
        )
        changes = stack.program(text).must_up().changes
        assert (set(changes), stack.store.things) == ({"same"}, things)
        assert stack.must_up().changes == changes
