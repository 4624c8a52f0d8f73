import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import stack_verdict, stack_violations
from policies.evidence import STACK_VARIABLE
from policies.reading import MODEL_VERSION, SERVICE
from policies.rules.serving_version_kept import policy
from tests.unit.policies.models import (
    HTTP_ROUTE,
    INGRESS,
    KNATIVE_ROUTE,
    Named,
    defaults,
    endpoint,
    raw,
    raw_deployment,
    raw_knative_service,
    state,
    to,
    urn,
    version,
    virtual_service,
    written,
)
from tests.unit.policies.objects import first_lines

BEFORE = Path(__file__).with_name("stack_before.json")
VIOLATION: list[Named] = [raw(SERVICE, "another", {"selector": {"app": "another"}})]
CONFIG = {"stackBefore": str(BEFORE)}

Judged = Callable[..., list[tuple[str, str | None]]]


@pytest.fixture(autouse=True)
def nothing_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STACK_VARIABLE, raising=False)
    pulumi.runtime.set_all_config({})


@pytest.fixture
def judged(tmp_path: Path) -> Judged:
    def judge(before: list[Named], after: list[Named], **config: Any) -> list[tuple[str, str | None]]:
        file = written(tmp_path / "before.json", state(*before))
        return stack_violations(policy, after, config={"stackBefore": file, **config})

    return judge


def said(found: list[tuple[str, str | None]]) -> list[str]:
    return first_lines([message for message, _ in found])


def test_the_rule_is_mandatory_and_refuses_also_what_has_lost_its_traffic_in_the_same_update() -> None:
    assert policy.name == "serving-version-kept"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.MANDATORY, Severity.CRITICAL)
    assert defaults(policy) == {
        "acknowledge": [],
        "afterTrafficHasMoved": "refuse",
        "stackBefore": "",
        "labelPrefix": "",
        "environments": [],
        "exemptions": [],
    }


BOTH = [version(1), version(2), endpoint(90, 10)]


def test_a_stack_that_keeps_its_versions_and_one_that_gets_more_pass(judged: Judged) -> None:
    assert judged(BOTH, BOTH) == []
    assert judged([version(1), endpoint(100)], BOTH) == []
    assert judged(BOTH, [version(1), version(2), endpoint(0, 100)]) == []


def test_deleting_a_version_that_gets_requests_is_refused_and_the_version_is_blamed(judged: Judged) -> None:
    found = judged(BOTH, [version(1), endpoint(100)])
    assert said(found) == ["version iris-team/iris/2 gets requests, and would be deleted"]
    assert found[0][1] == urn(MODEL_VERSION, "iris-2")
    assert "caraml:acknowledge: [iris-team/iris/2]" in found[0][0]


def test_stopping_it_is_refused_as_well(judged: Judged) -> None:
    found = judged(BOTH, [version(1), version(2, status="terminated"), endpoint(100)])
    assert said(found) == ["version iris-team/iris/2 gets requests, and would be stopped"]


def test_a_version_without_requests_may_go(judged: Judged) -> None:
    assert judged([version(1), version(2), endpoint(100)], [version(1), endpoint(100)]) == []
    assert judged([version(1), version(2), endpoint(100, 0)], [version(1), endpoint(100)]) == []
    mirrored = endpoint(100, mirror={"version": 2, "percentage": 100})
    assert judged([version(1), version(2), mirrored], [version(1), endpoint(100)]) == []


def test_requests_of_a_match_count(judged: Judged) -> None:
    matched = endpoint(100, matches=[{"traffic": [{"version": 2, "weight": 100}]}])
    assert len(judged([version(1), version(2), matched], [version(1), endpoint(100)])) == 1


def test_dropping_the_whole_model_is_refused_for_each_version(judged: Judged) -> None:
    assert len(judged(BOTH, [])) == 2


def test_taking_the_endpoint_out_cuts_its_versions_off(judged: Judged) -> None:
    found = judged([version(1), endpoint(100)], [version(1)])
    assert said(found) == [
        "version iris-team/iris/1 gets requests, and would be cut off: nothing sends requests to its model any more"
    ]
    assert found[0][1] == urn(MODEL_VERSION, "iris-1")
    assert judged([version(1), endpoint(100)], [version(1)], acknowledge=["iris-team/iris"]) == []
    route = virtual_service({"route": [to("iris-1-predictor")]})
    assert said(judged([*raw_deployment(1), route], raw_deployment(1)))[0].endswith("to its model any more")


def test_a_version_that_some_other_stack_deploys_is_not_this_stacks_to_keep(judged: Judged) -> None:
    assert judged([version(1), endpoint(90, 10)], [version(1), endpoint(100)]) == []


@pytest.mark.parametrize("entry", ["iris-team/iris/2", "iris-team/iris"])
def test_what_the_setting_acknowledges_may_go(judged: Judged, entry: str) -> None:
    assert judged(BOTH, [version(1), endpoint(100)], acknowledge=[entry]) == []
    assert len(judged(BOTH, [version(1), endpoint(100)], acknowledge=["iris-team/iris/1", "wine-team/iris"])) == 1


@pytest.mark.parametrize(
    "configured", ['["iris-team/iris/2"]', "iris-team/iris/2", "iris-team/iris/1, iris-team/iris/2"]
)
def test_what_the_stacks_configuration_acknowledges_may_go(judged: Judged, configured: str) -> None:
    pulumi.runtime.set_all_config({"caraml:acknowledge": configured})
    assert judged(BOTH, [version(1), endpoint(100)]) == []


@pytest.mark.parametrize("configured", ["iris-2", "[iris-team/iris/2", '["iris-team/iris/0"]'])
def test_an_acknowledgement_that_names_no_version_is_a_violation_itself(judged: Judged, configured: str) -> None:
    pulumi.runtime.set_all_config({"caraml:acknowledge": configured})
    [message] = said(judged(BOTH, BOTH))
    assert message.endswith("acknowledges no version")


def test_where_it_is_allowed_a_version_may_go_in_the_update_that_moves_its_traffic(judged: Judged) -> None:
    allowed = {"afterTrafficHasMoved": "allow"}
    assert judged(BOTH, [version(1), endpoint(100)], **allowed) == []
    assert len(judged(BOTH, [], **allowed)) == 2
    elsewhere = endpoint(0, 100)
    assert len(judged(BOTH, [version(1), elsewhere], **allowed)) == 1


@pytest.mark.parametrize(
    "route",
    [
        virtual_service({"route": [to("iris-1-predictor")]}),
        virtual_service({"route": [to("iris-1-predictor.iris-team.svc.cluster.local", 10), to("other", 90)]}),
        raw(HTTP_ROUTE, "iris", {"rules": [{"backendRefs": [{"name": "iris-1-predictor", "port": 80}]}]}),
        raw(INGRESS, "iris", {"defaultBackend": {"service": {"name": "iris-1-predictor"}}}),
        raw(
            INGRESS,
            "iris",
            {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "iris-1-predictor"}}}]}}]},
        ),
    ],
)
def test_a_deployment_that_a_route_sends_requests_to_is_kept(judged: Judged, route: Named) -> None:
    deployed = raw_deployment(1)
    found = judged([*deployed, route], [route])
    assert said(found) == ["version iris-team/iris/1 gets requests, and would be deleted"]
    assert judged([*deployed, route], [*deployed, route]) == []
    stopped = judged([*deployed, route], [*raw_deployment(1, replicas=0), route])
    assert said(stopped) == ["version iris-team/iris/1 gets requests, and would be stopped"]


@pytest.mark.parametrize(
    ("route", "serving"),
    [
        (raw(KNATIVE_ROUTE, "iris", {"traffic": [{"configurationName": "iris-1", "percent": 100}]}), True),
        (raw(KNATIVE_ROUTE, "iris", {"traffic": [{"revisionName": "iris-1-00003", "percent": 100}]}), True),
        (raw(KNATIVE_ROUTE, "iris", {"traffic": [{"revisionName": "iris-1-00003", "tag": "old"}]}), False),
        (virtual_service({"route": [to("iris-1", 0), to("iris-2", 100)]}), False),
        (virtual_service({"route": [to("iris-1.wine-team.svc.cluster.local")]}), False),
        (virtual_service({"route": [to("iris-1")]}, **{"caraml.dev/version": "1"}), False),
    ],
    ids=["configuration", "revision", "tag", "no weight", "another namespace", "the version's own address"],
)
def test_a_knative_service_that_a_route_sends_requests_to_is_kept(judged: Judged, route: Named, serving: bool) -> None:
    assert (len(judged([raw_knative_service(1), route], [])) == 1) is serving


def test_a_route_that_goes_on_under_the_host_of_a_version_reaches_it(judged: Judged) -> None:
    back = {**to("gateway.istio-system.svc"), "headers": {"request": {"set": {"Host": "iris-1.iris-team.example.com"}}}}
    assert len(judged([raw_knative_service(1), virtual_service({"route": [back]})], [])) == 1


def test_a_raw_version_that_a_component_takes_over_is_kept(judged: Judged) -> None:
    route = virtual_service({"route": [to("iris-1-predictor")]})
    assert judged([*raw_deployment(1), route], [version(1), endpoint(100)]) == []


def test_a_deployment_that_keeps_its_name_and_gets_another_selector_is_replaced(judged: Judged) -> None:
    route = virtual_service({"route": [to("iris-1-predictor")]})
    found = judged([*raw_deployment(1), route], [*raw_deployment(1, select="iris-one"), route])
    assert said(found) == [
        "version iris-team/iris/1 gets requests, and would be deleted before it is made anew: "
        "the selector of Deployment iris-1 changes"
    ]


def test_without_the_stack_of_before_the_rule_is_not_applicable() -> None:
    found = stack_verdict(policy, BOTH)
    assert found.violations == []
    assert "what the stack was before is not known" in str(found.not_applicable)


def test_evidence_that_cannot_be_read_is_a_violation(tmp_path: Path) -> None:
    found = stack_violations(policy, [], config={"stackBefore": str(tmp_path / "none.json")})
    assert said(found) == ["the evidence cannot be read: No such file or directory"]


def test_the_state_of_another_stack_is_a_violation(tmp_path: Path) -> None:
    config = {"stackBefore": written(tmp_path / "a.json", state(*BOTH))}
    found = stack_violations(policy, [version(1, environment="prod")], stack="prod", config=config)
    assert said(found) == ['the evidence is of stack "project/dev"']


def test_a_status_that_is_not_known_yet_is_not_judged(tmp_path: Path) -> None:
    config = {"stackBefore": written(tmp_path / "a.json", state(*BOTH))}
    assert stack_verdict(policy, [version(1), version(2, status=UNKNOWN)], config=config).not_applicable


def test_the_recorded_stack_of_before_makes_the_violation() -> None:
    before = [version(2), raw_knative_service(1), endpoint(90, 10)]
    assert json.loads(BEFORE.read_text()) == state(*before)
    assert len(stack_violations(policy, VIOLATION, config=CONFIG)) == 2
