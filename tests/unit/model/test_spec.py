from typing import Annotated, Any

import pytest
from pydantic import Field

from caraml_pulumi.errors import CaramlError, CaramlErrors
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.spec import Spec, deferrable, did_you_mean, dotted, located, parse, rule, within


def upper(value: str) -> str:
    if value.islower():
        raise CaramlError(f'"{value}" is in lower case', allowed="capitals", fix=f'use "{value.upper()}"')
    return value


class Leaf(Spec):
    big_name: Annotated[str, rule(upper), deferrable(upper)] = "X"
    count: WholeNumber = 1


class Bounded(Spec):
    some: Annotated[WholeNumber, Field(ge=1, le=600)] = 1
    share: Annotated[float, Field(gt=0, lt=0.5, allow_inf_nan=False)] = 0.1
    name: Annotated[str, Field(min_length=1)] = "x"
    items: list[str] = Field(default_factory=lambda: ["x"], min_length=1)


class Tree(Spec):
    the_leaf: Leaf = Leaf()
    leaves: list[Leaf] = Field(default_factory=list)
    env: dict[str, str] = Field(default_factory=dict)
    live: bool = True


class Later:
    """A value that is known later, as an Output is."""

    def __init__(self, value: object) -> None:
        self.value = value

    def apply(self, function: Any) -> "Later":
        return Later(function(self.value))


def problem(data: Any) -> CaramlError:
    with pytest.raises(CaramlError) as caught:
        parse(Tree, data)
    return caught.value


@pytest.mark.parametrize("spelling", ["theLeaf", "the_leaf"])
def test_properties_are_read_and_reported_in_the_spelling_of_the_user(spelling: str) -> None:
    assert parse(Tree, {spelling: {"bigName": "A"}}).the_leaf.big_name == "A"
    assert problem({spelling: {"bigName": "a"}}).where == f"{spelling}.bigName"


def test_a_rule_keeps_its_words_and_is_told_where() -> None:
    error = problem({"leaves": [{}, {"big_name": "a"}]})
    assert (error.what, error.allowed, error.fix) == ('"a" is in lower case', "capitals", 'use "A"')
    assert error.where == "leaves[1].big_name"


@pytest.mark.parametrize(
    ("data", "what", "allowed"),
    [
        ({"some": 0}, "`some` cannot be 0", "at least 1"),
        ({"some": 660}, "`some` cannot be 660", "at most 600"),
        ({"share": 0}, "`share` cannot be 0", "more than 0"),
        ({"share": 0.5}, "`share` cannot be 0.5", "less than 0.5"),
        ({"share": float("nan")}, "`share` must be a finite number, not nan", ""),
        ({"name": ""}, "`name` is empty", ""),
        ({"items": []}, "`items` is empty", ""),
    ],
)
def test_what_is_out_of_bounds_is_answered_with_the_bound(data: dict[str, Any], what: str, allowed: str) -> None:
    with pytest.raises(CaramlError) as caught:
        parse(Bounded, data)
    assert (caught.value.what, caught.value.allowed) == (what, allowed)


def test_an_unknown_field_is_answered_with_the_known_ones_and_the_nearest() -> None:
    error = problem({"leaves": [{"big_nam": "A"}]})
    assert error.what == "unknown field `big_nam`"
    assert error.allowed == "bigName, count"
    assert error.fix == "did you mean `bigName`?"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ({"leaves": {}}, "`leaves` must be a list, not a map"),
        ({"theLeaf": "x"}, '`theLeaf` must be a map, not "x"'),
        ({"live": "perhaps"}, '`live` must be true or false, not "perhaps"'),
        ({"theLeaf": {"bigName": 3}}, "`bigName` must be a text, not 3"),
        ({"theLeaf": {"count": "3"}}, '"3" is not a whole number'),
        ({"theLeaf": {"count": True}}, "true is not a whole number"),
        ({"theLeaf": {"count": 1.5}}, "1.5 is not a whole number"),
        ({"theLeaf": {"count": None}}, "empty is not a whole number"),
        ({"theLeaf": {"bigName": Leaf()}}, "`bigName` must be a text, not a Leaf"),
        ({"leaves": [{}, "x"]}, '`leaves[1]` must be a map, not "x"'),
        ({"env": {True: "x"}}, "the key true must be a text"),
        ({"env": {"A": None}}, "`A` must be a text, not empty"),
        ({"env": ["A=x"]}, "`env` must be a map, not a list"),
        ([], "the document must be a map, not a list"),
        (None, "the document must be a map, not empty"),
    ],
)
def test_a_value_of_the_wrong_type_is_said_in_words_and_shown(data: Any, what: str) -> None:
    assert problem(data).what == what


def test_a_whole_number_may_come_as_a_float() -> None:
    assert parse(Leaf, {"count": 3.0}).count == 3


def test_a_value_that_may_be_a_secret_is_never_shown() -> None:
    error = problem({"env": {"TOKEN": 4711}})
    assert "4711" not in str(error)
    assert error.where == "env.TOKEN"


def test_several_problems_are_told_together() -> None:
    error = problem({"leaves": 1, "live": 2})
    assert isinstance(error, CaramlErrors)
    assert [each.where for each in error.errors] == ["leaves", "live"]


def test_a_deferred_value_is_held_to_the_rule_when_it_resolves() -> None:
    leaf = parse(Leaf, {"bigName": Later("A")})
    assert isinstance(leaf.big_name, Later)
    assert leaf.props()["bigName"] is leaf.big_name
    with pytest.raises(CaramlError, match="in lower case"):
        parse(Leaf, {"bigName": Later("a")})


def test_a_deferred_value_is_refused_where_previews_need_a_plain_one() -> None:
    assert problem({"env": {"A": Later("x")}}).what == "`A` must be known at preview, and an Output is not"


def test_a_rule_within_a_plan_is_located_in_the_users_spelling() -> None:
    data = {"the_leaf": {"big_name": "A"}}
    with (
        pytest.raises(CaramlError) as caught,
        located(lambda path: f"file:1 ({dotted(path)})", data),
        within("the_leaf"),
        within("big_name"),
    ):
        upper("a")
    assert caught.value.where == "file:1 (the_leaf.big_name)"
    assert caught.value.fix == 'use "A"'


def test_several_rules_within_a_plan_are_each_located() -> None:
    with pytest.raises(CaramlErrors) as caught, located(dotted, {"the_leaf": {}}), within("the_leaf"):
        raise CaramlErrors([CaramlError("one", where="a.txt"), CaramlError("two")])
    assert [(each.what, each.where) for each in caught.value.errors] == [("one", "the_leaf"), ("two", "the_leaf")]


@pytest.mark.parametrize(("word", "suggestion"), [("Serverles", "did you mean `SERVERLESS`?"), ("qqq", "")])
def test_a_near_word_is_suggested_and_a_far_one_is_not(word: str, suggestion: str) -> None:
    assert did_you_mean(word, ["SERVERLESS", "RAW_DEPLOYMENT"]) == suggestion


def test_a_rule_that_a_property_of_its_name_hides_is_refused_where_the_spec_is_defined() -> None:
    hidden: Any = "X"
    with pytest.raises(TypeError, match="'X' is not a rule"):
        rule(hidden)
