from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi import CustomModelVersion, ModelEndpoint, ModelProject
from caraml_pulumi.engine.values import UNKNOWN, Properties, Secret
from caraml_pulumi.testing.policies import remediated, verdict, violations
from policies.pods import SERVER_TYPES
from policies.reading import (
    DEPLOYMENT,
    MODEL_ENDPOINT,
    MODEL_PROJECT,
    MODEL_VERSION,
    NAMESPACE,
    POD_DISRUPTION_BUDGET,
    SERVICE,
)
from policies.rules.labels_present import policy
from tests.unit.components.programs import recorded
from tests.unit.policies.configured import stack_platform
from tests.unit.policies.objects import Resources, first_lines, places, pod, settings_of, workload

COMPONENTS = (MODEL_VERSION, MODEL_ENDPOINT, MODEL_PROJECT)
MINE = {"caraml.dev/team": "fraud", "caraml.dev/stream": "risk"}
BOTH_MISSING = "missing labels: caraml.dev/team, caraml.dev/stream"
VIOLATION: Resources = [(DEPLOYMENT, "raw", workload(DEPLOYMENT, pod()))]


def labelled(labels: Any) -> Properties:
    return {"metadata": {"name": "raw", **({} if labels is None else {"labels": labels})}}


def judged(given: dict[str, Any] | None, **config: Any) -> list[str]:
    return violations(policy, SERVICE, labelled(given), config=config)


def test_the_rule_is_advice_that_asks_for_team_and_stream() -> None:
    assert policy.name == "labels-present"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.ADVISORY, Severity.LOW)
    properties = settings_of(policy)
    assert properties["labels"]["default"] == ["team", "stream"]
    assert properties["defaults"]["default"] == {}
    assert properties["labelPrefix"]["default"] == ""


@pytest.mark.parametrize("labels", [MINE, {"team": "fraud", "stream": "risk"}, {**MINE, "caraml.dev/owner": "alice"}])
def test_what_has_its_labels_passes(labels: dict[str, str]) -> None:
    assert judged(labels) == []


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (None, BOTH_MISSING),
        ({}, BOTH_MISSING),
        ({"caraml.dev/team": "fraud"}, "missing label: caraml.dev/stream"),
        ({**MINE, "caraml.dev/team": ""}, "missing label: caraml.dev/team"),
        ({**MINE, "caraml.dev/team": "fraud team"}, '"fraud team" is not a label value'),
        ({"gojek.com/team": "fraud", "gojek.com/stream": "risk"}, BOTH_MISSING),
    ],
)
def test_what_lacks_a_label_is_told_which(labels: dict[str, str] | None, said: str) -> None:
    found = judged(labels)
    assert first_lines(found) == [said]
    assert places(found) == ["metadata.labels"]


def test_a_platform_says_which_labels_it_wants_and_under_which_prefix() -> None:
    assert judged({}, labels=[]) == []
    assert first_lines(judged(MINE, labels=["team", "owner"])) == ["missing label: caraml.dev/owner"]
    assert judged({"gojek.com/team": "fraud"}, labels=["team"], labelPrefix="gojek.com/") == []
    part_of = "app.kubernetes.io/part-of"
    assert first_lines(judged(MINE, labels=[part_of])) == [f"missing label: {part_of}"]
    assert judged({part_of: "shop"}, labels=[part_of]) == []


def test_the_prefix_is_that_of_the_stacks_platform_unless_the_pack_says_another() -> None:
    own = {"gojek.com/team": "fraud", "gojek.com/stream": "risk"}
    with stack_platform(labelPrefix="gojek.com/"):
        assert judged(own) == []
        assert judged(MINE, labelPrefix="caraml.dev/") == []
        assert first_lines(judged({})) == ["missing labels: gojek.com/team, gojek.com/stream"]


@pytest.mark.parametrize("type_", [*SERVER_TYPES, SERVICE, NAMESPACE, POD_DISRUPTION_BUDGET])
def test_objects_that_no_component_made_are_held_to_the_rule(type_: str) -> None:
    assert first_lines(violations(policy, type_, labelled({"app": "raw"}))) == [BOTH_MISSING]
    assert violations(policy, type_, labelled(MINE)) == []


@pytest.mark.parametrize("type_", COMPONENTS)
def test_components_are_judged_by_the_labels_that_they_give_their_objects(type_: str) -> None:
    found = violations(policy, type_, {"labels": {"caraml.dev/team": "fraud"}, "createNamespace": True})
    assert first_lines(found) == ["missing label: caraml.dev/stream"]
    assert places(found) == ["labels"]


def test_a_project_that_makes_no_namespace_has_no_labels_to_give() -> None:
    assert violations(policy, MODEL_PROJECT, {"labels": {}, "createNamespace": False}) == []


def iris(**settings: Any) -> None:
    project = ModelProject("iris-team", team="fraud", stream="risk")
    given: dict[str, Any] = {"model": "iris", "version": 1, "project": project, "image": "ghcr.io/team/iris:1"}
    given["deployment_mode"] = "RAW_DEPLOYMENT"
    version = CustomModelVersion("iris-1", **{**given, **settings})
    ModelEndpoint("iris", traffic={version: 100})


def test_all_that_a_project_with_its_version_and_endpoint_makes_has_team_and_stream() -> None:
    registrations = recorded(iris).registrations
    judged = [item for item in registrations if policy.looks_at(item.type)]
    assert {MODEL_PROJECT, MODEL_VERSION, MODEL_ENDPOINT, DEPLOYMENT, SERVICE, NAMESPACE} <= {i.type for i in judged}
    assert [text for item in judged for text in violations(policy, item.type, item.inputs)] == []


def test_an_owner_among_the_labels_of_a_version_is_on_its_objects() -> None:
    registrations = recorded(lambda: iris(labels={"caraml.dev/owner": "alice"})).registrations
    judged = [item for item in registrations if item.type in (MODEL_VERSION, DEPLOYMENT, SERVICE)]
    assert [violations(policy, item.type, item.inputs, config={"labels": ["owner"]}) for item in judged] == [[], [], []]


CONFIGURED = {"labels": ["team", "owner"], "defaults": {"owner": "ml-platform", "cost": "7"}}


def test_the_remedy_adds_the_defaults_of_required_labels_that_are_missing() -> None:
    before = workload(DEPLOYMENT, pod())
    after = remediated(policy, DEPLOYMENT, before, config=CONFIGURED)
    assert after == {**before, "metadata": {**before["metadata"], "labels": {"caraml.dev/owner": "ml-platform"}}}


@pytest.mark.parametrize("type_", COMPONENTS)
def test_the_remedy_of_a_component_is_in_its_own_labels(type_: str) -> None:
    before = {"labels": {"caraml.dev/team": "fraud"}, "createNamespace": True}
    after = remediated(policy, type_, before, config=CONFIGURED)
    assert after == {**before, "labels": {"caraml.dev/team": "fraud", "caraml.dev/owner": "ml-platform"}}
    assert violations(policy, type_, after, config=CONFIGURED) == []


def test_the_remedy_makes_labels_where_there_is_no_metadata() -> None:
    after = remediated(policy, SERVICE, {"spec": {}}, config=CONFIGURED)
    assert after == {"spec": {}, "metadata": {"labels": {"caraml.dev/owner": "ml-platform"}}}


@pytest.mark.parametrize("labels", [{"owner": "alice"}, {"caraml.dev/owner": "alice"}])
def test_the_remedy_leaves_labels_alone_that_are_there(labels: dict[str, str]) -> None:
    assert remediated(policy, SERVICE, labelled(labels), config=CONFIGURED) is None


def test_the_remedy_does_nothing_without_defaults() -> None:
    assert remediated(policy, SERVICE, labelled(None)) is None
    assert remediated(policy, NAMESPACE, {}) is None


names = st.sampled_from(["team", "caraml.dev/team", "owner", "caraml.dev/owner", "example.com/cost", "app"])
values = st.sampled_from(["", "fraud", "a.b_c-d"])


@given(
    found=st.dictionaries(names, values),
    required=st.lists(st.sampled_from(["team", "owner", "example.com/cost"]), unique=True),
    value=values.filter(bool),
    type_=st.sampled_from([SERVICE, DEPLOYMENT, MODEL_VERSION]),
)
def test_what_the_remedy_leaves_passes_the_rule_with_every_label_that_was_there(
    found: dict[str, str], required: list[str], value: str, type_: str
) -> None:
    config = {"labels": required, "defaults": dict.fromkeys(["team", "owner", "example.com/cost"], value)}
    before: Properties = {"labels": found} if type_ == MODEL_VERSION else {"metadata": {"labels": found}}
    after = remediated(policy, type_, before, config=config)
    assert (after is None) == (violations(policy, type_, before, config=config) == [])
    after = after or before
    assert violations(policy, type_, after, config=config) == []
    assert remediated(policy, type_, after, config=config) is None
    kept = after["labels"] if type_ == MODEL_VERSION else after["metadata"]["labels"]
    assert {name: text for name, text in found.items() if text}.items() <= kept.items()


@pytest.mark.parametrize("before", [labelled(UNKNOWN), {"metadata": UNKNOWN}])
def test_the_remedy_leaves_labels_alone_that_are_not_known_yet(before: Properties) -> None:
    assert remediated(policy, SERVICE, before, config=CONFIGURED) is None


def test_the_remedy_leaves_labels_alone_that_are_secret_together_for_what_it_added_would_be_lost() -> None:
    one = {"metadata": {"labels": {"app": Secret("raw")}}}
    assert remediated(policy, DEPLOYMENT, one, config=CONFIGURED) is not None
    together = {"metadata": {"labels": Secret({"app": "raw"})}}
    assert remediated(policy, DEPLOYMENT, together, config=CONFIGURED) is None
    assert violations(policy, DEPLOYMENT, together, config=CONFIGURED) != []


def test_the_remedy_keeps_one_label_that_is_not_known_yet() -> None:
    after = remediated(policy, SERVICE, labelled({"app": UNKNOWN}), config=CONFIGURED)
    assert after == labelled({"app": UNKNOWN, "caraml.dev/owner": "ml-platform"})


def test_the_remedy_leaves_a_project_alone_that_has_no_labels_to_give() -> None:
    assert remediated(policy, MODEL_PROJECT, {"labels": {}, "createNamespace": False}, config=CONFIGURED) is None


def test_a_label_that_is_not_known_yet_is_judged_at_the_update() -> None:
    said = verdict(policy, SERVICE, labelled({"caraml.dev/team": UNKNOWN}))
    assert said.messages == []
    assert said.not_applicable
