"""The examples in docs/testing.md and docs/policies.md do what they say."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from caraml_pulumi.cli.policy import app
from caraml_pulumi.testing.policies import verdict
from policies.reading import MODEL_VERSION
from tests.unit.cli.stacks import Place

REPOSITORY = Path(__file__).parents[3]


def examples(page: str, language: str) -> list[str]:
    """The examples on a page, in order."""
    text = (REPOSITORY / "docs" / page).read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def executed(*texts: str) -> dict[str, Any]:
    """The names that Python texts define, one after the other in one module."""
    names: dict[str, Any] = {"__name__": "example", "__doc__": None}
    for text in texts:
        exec(compile(text, "example", "exec"), names)  # noqa: S102 - texts of our own
    return names


TESTING = executed(*examples("testing.md", "python"))


@pytest.mark.parametrize("name", [name for name in TESTING if name.startswith("test_")])
def test_a_test_that_is_shown_passes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    TESTING[name]()


def test_there_are_tests_of_programs_policies_and_stacks() -> None:
    assert len([name for name in TESTING if name.startswith("test_")]) == 7


def test_the_rule_that_is_shown_asks_for_a_ticket() -> None:
    (rule,) = (text for text in examples("policies.md", "python") if "ticket" in text)
    policy = executed(rule)["policy"]
    version = {"annotations": {"example.com/ticket": "ML-7"}}
    assert verdict(policy, MODEL_VERSION, version).messages == []
    (message,) = verdict(policy, MODEL_VERSION, {}).messages
    assert message.startswith("the version names no ticket\n  where:   annotations\n")
    assert verdict(policy, MODEL_VERSION, version, config={"prefix": "OPS-"}).messages


def test_the_suite_that_is_shown_passes(tmp_path: Path) -> None:
    (suite,) = (text for text in examples("policies.md", "yaml") if "cases" in yaml.safe_load(text))
    file = tmp_path / "suite.yaml"
    file.write_text(suite)
    ran = Place(REPOSITORY).run(app, "test", str(file))
    assert ran.error is None
    assert ran.stdout.splitlines()[-1] == "2 passed, 0 failed"
