from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.engine.values import UNKNOWN
from caraml_pulumi.testing.policies import verdict, violations
from policies.pods import CRON_JOB, JOB, POD, SERVER_TYPES
from policies.reading import DEPLOYMENT, MODEL_VERSION
from policies.rules.liveness_probe_kept import policy
from tests.unit.model import builders
from tests.unit.policies.configured import version
from tests.unit.policies.objects import Resources, first_lines, places, pod, settings_of, workload

VIOLATION: Resources = [(DEPLOYMENT, "raw", workload(DEPLOYMENT, pod()))]
REASON = {"caraml.dev/liveness-disabled-reason": "loads for ten minutes"}
PROBE = {"livenessProbe": {"httpGet": {"path": "/", "port": 8080}}}


def judged(**settings: Any) -> list[str]:
    return violations(policy, MODEL_VERSION, version(**settings))


def test_the_rule_is_advice() -> None:
    assert policy.name == "liveness-probe-kept"
    assert (policy.enforcement_level, policy.severity) == (EnforcementLevel.ADVISORY, Severity.MEDIUM)
    assert settings_of(policy)["sidecars"]["default"] == ["queue-proxy", "istio-proxy"]
    assert settings_of(policy)["labelPrefix"]["default"] == ""


def test_a_version_with_its_probe_passes() -> None:
    assert judged() == judged(env={"CARAML_DISABLE_LIVENESS_PROBE": "false"}) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"disableLivenessProbe": True},
        {"env": {"CARAML_DISABLE_LIVENESS_PROBE": "true"}},
        {"env": {"MERLIN_DISABLE_LIVENESS_PROBE": "TRUE"}},
    ],
)
def test_a_version_without_its_probe_says_why(settings: dict[str, Any]) -> None:
    (message,) = judged(**settings)
    assert message.splitlines() == [
        "the liveness probe is disabled: a server that hangs is never restarted",
        "  where:   disableLivenessProbe",
        "  allowed: a liveness probe, or a reason",
        "  fix:     keep the probe, or say why in the annotation caraml.dev/liveness-disabled-reason",
    ]
    assert judged(**settings, annotations=REASON) == []
    assert len(judged(**settings, annotations={"caraml.dev/liveness-disabled-reason": " "})) == 1


def test_the_reason_of_a_version_is_that_of_its_pods_and_holds_for_its_transformer() -> None:
    transformer = {"image": "ghcr.io/team/transformer:1", "disableLivenessProbe": True}
    settings: dict[str, Any] = {"deploymentMode": "RAW_DEPLOYMENT", "disableLivenessProbe": True}
    assert places(judged(**settings, transformer=transformer)) == [
        "disableLivenessProbe",
        "transformer.disableLivenessProbe",
    ]
    plan = builders.version(**settings, transformer=transformer, annotations=REASON)
    assert violations(policy, MODEL_VERSION, plan.props()) == []
    deployments = [item for item in builders.objects(plan) if item["kind"] == "Deployment"]
    assert len(deployments) == 2
    assert [violations(policy, DEPLOYMENT, item) for item in deployments] == [[], []]


def test_the_annotation_is_under_the_platforms_prefix() -> None:
    props = version(disableLivenessProbe=True, annotations=REASON)
    (message,) = violations(policy, MODEL_VERSION, props, config={"labelPrefix": "gojek.com/"})
    assert "gojek.com/liveness-disabled-reason" in message


@pytest.mark.parametrize("type_", SERVER_TYPES)
def test_containers_of_whatever_makes_pods_to_run_for_ever_have_one(type_: str) -> None:
    found = violations(policy, type_, workload(type_, pod()))
    assert first_lines(found) == ['container "model" has no liveness probe: a server that hangs is never restarted']
    assert places(found)[0].endswith("spec.containers[0]")
    assert violations(policy, type_, workload(type_, pod(PROBE))) == []


@pytest.mark.parametrize("type_", [JOB, CRON_JOB])
def test_what_runs_to_its_end_needs_none(type_: str) -> None:
    assert violations(policy, type_, workload(type_, pod())) == []


def test_init_containers_and_known_sidecars_need_none_and_others_do() -> None:
    spec = pod(PROBE, initContainers=[{"name": "setup"}])
    spec["containers"] += [{"name": "queue-proxy"}, {"name": "logger"}]
    assert places(violations(policy, DEPLOYMENT, workload(DEPLOYMENT, spec))) == ["spec.template.spec.containers[2]"]
    config = {"sidecars": ["queue-proxy", "log*"]}
    assert violations(policy, DEPLOYMENT, workload(DEPLOYMENT, spec), config=config) == []


def test_the_reason_may_be_on_the_pods_or_on_what_makes_them() -> None:
    props = workload(DEPLOYMENT, pod())
    props["metadata"]["annotations"] = REASON
    assert violations(policy, DEPLOYMENT, props) == []
    props = workload(POD, pod())
    props["metadata"]["annotations"] = REASON
    assert violations(policy, POD, props) == []


def test_a_switch_that_is_not_known_yet_is_judged_at_the_update() -> None:
    props = {**version(), "env": {"CARAML_DISABLE_LIVENESS_PROBE": UNKNOWN}}
    said = verdict(policy, MODEL_VERSION, props)
    assert (said.messages, bool(said.not_applicable)) == ([], True)
