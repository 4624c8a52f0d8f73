from datetime import timedelta

import pytest

from caraml_pulumi.engine.policies.config import Rule
from caraml_pulumi.review.exemptions import exemptions
from tests.unit.review.builders import TODAY, rule

GIVEN = {"resource": "iris-*", "owner": "data-science", "reason": "moves in May", "expires": "2027-05-31"}


def with_exemptions(*given: object) -> Rule:
    return rule(values={"exemptions": list(given)})


def test_exemptions_in_force_are_listed_by_their_end() -> None:
    found = exemptions([with_exemptions(GIVEN, {**GIVEN, "expires": "2026-12-31"})], TODAY)
    assert [(one.resource, one.owner, one.expires) for one in found] == [
        ("iris-*", "data-science", "2026-12-31"),
        ("iris-*", "data-science", "2027-05-31"),
    ]


@pytest.mark.parametrize(("days", "soon"), [(0, True), (30, True), (31, False)])
def test_what_ends_within_thirty_days_is_pointed_out(days: int, soon: bool) -> None:
    [found] = exemptions([with_exemptions({**GIVEN, "expires": str(TODAY + timedelta(days=days))})], TODAY)
    assert found.ends_soon is soon


@pytest.mark.parametrize(
    "given", [{**GIVEN, "expires": "2026-11-21"}, {**GIVEN, "expires": "soon"}, {**GIVEN, "owner": " "}, "iris"]
)
def test_what_has_ended_or_is_not_right_is_left_to_the_rule(given: object) -> None:
    assert exemptions([with_exemptions(given)], TODAY) == []


def test_a_disabled_rule_exempts_nothing() -> None:
    assert exemptions([Rule("a", "resource", "disabled", values={"exemptions": [GIVEN]})], TODAY) == []
