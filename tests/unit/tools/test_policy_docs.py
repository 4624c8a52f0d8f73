from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from policies.rule import resource_rule
from tools.policy_docs import Rule, level_in, main, overview, page, stale

PROFILES: dict[str, dict[str, Any]] = {
    "dev": {"tidy": "disabled"},
    "prod": {"tidy": {"enforcementLevel": "mandatory", "most": 3}},
}


@pytest.fixture
def rule() -> Rule:
    return resource_rule(
        "tidy",
        "Things are tidy.",
        doc="Things are tidy.\n\nAn untidy ``thing`` is lost.\n",
        level=EnforcementLevel.ADVISORY,
        severity=Severity.LOW,
        tags=("order", "things"),
        steps="Tidy up.",
        settings={"most": {"type": "integer", "minimum": 1, "default": 9, "description": "The most | of all."}},
        judges={},
        remedies={"demo:index:Thing": lambda resource, draft: None},
    )


def test_a_page_says_what_the_declaration_of_the_rule_says(rule: Rule) -> None:
    text = page(rule, PROFILES)
    assert text.startswith("# tidy\n\n| level | severity | judges | tags | level in `dev` | level in `prod` |\n")
    assert "| advisory | low | each resource | order, things | disabled | mandatory |" in text
    assert "<!-- documentation -->\n\nThings are tidy.\n\nAn untidy `thing` is lost.\n\n<!-- end -->" in text
    assert "## How to mend a violation\n\nTidy up." in text
    assert "At the level `remediate`" in text
    assert "| `most` | integer, at least 1 | `9` | The most \\| of all. |" in text


def test_the_overview_links_each_rule_with_its_levels(rule: Rule) -> None:
    row = overview([rule], PROFILES).splitlines()[-1]
    assert row == (
        "| [tidy](policies/tidy.md) | each resource | Things are tidy. | low | advisory | disabled | mandatory |"
    )


@pytest.mark.parametrize(
    ("profile", "level"),
    [
        ({}, "advisory"),
        ({"all": "mandatory"}, "mandatory"),
        ({"all": "mandatory", "tidy": {"most": 2}}, "mandatory"),
        ({"all": "mandatory", "tidy": "disabled"}, "disabled"),
    ],
)
def test_the_level_in_a_profile_is_that_of_the_rule_then_of_all_then_its_own(
    rule: Rule, profile: dict[str, object], level: str
) -> None:
    assert level_in(rule, profile) == level


def test_the_pages_are_what_the_rules_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert [str(path) for path, _ in stale()] == []
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""
