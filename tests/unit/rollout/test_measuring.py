"""What Prometheus is asked about a version, and by which limits its answers are judged."""

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.release import ReleaseSpec, plan_release
from caraml_pulumi.rollout.measuring import expressions
from caraml_pulumi.rollout.verdict import Check
from tests.unit.model import builders

VERSIONS = [
    {"version": 1, "image": "registry.local/iris:1.0", "deploymentMode": "SERVERLESS"},
    {"version": 2, "image": "registry.local/iris:2.0", "deploymentMode": "RAW_DEPLOYMENT"},
]


def asked(version: int, monitoring: object = True, **limits: float) -> dict[Check, str]:
    traffic = [{"version": 1, "weight": 90}, {"version": 2, "weight": 10}]
    endpoint = {"traffic": traffic, "monitoring": monitoring}
    release = ReleaseSpec.model_validate(
        {"model": "iris", "project": "iris-team", "versions": VERSIONS, "endpoint": endpoint}
    )
    platform = builders.platform()
    plan = next(one for one in plan_release(release, platform)[0] if one.version == version)
    return expressions(release, plan, platform, **limits)


def limits(found: dict[Check, str]) -> dict[str, float]:
    return {check.title: check.limit for check in found}


def test_the_alerts_of_the_endpoint_are_asked_of_one_version_alone() -> None:
    found = asked(2)
    assert limits(found) == {"error rate": 1, "p95 latency": 1000}
    errors, latency = found.values()
    assert 'destination_service_name=~"iris-2-predictor"' in errors
    assert "istio_request_duration_milliseconds_bucket" in latency
    assert "iris-1" not in errors + latency


def test_a_serverless_version_is_asked_by_its_revisions() -> None:
    errors, latency = asked(1).values()
    assert "iris-1-[0-9]{5}" in errors
    assert "revision_request_latencies_bucket" in latency
    assert "iris-2" not in errors + latency


def test_an_endpoint_may_have_alerts_of_its_own() -> None:
    alerts = [
        {"metric": "error_rate", "severity": "warning", "target": 0.1},
        {"metric": "latency", "severity": "warning", "target": 200, "percentile": 99},
        {"metric": "latency", "severity": "critical", "enabled": False},
    ]
    found = asked(2, {"alerts": alerts})
    assert limits(found) == {"error rate": 0.1, "p99 latency": 200}
    assert "histogram_quantile(0.99," in list(found.values())[1]


def test_an_endpoint_that_is_not_watched_is_judged_by_the_platforms_alerts() -> None:
    assert limits(asked(2, False)) == {"error rate": 1, "p95 latency": 1000}


def test_limits_of_the_command_line_replace_those_of_the_alerts() -> None:
    assert limits(asked(2, max_error_rate=3, max_latency=80)) == {"error rate": 3, "p95 latency": 80}


def test_without_any_limit_there_is_nothing_to_judge_by() -> None:
    off = [
        {"metric": metric, "severity": severity, "enabled": False}
        for metric in ("error_rate", "latency")
        for severity in ("warning", "critical")
    ]
    with pytest.raises(CaramlError, match="nothing says whether a step holds"):
        asked(2, {"alerts": off})
