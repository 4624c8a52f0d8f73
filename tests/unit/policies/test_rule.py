"""What every rule has from its declaration: where it holds, whom it exempts, and what it does about unknown values."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.testing.policies import stack_verdict, verdict
from policies import exemptions
from policies.resource import Resource, Stack
from policies.rule import PRODUCTION, Blamed, ResourceRule, StackRule, resource_rule, stack_rule

COMPONENT = "caraml:index:Thing"
OBJECT = "kubernetes:core/v1:Thing"
STACK = "pulumi:pulumi:Stack"
TOO_BIG = 'size 5 is too much\n  where:   size\n  allowed: at most "limit"'


def too_big(resource: Resource) -> Iterator[CaramlError]:
    if resource.props["size"] > resource.settings["limit"]:
        yield CaramlError(f"size {resource.props['size']:g} is too much", where="size", allowed='at most "limit"')


def rule(**said: Any) -> ResourceRule:
    return resource_rule(
        "not-too-big",
        "Things are not too big.",
        doc="The documentation.",
        severity=Severity.LOW,
        tags=("size",),
        steps="Make it smaller.",
        settings={"limit": {"type": "number", "default": 3}},
        judges={COMPONENT: too_big, OBJECT: too_big},
        **said,
    )


def stack_too_big(stack: Stack) -> Iterator[Blamed]:
    for thing in stack.of(COMPONENT, OBJECT):
        for error in too_big(thing):
            yield Blamed(error, thing.urn)


def of_stack(**said: Any) -> StackRule:
    return stack_rule(
        "none-too-big",
        "No thing is too big.",
        doc=None,
        severity=Severity.LOW,
        tags=(),
        steps="",
        settings={"limit": {"type": "number", "default": 3}},
        judge=stack_too_big,
        **said,
    )


def messages(judged: ResourceRule, properties: Properties, **how: Any) -> list[str]:
    return verdict(judged, how.pop("type_", COMPONENT), properties, **how).messages


def exemption(resource: str = "resource", expires: str = "2026-12-31", **more: str) -> dict[str, Any]:
    return {"exemptions": [{"resource": resource, "owner": "team-a", "reason": "moving", "expires": expires, **more}]}


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exemptions, "today", lambda: date(2026, 12, 31))


def test_a_rule_says_of_itself_what_it_was_declared_with() -> None:
    declared = rule()
    assert (declared.name, declared.description, declared.doc) == (
        "not-too-big",
        "Things are not too big.",
        "The documentation.",
    )
    assert declared.enforcement_level is EnforcementLevel.MANDATORY
    assert (declared.severity, declared.tags) == (Severity.LOW, ["size"])
    assert (declared.remediation_steps, declared.url) == ("Make it smaller.", "docs/policies/not-too-big.md")
    assert declared.config_schema is not None
    assert {*declared.config_schema.properties} == {"limit", "environments", "exemptions"}


def test_a_violation_is_reported_with_what_where_and_allowed() -> None:
    assert messages(rule(), {"size": 5}) == [TOO_BIG]
    assert messages(rule(), {"size": 3}) == []
    assert messages(rule(), {"size": 5}, config={"limit": 6}) == []


def test_a_type_without_a_judge_is_not_looked_at() -> None:
    assert messages(rule(), {"size": 5}, type_="kubernetes:core/v1:Other") == []
    assert not rule().looks_at("kubernetes:core/v1:Other")
    assert rule().looks_at(OBJECT)


def test_a_value_that_is_unknown_makes_a_rule_not_applicable_and_says_which() -> None:
    said = verdict(rule(), COMPONENT, {"size": UNKNOWN})
    assert said.messages == []
    assert said.not_applicable == "string value at .size can't be known during preview"


@pytest.mark.parametrize(
    ("environments", "stack", "holds"),
    [
        ((), "dev", True),
        (PRODUCTION, "dev", False),
        (PRODUCTION, "prod", True),
        (("prod-*",), "prod-eu", True),
        (("prod-*",), "prod", False),
    ],
)
def test_a_rule_holds_in_its_environments_alone(environments: tuple[str, ...], stack: str, holds: bool) -> None:
    assert bool(messages(rule(environments=environments), {"size": 5}, stack=stack)) is holds
    assert bool(messages(rule(), {"size": 5}, stack=stack, config={"environments": [*environments]})) is holds
    judged = stack_verdict(of_stack(environments=environments), [(OBJECT, "a", {"size": 5})], stack=stack)
    assert bool(judged.messages) is holds


def test_a_component_and_a_label_say_the_environment_before_the_stack_does() -> None:
    production = rule(environments=PRODUCTION)
    assert messages(production, {"size": 5, "environment": "prod"}, stack="eu-1")
    assert not messages(production, {"size": 5, "environment": "dev"}, stack="prod")
    labelled = {"size": 5, "metadata": {"labels": {"caraml.dev/environment": "prod"}}}
    assert messages(production, labelled, type_=OBJECT, stack="eu-1")
    of_things = of_stack(environments=PRODUCTION)
    assert stack_verdict(of_things, [(COMPONENT, "a", {"size": 5, "environment": "prod"})], stack="eu-1").messages


@pytest.mark.parametrize("resource", ["resource", "res*", "urn:pulumi:dev::project::caraml:index:Thing::resource"])
def test_an_exempt_resource_is_not_reported_until_its_last_day_is_over(
    resource: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreed = exemption(resource)
    assert messages(rule(), {"size": 5}, config=agreed) == []
    assert stack_verdict(of_stack(), [(COMPONENT, "resource", {"size": 5})], config=agreed).messages == []
    monkeypatch.setattr(exemptions, "today", lambda: date(2027, 1, 1))
    assert messages(rule(), {"size": 5}, config=agreed) == [TOO_BIG]


def test_another_resource_is_not_exempt() -> None:
    assert messages(rule(), {"size": 5}, config=exemption("other")) == [TOO_BIG]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (exemption(expires="2026-12-30"), 'the exemption of "resource" ended on 2026-12-30 (owner: team-a)'),
        (exemption(owner=" "), 'the exemption of "resource" has no owner'),
        (exemption(reason=""), 'the exemption of "resource" has no reason'),
        (exemption(expires="soon"), '"soon" is not a day'),
        (exemption(ticket="7"), 'the exemption of "resource" has an unknown ticket'),
        ({"exemptions": ["resource"]}, "an exemption is not an object"),
    ],
)
def test_an_exemption_that_is_not_right_exempts_nothing_and_is_reported_once_on_the_stack(
    given: dict[str, Any], message: str
) -> None:
    assert messages(rule(), {"size": 5}, config=given) == [TOO_BIG]
    (reported,) = messages(rule(), {}, type_=STACK, config=given)
    assert reported.startswith(message)
    assert "exemptions[0]" in reported
    judged = stack_verdict(of_stack(), [(COMPONENT, "resource", {"size": 5})], config=given)
    assert [text.split("\n")[0] for text in judged.messages] == [message, "size 5 is too much"]


def test_an_object_of_a_component_that_was_reported_is_not_reported_again() -> None:
    declared, parent = rule(), "urn:pulumi:dev::project::caraml:index:Thing::resource"
    below = {"type_": OBJECT, "name": "child", "parent": parent}
    assert messages(declared, {"size": 5}, **below) == [TOO_BIG]  # a program that changed it below the component
    assert messages(declared, {"size": 5}) == [TOO_BIG]
    assert messages(declared, {"size": 5}, **below) == []
    assert messages(declared, {"size": 2}) == []
    assert messages(declared, {"size": 5}, **below) == [TOO_BIG]


def test_an_exemption_of_a_component_is_for_its_objects_too() -> None:
    declared, parent = rule(), "urn:pulumi:dev::project::caraml:index:Thing::resource"
    assert messages(declared, {"size": 5}, config=exemption()) == []
    assert messages(declared, {"size": 5}, type_=OBJECT, name="child", parent=parent, config=exemption()) == []


def test_a_stack_rule_blames_a_resource() -> None:
    judged = stack_verdict(of_stack(), [(COMPONENT, "a", {"size": 2}), (OBJECT, "b", {"size": 9})])
    ((_, urn),) = judged.violations
    assert urn == f"urn:pulumi:dev::project::{OBJECT}::b"


def test_a_stack_with_an_unknown_value_is_judged_as_far_as_it_was_read() -> None:
    judged = stack_verdict(of_stack(), [(OBJECT, "a", {"size": 9}), (OBJECT, "b", {"size": UNKNOWN})])
    assert len(judged.messages) == 1
    assert judged.not_applicable


def test_properties_of_another_form_than_their_kind_are_refused_without_a_traceback() -> None:
    for properties in ({"size": "big"}, {"size": [5]}, {}):
        (message,) = messages(rule(), properties)
        assert message.startswith('Thing "resource" cannot be judged: its properties are not of the form of its kind')
        judged = stack_verdict(of_stack(), [(OBJECT, "a", {"size": 9}), (OBJECT, "b", properties)])
        first, second = judged.messages
        assert first.startswith("size 9 is too much")
        assert second.startswith("a resource of the stack cannot be judged")


def test_an_exemption_of_a_name_with_brackets_is_for_the_resource_of_that_name() -> None:
    agreed = exemption("team[0]")
    assert messages(rule(), {"size": 5}, name="team[0]", config=agreed) == []
    assert messages(rule(), {"size": 5}, name="team0", config=exemption("team[0-9]")) == []
    assert messages(rule(), {"size": 5}, name="team[1]", config=agreed) == [TOO_BIG]


def test_an_error_that_a_judge_raises_is_a_violation_like_one_that_it_yields() -> None:
    def wrong_setting(_resource: Resource) -> Iterator[CaramlError]:
        raise CaramlError("the setting limit is not a number")

    declared = resource_rule(
        "raises", "It raises.", doc="", severity=Severity.LOW, tags=(), steps="", judges={COMPONENT: wrong_setting}
    )
    assert messages(declared, {}) == ["the setting limit is not a number"]
