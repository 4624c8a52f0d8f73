import json
from typing import Any

import pytest

from caraml_pulumi import CaramlError, CustomModelVersion, DeploymentMode, ModelEndpoint, ModelMonitoring
from caraml_pulumi.testing import Recording, record

MONITORING = "caraml:index:ModelMonitoring"
RULE = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
POD_MONITOR = "kubernetes:monitoring.coreos.com/v1:PodMonitor"
DASHBOARD = "kubernetes:core/v1:ConfigMap"


def version(number: int, model: str = "iris", **settings: Any) -> CustomModelVersion:
    return CustomModelVersion(
        f"{model}-{number}", model=model, version=number, project="iris-team", image="ghcr.io/team/iris:1", **settings
    )


def recorded(program: Any, *, preview: bool = False, **monitoring: Any) -> Recording:
    platform = {"domain": "models.example.com", "monitoring": monitoring}
    return record(program, config={"caraml:platform": platform}, preview=preview)


def alert_rules(recording: Recording, name: str = "iris") -> list[Any]:
    rules: list[Any] = recording.one(RULE, name).inputs["spec"]["groups"][0]["rules"]
    return rules


def alerts(recording: Recording) -> list[str]:
    return [rule["alert"] for rule in alert_rules(recording)]


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])
def test_a_model_is_watched_by_a_rule_monitors_and_a_dashboard(preview: bool) -> None:
    recording = recorded(lambda: ModelMonitoring("iris", versions=[version(1)]), preview=preview)
    children = recording.children_of(recording.one(MONITORING).urn)
    assert sorted((child.type, child.name) for child in children) == sorted(
        [(RULE, "iris"), (POD_MONITOR, "iris-1"), (DASHBOARD, "iris")]
    )
    assert {child.inputs["metadata"]["namespace"] for child in children} == {"iris-team"}


def test_one_switch_turns_it_off() -> None:
    recording = recorded(lambda: ModelMonitoring("iris", versions=[version(1)], enabled=False))
    assert recording.children_of(recording.one(MONITORING).urn) == []


def test_a_platform_may_leave_it_off_until_a_model_asks() -> None:
    def program() -> None:
        ModelMonitoring("iris", versions=[version(1)], enabled=True)
        ModelMonitoring("wine", versions=[version(1, "wine")])

    (rule,) = [item for item in recorded(program, enabled=False).registrations if item.type == RULE]
    assert rule.name == "iris"


def test_a_models_alerts_replace_the_platforms_of_the_same_metric_and_severity() -> None:
    slow: Any = {"metric": "latency", "severity": "critical", "target": 300, "percentile": 99}
    gone: Any = {"metric": "memory", "severity": "warning", "enabled": False}
    recording = recorded(lambda: ModelMonitoring("iris", versions=[version(1)], alerts=[slow, gone]))
    assert alerts(recording) == [
        "[merlin] iris: 95.00p Latency warning",
        "[merlin] iris: 99.00p Latency critical",
        "[merlin] iris: Error Rate warning",
        "[merlin] iris: Error Rate critical",
        "[merlin] iris: Cpu warning",
        "[merlin] iris: Cpu critical",
        "[merlin] iris: Memory critical",
    ]


def test_an_alert_without_any_target_is_refused() -> None:
    idle: Any = {"metric": "throughput", "severity": "warning"}
    with pytest.raises(CaramlError, match="the warning alert on throughput has no target"):
        recorded(lambda: ModelMonitoring("iris", versions=[version(1)], alerts=[idle]))


def test_two_alerts_of_one_kind_are_refused() -> None:
    twice: Any = [{"metric": "cpu", "severity": "warning", "target": target} for target in (70, 80)]
    with pytest.raises(CaramlError, match="there are two warning alerts on cpu"):
        recorded(lambda: ModelMonitoring("iris", versions=[version(1)], alerts=twice))


def test_a_percentile_is_refused_where_there_is_none() -> None:
    odd: Any = {"metric": "cpu", "severity": "warning", "target": 80, "percentile": 99}
    with pytest.raises(CaramlError, match="an alert on cpu has no percentile"):
        recorded(lambda: ModelMonitoring("iris", versions=[version(1)], alerts=[odd]))


def test_components_and_numbers_are_watched_alike() -> None:
    given: Any = {
        "model": "iris",
        "project": "iris-team",
        "versions": [
            {"version": 1, "weight": 90, "transformer": True},
            {"version": 2, "weight": 10, "deployment_mode": "RAW_DEPLOYMENT", "revision": 3},
        ],
    }

    def components() -> None:
        first = version(1, transformer={"image": "ghcr.io/team/transformer:1"})
        second = version(2, deployment_mode=DeploymentMode.RAW_DEPLOYMENT, revision=3)
        ModelMonitoring("iris", versions={first: 90, second: 10})

    by_number = recorded(lambda: ModelMonitoring("iris", given))
    by_component = recorded(components)
    for type_ in (RULE, POD_MONITOR, DASHBOARD):
        of_number, of_component = (
            {item.name: item.inputs for item in recording.registrations if item.type == type_}
            for recording in (by_number, by_component)
        )
        assert of_number == of_component


def test_what_watches_a_component_waits_for_its_workload_and_namespace() -> None:
    recording = recorded(lambda: ModelMonitoring("iris", versions=[version(1)]))
    assert recording.one("kubernetes:serving.knative.dev/v1:Service").urn in recording.one(RULE).dependencies


def test_versions_of_two_models_are_refused() -> None:
    with pytest.raises(CaramlError, match='the versions are of "iris" in iris-team and "wine" in iris-team'):
        recorded(lambda: ModelMonitoring("iris", versions=[version(1), version(1, "wine")]))


@pytest.mark.parametrize(
    ("platform", "url"),
    [
        ({}, ""),
        ({"grafanaUrl": "https://grafana.example.com/"}, "https://grafana.example.com/d/{uid}?{model}"),
        (
            {"grafanaUrl": "https://grafana.example.com", "monitoringBaseUrl": "https://one.example.com/d/x?orgId=2"},
            "https://one.example.com/d/x?orgId=2&{model}",
        ),
        (
            {"monitoringBaseUrl": "https://one.example.com/d/x", "clusterName": "id-1"},
            "https://one.example.com/d/x?var-cluster=id-1&{model}",
        ),
    ],
    ids=["no Grafana", "the model's own dashboard", "one dashboard for all", "with the cluster"],
)
def test_links_have_merlins_variables(platform: dict[str, Any], url: str) -> None:
    recording = recorded(lambda: ModelMonitoring("iris", versions=[version(1)]), **platform)
    (text,) = recording.one(DASHBOARD).inputs["data"].values()
    expected = url.format(uid=json.loads(text)["uid"], model="var-project=iris-team&var-model=iris")
    of_version = {"iris-1": f"{expected}&var-model_version=iris-1"} if expected else {}
    assert recording.one(MONITORING).outputs == {"monitoringUrl": expected, "versionUrls": of_version}
    (first, *_) = recording.one(RULE).inputs["spec"]["groups"][0]["rules"]
    assert first["annotations"].get("dashboard", "") == expected


def test_an_endpoints_alert_that_cannot_be_is_shown_where_it_was_written() -> None:
    def program() -> None:
        ModelEndpoint("iris", traffic={version(1): 100}, monitoring={"alerts": [idle]})

    idle: Any = {"metric": "throughput", "severity": "warning"}
    with pytest.raises(CaramlError) as raised:
        recorded(program)
    assert 'where:   ModelEndpoint "iris": monitoring.alerts' in str(raised.value)


def test_an_endpoint_is_watched_with_the_weights_of_its_default_route() -> None:
    def program() -> None:
        matches = [{"headers": {"beta": {"exact": "yes"}}, "traffic": {(second := version(2)): 100}}]
        ModelEndpoint("iris", traffic={version(1): 100, second: 0}, matches=matches)

    recording = recorded(program)
    watched = recording.one(MONITORING)
    assert watched.parent == recording.one("caraml:index:ModelEndpoint").urn
    assert [(one["version"], one["weight"]) for one in watched.inputs["versions"]] == [(1, 100), (2, 0)]


def test_a_mirror_is_watched_without_a_weight() -> None:
    def program() -> None:
        ModelEndpoint("iris", traffic={version(1): 100}, mirror={"version": version(2)})

    watched = recorded(program).one(MONITORING).inputs["versions"]
    assert [(one["version"], one.get("weight")) for one in watched] == [(1, 100), (2, None)]


def test_a_platforms_alerts_replace_the_defaults_and_a_models_replace_both() -> None:
    of_platform = [
        {"metric": "latency", "severity": "warning", "target": 200},
        {"metric": "throughput", "severity": "warning", "target": 3},
        {"metric": "memory", "severity": "warning", "enabled": False},
    ]
    of_model: Any = [{"metric": "throughput", "severity": "warning", "enabled": False}]

    def program() -> None:
        ModelMonitoring("iris", versions=[version(1)])
        ModelMonitoring("wine", versions=[version(1, "wine")], alerts=of_model)

    recording = recorded(program, alerts=of_platform)
    found = {
        name: {rule["alert"].partition(": ")[2]: rule["expr"] for rule in alert_rules(recording, name)}
        for name in ("iris", "wine")
    }
    assert found["iris"]["95.00p Latency warning"].endswith("> 200")
    assert "Memory warning" not in found["iris"]
    assert set(found["iris"]) - set(found["wine"]) == {"Throughput warning"}
    assert len(found["iris"]) == 8


def test_a_platforms_alert_without_a_target_is_refused_in_the_platform() -> None:
    with pytest.raises(CaramlError) as raised:
        recorded(
            lambda: ModelMonitoring("iris", versions=[version(1)]),
            alerts=[{"metric": "throughput", "severity": "warning"}],
        )
    assert "where:   caraml:platform.monitoring.alerts" in str(raised.value)


def test_an_objective_is_the_platforms_property_by_property() -> None:
    recording = recorded(
        lambda: ModelMonitoring("iris", versions=[version(1)], objective={"availability": 99.9}),
        objective={"windowDays": 7},
    )
    objective = recording.one(MONITORING).inputs["objective"]
    assert (objective["availability"], objective["windowDays"]) == (99.9, 7)
