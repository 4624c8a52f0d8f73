from pathlib import Path

import pytest

from caraml_pulumi.review.document import Finding
from tests.unit.engine.display.events import Resource, diagnostic
from tests.unit.review.builders import a_child, a_version, reviewed, rule, same, version, violated

RELEASE = """model: iris
project: iris-team
versions:
  - version: 1
    image: a
    resourceRequest:
      maxReplica: 9
endpoint:
  traffic: [{version: 1, weight: 100}]
"""


def the_finding(message: str, *, directory: Path = Path("/nowhere")) -> Finding:
    one = a_version()
    [found] = reviewed(same(one, version()), violated(one, message), rules=[rule()], directory=directory).findings
    return found


def test_a_violation_is_taken_apart_into_what_is_wrong_and_how_to_mend_it() -> None:
    message = "At most two.\nthree versions of iris\n  where:   versions\n  allowed: 1, 2\n  fix:     stop one,\nor two"
    found = the_finding(message)
    assert (found.message, found.where, found.allowed) == ("three versions of iris", "versions", "1, 2")
    assert found.fix == "stop one,\nor two"
    assert (found.subject, found.level, found.policy) == (
        "version 1 of iris-team/iris",
        "mandatory",
        "at-most-two-versions",
    )


def test_the_message_of_a_pack_that_tells_nothing_of_its_rules_stays_whole() -> None:
    [found] = reviewed(violated(message="At most two.\nthree")).findings
    assert found.message == "At most two.\nthree"
    assert found.subject == "the stack as a whole"


def test_the_colours_of_the_pulumi_cli_are_taken_out() -> None:
    [found] = reviewed(violated(message="<{%fg 13%}>At most two.\nthree<{%reset%}>\n"), rules=[rule()]).findings
    assert found.message == "three"


def test_an_object_is_told_with_the_version_that_it_belongs_to() -> None:
    one = a_version()
    child = a_child(one, name="iris-1")
    [found] = reviewed(same(one, version()), same(child, {}), violated(child)).findings
    assert found.subject == "Deployment iris-1 of version 1 of iris-team/iris"


def test_an_object_of_no_component_is_told_by_its_name() -> None:
    pod = Resource("kubernetes:core/v1:Pod", "alone")
    [found] = reviewed(same(pod, {}), violated(pod)).findings
    assert (found.subject, found.place) == ("Pod alone", None)


def test_violations_are_ordered_by_level_rule_and_resource_and_each_is_told_once() -> None:
    events = [violated(level="advisory", policy="a"), violated(policy="c"), violated(policy="b"), violated(policy="c")]
    review = reviewed(*events)
    assert [one.policy for one in review.findings] == ["b", "c", "a"]
    assert (review.mandatory, review.advisory) == (2, 1)


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("resourceRequest.maxReplica", 7),
        ("resourceRequest.minReplica", 6),
        ("spec.containers[0].image", 4),
        ("", 4),
    ],
)
def test_a_violation_is_placed_in_the_release_file(tmp_path: Path, where: str, line: int) -> None:
    (tmp_path / "releases/dev").mkdir(parents=True)
    (tmp_path / "releases/dev/iris.yaml").write_text(RELEASE)
    found = the_finding(f"At most two.\ntoo many\n  where:   {where}" if where else "too many", directory=tmp_path)
    assert found.place is not None
    assert (found.place.file, found.place.line) == ("releases/dev/iris.yaml", line)


def test_paths_in_messages_are_those_of_the_repository(tmp_path: Path) -> None:
    review = reviewed(
        violated(message=f"see {tmp_path}/a.yaml:1"), [diagnostic(f"{tmp_path}/b.yaml")], directory=tmp_path
    )
    assert review.findings[0].message == "see a.yaml:1"
    assert review.messages[0].message == "b.yaml"


def test_a_remediation_says_what_it_changed() -> None:
    one = a_version()
    remediated = violated(one, "At most two.\nchanged labels", "remediate")
    review = reviewed(same(one, version()), remediated, rules=[rule()])
    assert review.findings == []
    assert [(item.subject, item.message) for item in review.remediations] == [
        ("version 1 of iris-team/iris", "changed labels")
    ]
    assert [described.name for described in review.rules] == ["at-most-two-versions"]


def test_a_rule_that_waits_for_a_value_is_no_violation() -> None:
    message = "can't run policy 'a' from policy pack 'caraml@v1' during preview: image is not known"
    review = reviewed(violated(message=message, level="advisory", policy="a"))
    assert (review.findings, review.advisory) == ([], 0)
    assert [(one.policy, one.reason) for one in review.unjudged] == [("a", "image is not known")]


def test_a_rule_that_is_not_applicable_says_why() -> None:
    one = a_version()
    told = {"policyName": "a", "policyPackName": "caraml", "resourceUrn": one.urn, "reason": "image is not known"}
    event = {"policyNotApplicableEvent": told}
    review = reviewed(same(one, version()), [event, event])
    assert [(item.policy, item.subject, item.reason) for item in review.unjudged] == [
        ("a", "version 1 of iris-team/iris", "image is not known")
    ]


def test_only_rules_that_have_something_to_say_are_described() -> None:
    review = reviewed(violated(), rules=[rule(), rule("another")])
    assert [(one.name, one.severity, one.url) for one in review.rules] == [
        ("at-most-two-versions", "high", "docs/at-most-two-versions.md")
    ]
