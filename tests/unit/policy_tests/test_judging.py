import pytest

from caraml_pulumi.engine.policies import Rule, Violation
from caraml_pulumi.engine.resource import ResourceState, make_urn
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.spec import dotted
from caraml_pulumi.policy_tests.case import Case, Expected, Setup, Subject
from caraml_pulumi.policy_tests.judging import Judged, compared, find_rule, place_of

WEB = make_urn("dev", "shop", "demo:index:Team", "web")


def violation(message: str = "too large", rule: str = "small", urn: str = WEB, level: str = "mandatory") -> Violation:
    return Violation(rule, "teams", "1", "Teams are small.", message, level, urn)  # type: ignore[arg-type]


def judged(*violations: Violation, expected: list[Expected] | None = None) -> Judged:
    state = ResourceState(WEB, "demo:index:Team", False)
    case = Case("file", "file:1", Setup("dev"), [Subject(state, "web", dotted)], expected=expected)
    return Judged(case, violations, ())


@pytest.mark.parametrize(
    "expected",
    [
        Expected("small"),
        Expected("small", "large"),
        Expected("small", resource="web"),
        Expected("small", "too", "web", "mandatory"),
    ],
)
def test_an_expectation_is_met_by_a_violation_that_has_all_it_says(expected: Expected) -> None:
    assert compared([expected], [violation()]) == ([], [])


@pytest.mark.parametrize(
    "expected",
    [
        Expected("big"),
        Expected("small", "too small"),
        Expected("small", resource="db"),
        Expected("small", level="advisory"),
    ],
)
def test_an_expectation_is_not_met_by_another_violation(expected: Expected) -> None:
    assert compared([expected], [violation()]) == ([expected], [violation()])


def test_an_expectation_of_a_resource_is_not_met_by_a_violation_of_the_stack() -> None:
    assert compared([Expected("small", resource="web")], [violation(urn="")])[0]


def test_each_violation_meets_one_expectation_the_more_particular_ones_first() -> None:
    found = [violation("too large"), violation("too loud")]
    assert compared([Expected("small"), Expected("small", "large")], found) == ([], [])
    assert compared([Expected("small")], found) == ([], [violation("too loud")])
    assert compared([Expected("small", "large")] * 2, found) == ([Expected("small", "large")], [violation("too loud")])


def test_files_that_are_judged_fail_by_mandatory_violations_alone() -> None:
    assert judged(violation(level="advisory")).passed
    assert not judged(violation()).passed


@pytest.mark.parametrize(
    ("found", "place"),
    [
        (violation("too large\n  where:   spec.teams[2].size\n  fix:     split it"), "spec.teams[2].size"),
        (violation("too large"), ""),
        (violation("too large", urn="another"), "file:1"),
        (violation("not a day\n  where:   exemptions[0]", urn="another"), "file:1 (exemptions[0])"),
    ],
)
def test_a_violation_is_where_its_property_is(found: Violation, place: str) -> None:
    assert place_of(judged(found), found) == place


def test_a_rule_that_is_not_there_is_refused_with_all_names_or_the_one_that_was_meant() -> None:
    rules = [Rule("small-teams", "resource", "mandatory"), Rule("few-teams", "stack", "advisory")]
    assert find_rule("few-teams", rules) is rules[1]
    with pytest.raises(CaramlError) as near:
        find_rule("few-team", rules, "suite.yaml:3")
    assert (near.value.fix, near.value.where) == ("did you mean `few-teams`?", "suite.yaml:3")
    with pytest.raises(CaramlError) as far:
        find_rule("digest", rules)
    assert far.value.allowed == "small-teams, few-teams"
