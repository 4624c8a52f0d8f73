"""Renamed and moved resources are found again by Pulumi's option `aliases`, in whole programs."""

from pathlib import Path

import pytest

from caraml_pulumi.engine.aliases import former_urns
from caraml_pulumi.engine.goal import AliasSpec, Goal
from caraml_pulumi.engine.resource import make_urn
from tests.unit.engine.memory import Stack

NESTED = """
def shop(name, **options):
    outer = Group(name, opts=Options(**options))
    inner = Group(name + "-inner", opts=Options(parent=outer))
    thing = Thing(name + "-inner-thing", "x", opts=Options(parent=inner))
    Thing("fixed", thing.id, opts=Options(parent=inner, depends_on=[thing]))

"""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
    return Stack(tmp_path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('Thing("old", "x")', 'Thing("a", "x", opts=Options(aliases=[pulumi.Alias(name="old")]))'),
        (
            'Thing("a", "x", opts=Options(parent=Group("g")))',
            'Group("g")\nThing("a", "x", opts=Options(aliases=[ALIAS]))',
        ),
        ('Group("g")\nThing("a", "x")', 'Thing("a", "x", opts=Options(parent=Group("g"), aliases=[ROOT]))'),
        ('Thing("old", "x")', 'Thing("a", "x", opts=Options(aliases=["urn:pulumi:dev::things::T::old"]))'),
        (
            'Thing("old", "x")',
            'Thing("a", "x", opts=Options(aliases=[pulumi.Alias(name="none"), pulumi.Alias(name="old")]))',
        ),
        (
            'pulumi.CustomResource("memory:index:Old", "a", {"value": "x", "fixed": None, "size": None})',
            'Thing("a", "x", opts=Options(aliases=[pulumi.Alias(type_="memory:index:Old")]))',
        ),
        ('shop("old")', 'shop("new", aliases=[pulumi.Alias(name="old")])'),
        ('shop("old", parent=Group("g"))', 'Group("g")\nshop("new", aliases=[pulumi.Alias(name="old", parent=GROUP)])'),
        ('shop("old")', 'shop("old", parent=Group("g"), aliases=[ROOT])\n'),
    ],
    ids=["name", "parent", "no parent", "urn", "the second", "type", "nested", "nested, moved out", "nested, moved in"],
)
def test_what_has_another_name_type_or_place_is_the_same_resource(stack: Stack, before: str, after: str) -> None:
    group = '"urn:pulumi:dev::things::memory:index:Group::g"'
    for word, text in {
        "GROUP": group,
        "ALIAS": f"pulumi.Alias(parent={group})",
        "ROOT": "pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)",
        "::T::": "::memory:index:Thing::",
    }.items():
        after = after.replace(word, text)
    first = stack.program(NESTED + before).must_up()
    made = dict(stack.store.things)
    same = {"same": sum(first.changes.values())}
    if "Group" in after and "Group" not in before:
        same["create"] = 1
    stack.program(NESTED + after)
    assert stack.preview().changes == same
    assert stack.must_up().changes == same
    assert (stack.store.calls, stack.store.things) == ([], made)
    stack.program(NESTED + after)
    assert stack.must_up().changes == {"same": sum(same.values())}
    assert stack.destroy().error is None
    assert stack.store.things == {}


def test_a_provider_can_be_renamed_without_replacing_what_it_manages(stack: Stack) -> None:
    program = """
    class Place(pulumi.ProviderResource):
        def __init__(self, name, place, opts=None):
            super().__init__("memory", name, {"place": place}, opts)

    Thing("a", opts=Options(provider=PLACE))
    """
    stack.program(program.replace("PLACE", 'Place("old", "here")')).must_up()
    renamed = 'Place("new", "here", Options(aliases=[pulumi.Alias(name="old")]))'
    stack.program(program.replace("PLACE", renamed))
    assert stack.must_up().changes == {"same": 3}
    assert stack.store.calls == []
    assert stack.must_up().changes == {"same": 3}


def test_a_new_resource_may_take_the_name_that_an_alias_has_left(stack: Stack) -> None:
    stack.program('Thing("a", "x")').must_up()
    stack.program('Thing("b", "x", opts=Options(aliases=[pulumi.Alias(name="a")]))').must_up()
    stack.program('Thing("a", "y")\nThing("b", "x", opts=Options(aliases=[pulumi.Alias(name="a")]))').must_up()
    assert stack.store.calls == ["create a"]
    assert stack.must_up().changes == {"same": 3}


@pytest.mark.parametrize(
    "program",
    [
        'a = Thing("a", "x")\nThing("b", a.id, opts=Options(aliases=[pulumi.Alias(name="a")]))',
        'b = Thing("b", "x", opts=Options(aliases=[pulumi.Alias(name="a")]))\nThing("a", b.id)',
        'b = Thing("b", "x", opts=Options(aliases=[pulumi.Alias(name="a")]))\n'
        'Thing("c", b.id, opts=Options(aliases=[pulumi.Alias(name="a")]))',
    ],
    ids=["still registered", "registered later", "claimed by two"],
)
def test_one_resource_of_the_state_cannot_be_two_of_the_program(stack: Stack, program: str) -> None:
    stack.program('Thing("a", "x")').must_up()
    error = stack.program(program).preview().error
    assert "urn:pulumi:dev::things::memory:index:Thing::a" in str(error)
    assert "alias" in str(error)
    assert stack.up().error is not None
    assert len(stack.store.things) == 1


def test_an_alias_of_another_stack_or_project_finds_what_was_moved_from_there() -> None:
    goal = Goal("t:i:T", "a", True, {}, aliases=[AliasSpec(stack="old", project="before")])
    assert former_urns(goal, "dev", "p", {}) == [make_urn("old", "before", "t:i:T", "a")]


def test_a_child_has_its_own_aliases_and_its_parents_and_both_at_once() -> None:
    now, before = make_urn("dev", "p", "t:i:G", "new"), make_urn("dev", "p", "t:i:G", "old")
    goal = Goal("t:i:T", "new-x", True, {}, parent=now, aliases=[AliasSpec(name="new-y", type="t:i:S")])
    assert former_urns(goal, "dev", "p", {now: before}) == [
        make_urn("dev", "p", "t:i:S", "new-y", now),
        make_urn("dev", "p", "t:i:T", "old-x", before),
        make_urn("dev", "p", "t:i:S", "old-y", before),
    ]


def test_an_alias_changes_only_the_parts_it_names() -> None:
    parent = make_urn("dev", "p", "t:i:G", "g")
    aliases = [AliasSpec(name="old"), AliasSpec(type="t:i:S"), AliasSpec(no_parent=True), AliasSpec(urn="u::v::w::x")]
    goal = Goal("t:i:T", "a", True, {}, parent=parent, aliases=aliases)
    assert former_urns(goal, "dev", "p", {}) == [
        make_urn("dev", "p", "t:i:T", "old", parent),
        make_urn("dev", "p", "t:i:S", "a", parent),
        make_urn("dev", "p", "t:i:T", "a"),
        "u::v::w::x",
    ]
