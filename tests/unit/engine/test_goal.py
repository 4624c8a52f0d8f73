import pytest

from caraml_pulumi.engine.aliases import former_urns
from caraml_pulumi.engine.goal import AliasSpec, Goal, duration_seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("1h2m3.5s", 3723.5), ("500ms", 0.5), ("5m0s", 300), ("2us", 2e-6)]
)
def test_durations_are_those_of_go(text: str, seconds: float) -> None:
    assert duration_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "5 s", "5m3", "-5s", "1d"])
def test_a_malformed_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration_seconds(text)


def urns(goal: Goal, *parents: str) -> list[str]:
    return [urn.split("::", 2)[2] for urn in former_urns(goal, "s", "p", list(parents))]


def test_an_alias_changes_only_the_parts_it_names() -> None:
    parent = "urn:pulumi:s::p::a:b:Parent::mum"
    aliases = [
        AliasSpec(name="old"),
        AliasSpec(type="k:v1beta1:T"),
        AliasSpec(no_parent=True),
        AliasSpec(urn="x::y::z"),
    ]
    goal = Goal("k:v1:T", "new", custom=True, inputs={}, parent=parent, aliases=aliases)
    assert urns(goal) == ["a:b:Parent$k:v1:T::old", "a:b:Parent$k:v1beta1:T::new", "k:v1:T::new", "z"]


def test_a_child_inherits_the_former_urns_of_its_parent_and_its_name_prefix() -> None:
    goal = Goal("k:v1:T", "new-child", custom=True, inputs={}, parent="urn:pulumi:s::p::a:b:P::new")
    assert urns(goal, "urn:pulumi:s::p::a:b:P::old") == ["a:b:P$k:v1:T::old-child"]
