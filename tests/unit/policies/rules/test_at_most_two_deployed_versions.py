from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN, Properties
from caraml_pulumi.testing.policies import stack_violations, verdict, violations
from policies.reading import DEPLOYMENT, KNATIVE_SERVICE, MODEL_ENDPOINT, MODEL_VERSION
from policies.rules.at_most_two_deployed_versions import of_endpoint, of_stack
from policies.versions import WORKLOADS
from tests.unit.policies.models import defaults

MESSAGE = (
    '3 versions of model "iris" would be deployed in environment "dev": 1, 2, 3\n'
    "  allowed: at most 2 deployed versions of a model\n"
    "  fix:     remove a version before another is deployed"
)


def endpoint(*versions: int) -> Properties:
    return {
        "model": "iris",
        "environment": "dev",
        "traffic": [{"version": version, "weight": 100 // len(versions)} for version in versions],
    }


def component(version: int, **other: str) -> tuple[str, str, Properties]:
    outputs = {"model": "iris", "environment": "dev", "project": "iris-team", **other, "version": version}
    return MODEL_VERSION, f"{outputs['model']}-{version}", outputs


def raw_object(type_: str, version: int | str, prefix: str = "caraml.dev/") -> tuple[str, str, Properties]:
    labels = {
        f"{prefix}orchestrator": "caraml",
        f"{prefix}environment": "dev",
        f"{prefix}app": "iris",
        f"{prefix}version": str(version),
    }
    return type_, f"raw-{version}", {"metadata": {"namespace": "iris-team", "labels": labels}}


VIOLATION = [
    (MODEL_ENDPOINT, "iris", endpoint(1, 2, 3)),
    *(raw_object(DEPLOYMENT, version) for version in (1, 2, 3)),
]


def test_both_policies_are_mandatory_and_say_what_they_hold() -> None:
    assert (of_endpoint.name, of_stack.name) == (
        "at-most-two-deployed-versions",
        "at-most-two-deployed-versions-of-stack",
    )
    assert of_endpoint.enforcement_level is of_stack.enforcement_level is EnforcementLevel.MANDATORY
    assert (
        of_endpoint.description
        == of_stack.description
        == "At most two versions of a model are deployed in an environment."
    )
    assert of_endpoint.severity is of_stack.severity is Severity.CRITICAL
    assert defaults(of_endpoint) == {"environments": [], "exemptions": []}
    assert defaults(of_stack) == {"labelPrefix": "", "environments": [], "exemptions": []}


@pytest.mark.parametrize("versions", [(1,), (1, 2)])
def test_an_endpoint_over_one_or_two_versions_passes(versions: tuple[int, ...]) -> None:
    assert violations(of_endpoint, MODEL_ENDPOINT, endpoint(*versions)) == []


def test_an_endpoint_over_three_versions_is_refused() -> None:
    assert violations(of_endpoint, MODEL_ENDPOINT, endpoint(1, 2, 3)) == [MESSAGE]


@pytest.mark.parametrize(
    "more", [{"matches": [{"traffic": [{"version": 3, "weight": 100}]}]}, {"mirror": {"version": 3, "percentage": 5}}]
)
def test_a_third_version_that_only_some_requests_reach_is_refused(more: dict[str, Any]) -> None:
    assert violations(of_endpoint, MODEL_ENDPOINT, endpoint(1, 2) | more) == [MESSAGE]


def test_an_endpoint_whose_versions_are_unknown_is_not_judged() -> None:
    unknown = endpoint(1) | {"traffic": [{"version": UNKNOWN, "weight": 100}]}
    found = verdict(of_endpoint, MODEL_ENDPOINT, unknown)
    assert found.violations == []
    assert found.not_applicable


def test_other_resources_are_not_looked_at() -> None:
    assert violations(of_endpoint, "kubernetes:core/v1:Service", {}) == []
    assert stack_violations(of_stack, [("kubernetes:core/v1:Service", "x", {"metadata": UNKNOWN})]) == []


def test_two_versions_in_a_stack_pass_and_a_third_is_refused_by_name() -> None:
    assert stack_violations(of_stack, [component(1), component(2)]) == []
    ((message, urn),) = stack_violations(of_stack, [component(3), component(1), component(2)])
    assert message == MESSAGE
    assert urn is not None
    assert urn.endswith("::iris-3")


def test_versions_of_other_models_projects_and_environments_do_not_count() -> None:
    elsewhere = [component(3, model="wine"), component(4, project="wine-team"), component(5, environment="prod")]
    assert stack_violations(of_stack, [component(1), component(2), *elsewhere]) == []


@pytest.mark.parametrize("type_", WORKLOADS)
def test_a_third_version_that_goes_around_the_components_is_refused(type_: str) -> None:
    ((message, urn),) = stack_violations(of_stack, [component(1), component(2), raw_object(type_, 3)])
    assert message == MESSAGE
    assert urn == f"urn:pulumi:dev::project::{type_}::raw-3"


def test_the_objects_of_a_component_are_the_same_version_and_not_another() -> None:
    assert stack_violations(of_stack, [component(1), component(2), raw_object(KNATIVE_SERVICE, 1)]) == []


def test_objects_are_recognised_by_the_configured_label_prefix() -> None:
    objects = [raw_object(DEPLOYMENT, version, "example.org/") for version in (1, 2, 3)]
    assert stack_violations(of_stack, objects) == []
    assert len(stack_violations(of_stack, objects, config={"labelPrefix": "example.org/"})) == 1


def test_an_object_whose_version_is_no_number_is_not_a_version() -> None:
    objects = [raw_object(DEPLOYMENT, version) for version in ("a", "b", "c")]
    assert stack_violations(of_stack, objects) == []
