"""Whatever the properties of a resource are, no rule ends with a traceback, and none tells a secret."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from caraml_pulumi.engine.secrecy import mask_secrets
from caraml_pulumi.engine.values import UNKNOWN, Properties, Secret
from caraml_pulumi.testing.policies import Verdict, remediated, stack_verdict, verdict
from policies.rule import ResourceRule
from policies.rules import all_rules

Resource = tuple[str, str, Properties]
HIDDEN = "s3cr3t-v4lue"
ODD: list[Any] = [
    *(None, {}, [], "", "text", "-5", "\n", "é|`<b>", 7, -1.5, 0, 1e300, True),
    *([None], [[]], [{}], ["a"], {"x": None}, {"": ""}, [{"name": None}]),
    *(UNKNOWN, [UNKNOWN], {"x": UNKNOWN}, Secret(HIDDEN), Secret({"x": HIDDEN}), Secret([HIDDEN, 5]), Secret(UNKNOWN)),
]
STACKS: dict[str, tuple[list[Resource], dict[str, Any], str]] = {}
"""By rule, a stack that breaks it, the settings of the rule, and the stack's name."""
for file in sorted((Path(__file__).parent / "rules").glob("test_*.py")):
    module = import_module(f"tests.unit.policies.rules.{file.stem}")
    STACKS[file.stem.removeprefix("test_").replace("_", "-")] = (
        module.VIOLATION,
        getattr(module, "CONFIG", {}),
        getattr(module, "ENVIRONMENT", "dev"),
    )
SETTINGS = {"labels-present": {"defaults": {"owner": "ml", "team": "ml", "stream": "ml"}}}
"""By rule, what its remedy needs."""
NOTHING: tuple[list[Resource], dict[str, Any], str] = ([], {}, "dev")
RESOURCES = [resource for resources, _, _ in STACKS.values() for resource in resources]
ABOUT_RESOURCES = [rule for rule in all_rules() if isinstance(rule, ResourceRule)]
ABOUT_STACKS = [rule for rule in all_rules() if not isinstance(rule, ResourceRule)]
JUDGED = [(rule, one) for rule in ABOUT_RESOURCES for one in RESOURCES if rule.looks_at(one[0])]
MENDED = [(rule, one) for rule in ABOUT_RESOURCES for one in RESOURCES if rule.mends(one[0])]
any_place = settings(max_examples=1500, deadline=None, derandomize=True)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all that is in a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of `value` with `new` at `path`."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def odd(draw: st.DrawFn, properties: Properties) -> Properties:
    """`properties` with something else in one or two places."""
    for _ in range(draw(st.integers(1, 2))):
        found = list(places(properties))
        if found:
            properties = put(properties, draw(st.sampled_from(found)), draw(st.sampled_from(ODD)))
    return properties


@st.composite
def judged(draw: st.DrawFn) -> tuple[ResourceRule, str, Properties]:
    rule, (type_, _, properties) = draw(st.sampled_from(JUDGED))
    return rule, type_, odd(draw, properties)


@st.composite
def mended(draw: st.DrawFn) -> tuple[ResourceRule, str, Properties]:
    rule, (type_, _, properties) = draw(st.sampled_from(MENDED))
    return rule, type_, odd(draw, properties)


@st.composite
def stacks(draw: st.DrawFn) -> tuple[list[Resource], str]:
    resources, _, environment = draw(st.sampled_from([*STACKS.values()]))
    index = draw(st.integers(0, len(resources) - 1))
    type_, name, properties = resources[index]
    return [*resources[:index], (type_, name, odd(draw, properties)), *resources[index + 1 :]], environment


def is_fit_to_print(said: Verdict, *properties: Properties) -> bool:
    """Whether messages tell no secret, not even a part of one that could not be found in them and masked."""
    texts = [mask_secrets(text, properties) for text in [*said.messages, said.not_applicable or ""]]
    return not any(HIDDEN[:4] in text.lower() for text in texts)


@given(case=judged())
@any_place
def test_a_rule_about_a_resource_judges_it_or_says_why_not(case: tuple[ResourceRule, str, Properties]) -> None:
    rule, type_, properties = case
    _, config, environment = STACKS.get(rule.name, NOTHING)
    assert is_fit_to_print(verdict(rule, type_, properties, stack=environment, config=config), properties)


@given(case=stacks())
@any_place
def test_the_rules_about_a_stack_judge_it_or_say_why_not(case: tuple[list[Resource], str]) -> None:
    resources, environment = case
    for rule in ABOUT_STACKS:
        said = stack_verdict(rule, resources, stack=environment, config=STACKS.get(rule.name, NOTHING)[1])
        assert is_fit_to_print(said, *(properties for _, _, properties in resources))


@given(case=mended())
@any_place
def test_what_a_rule_has_mended_it_leaves_as_it_is(case: tuple[ResourceRule, str, Properties]) -> None:
    rule, type_, properties = case
    config = {**STACKS.get(rule.name, NOTHING)[1], **SETTINGS.get(rule.name, {})}
    after = remediated(rule, type_, properties, config=config)
    assert after is None or remediated(rule, type_, after, config=config) is None
