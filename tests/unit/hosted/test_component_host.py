"""The component package as Pulumi starts it: a process that answers the ResourceProvider protocol."""

import asyncio
import json
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
import pulumi
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from caraml_pulumi import ArtifactBucket, AutoscalingPolicy, CustomModelVersion, ModelEndpoint, ModelMonitoring
from caraml_pulumi.testing import Recording, record
from components.caraml_components.host import Host
from tools.component_schema import SCHEMA

COMPONENTS = Path(__file__).parents[3] / "components"


@pytest.fixture(scope="module")
def schema() -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "pulumi.run.plugin", "caraml-components", "127.0.0.1:1"]
    with subprocess.Popen(command, cwd=COMPONENTS, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        port = int(host.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            answer = provider_pb2_grpc.ResourceProviderStub(channel).GetSchema(provider_pb2.GetSchemaRequest())
        yield json.loads(answer.schema)
        host.terminate()


def test_every_component_is_offered_under_its_type(schema: dict[str, Any]) -> None:
    assert schema["name"] == "caraml"
    assert set(schema["resources"]) == {
        "caraml:index:ArtifactBucket",
        "caraml:index:AutoscalingPolicy",
        "caraml:index:CustomModelVersion",
        "caraml:index:ImageBuild",
        "caraml:index:ModelArtifact",
        "caraml:index:ModelEndpoint",
        "caraml:index:ModelMonitoring",
        "caraml:index:ModelProject",
    }


def test_only_what_has_no_default_is_required(schema: dict[str, Any]) -> None:
    required = {name.rpartition(":")[2]: set(item["requiredInputs"]) for name, item in schema["resources"].items()}
    assert required == {
        "ArtifactBucket": set(),
        "AutoscalingPolicy": {"metric", "target"},
        "CustomModelVersion": {"model", "version", "project", "image"},
        "ImageBuild": {"model", "version", "project", "registry", "context"},
        "ModelArtifact": {"modelDir", "bucket"},
        "ModelEndpoint": {"model", "project", "traffic"},
        "ModelMonitoring": {"model", "project", "versions"},
        "ModelProject": {"team", "stream"},
    }


def _described(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """All that a schema describes, with the description."""
    for name, component in schema["resources"].items():
        yield name, component.get("description", "")
        for kind in ("inputProperties", "properties"):
            yield from ((f"{name}.{key}", value.get("description", "")) for key, value in component[kind].items())
    for name, type_ in schema["types"].items():
        yield name, type_.get("description", "")
        properties = type_.get("properties", {})
        yield from ((f"{name}.{key}", value.get("description", "")) for key, value in properties.items())
        yield from ((f"{name} {item['value']}", item.get("description", "")) for item in type_.get("enum", ()))


def test_every_component_type_property_and_choice_is_described(schema: dict[str, Any]) -> None:
    described = list(_described(schema))
    assert len(described) > 300
    assert [name for name, text in described if not text] == []
    assert [name for name, text in described if "\n    " in text.partition("```")[0].partition("::")[0]] == []


def test_types_are_named_for_generators_that_add_args_themselves(schema: dict[str, Any]) -> None:
    names = {name.rpartition(":")[2] for name in schema["types"]}
    assert {"ResourceRequest", "VersionTraffic", "AutoscalingPolicySpec"} <= names
    assert not {name for name in names if name.endswith("Args")} | names & {
        name.rpartition(":")[2] for name in schema["resources"]
    }
    text = json.dumps(schema)
    assert set(re.findall(r"#/types/([^\"]+)", text)) <= schema["types"].keys()


def test_the_published_schema_is_what_the_host_answers(schema: dict[str, Any]) -> None:
    assert json.loads(SCHEMA.read_text("utf-8")) == schema


def test_the_package_has_the_version_of_the_library(schema: dict[str, Any]) -> None:
    assert schema["version"] == version("caraml-pulumi")
    assert tomllib.loads((COMPONENTS / "pyproject.toml").read_text())["project"]["version"] == schema["version"]


def _values(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, item in {**schema["resources"], **schema["types"]}.items():
        for kind in ("inputProperties", "properties"):
            for key, value in item.get(kind, {}).items():
                yield f"{name.rpartition(':')[2]}.{key}", value


def test_every_name_is_in_camel_case_and_any_value_is_taken_only_where_kubernetes_or_the_platform_says_more(
    schema: dict[str, Any],
) -> None:
    values = list(_values(schema))
    assert [name for name, _ in values if not re.fullmatch(r"\w+\.[a-z][A-Za-z0-9]*", name)] == []
    free = {name.rpartition(".")[2] for name, value in values if "pulumi.json#/Any" in json.dumps(value)}
    assert free == {"affinity", "platform"}


def test_what_is_read_at_preview_is_plain_and_what_may_come_from_another_resource_is_not(
    schema: dict[str, Any],
) -> None:
    inputs = schema["resources"]["caraml:index:CustomModelVersion"]["inputProperties"]
    late = {name for name, value in inputs.items() if not value.get("plain")}
    assert late == {"image", "storageUri"}
    assert all("plain" not in inputs[name]["additionalProperties"] for name in ("env", "secrets"))


def test_choices_are_enums_for_other_languages(schema: dict[str, Any]) -> None:
    enums = {
        name: [choice["value"] for choice in item["enum"]] for name, item in schema["types"].items() if "enum" in item
    }
    assert enums == {
        "caraml:index:AccessType": ["public", "private"],
        "caraml:index:AlertMetric": ["throughput", "latency", "error_rate", "cpu", "memory"],
        "caraml:index:AlertSeverity": ["warning", "critical"],
        "caraml:index:AutoscalingMetric": ["cpu_utilization", "memory_utilization", "concurrency", "rps"],
        "caraml:index:DeploymentMode": ["SERVERLESS", "RAW_DEPLOYMENT"],
        "caraml:index:NodePolicy": ["Honor", "Ignore"],
        "caraml:index:Protocol": ["HTTP_JSON", "UPI_V1", "SELDON"],
        "caraml:index:RoutingBackend": ["ISTIO", "GATEWAY_API", "KNATIVE", "INGRESS"],
        "caraml:index:TaintEffect": ["NoSchedule", "PreferNoSchedule", "NoExecute"],
        "caraml:index:TolerationOperator": ["Exists", "Equal"],
        "caraml:index:TransformerType": ["custom", "standard"],
        "caraml:index:WhenUnsatisfiable": ["DoNotSchedule", "ScheduleAnyway"],
    }


READY = {
    "metadata": {"generation": 1},
    "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]},
}


def construct(inputs: dict[str, Any], component: type[pulumi.ComponentResource] = ModelEndpoint) -> Recording:
    host = Host([component], "caraml")
    config = {"caraml:platform": {"domain": "models.example.com"}}
    live = {f"iris-team/iris-{number}": READY for number in (1, 2)}
    return record(
        lambda: host.construct("iris", f"caraml:index:{component.__name__}", inputs), config=config, live=live
    )


def test_a_component_is_constructed_from_what_the_protocol_carries() -> None:
    traffic = [{"version": 1.0, "weight": 90.0}, {"version": 2.0, "weight": 10.0}]
    recording = construct({"model": "iris", "project": "iris-team", "traffic": traffic})
    route = recording.one("kubernetes:networking.istio.io/v1:VirtualService").inputs["spec"]["http"][0]["route"]
    assert [share["weight"] for share in route] == [90, 10]


def test_a_broken_rule_is_a_wrong_input_and_not_a_failure_of_the_host() -> None:
    with pytest.raises(pulumi.InputPropertiesError) as caught:
        construct({"model": "iris", "project": "iris-team", "traffic": [{"version": 1, "weight": 90}]})
    (error,) = caught.value.errors or []
    assert error["property_path"] == "traffic"
    assert error["reason"].startswith("the weights sum to 90")


@pytest.mark.parametrize(
    ("changed", "path", "reason"),
    [
        ({"timeoutSeconds": -1}, "timeoutSeconds", "`timeoutSeconds` cannot be -1\n  allowed: at least 1"),
        ({"traffick": []}, "traffick", "unknown field `traffick`"),
        ({"mirror": {"version": 1, "persentage": 9}}, "mirror.persentage", "unknown field `persentage`"),
        ({"backend": "NGINX"}, "backend", '`backend` cannot be "NGINX"\n  allowed: ISTIO, GATEWAY_API'),
        ({"traffic": None}, "traffic", "`traffic`"),
        ({"retries": {"attempts": 1, "perTryTimeoutSeconds": 0}}, "retries.perTryTimeoutSeconds", "`perTryTimeout"),
    ],
)
def test_each_mistake_has_the_path_of_the_property_and_its_name_in_the_schema(
    changed: dict[str, Any], path: str, reason: str
) -> None:
    inputs = {"model": "iris", "project": "iris-team", "traffic": [{"version": 1, "weight": 100}], **changed}
    with pytest.raises(pulumi.InputPropertiesError) as caught:
        construct(inputs)
    (error,) = caught.value.errors or []
    assert error["property_path"] == path
    assert error["reason"].startswith(reason)


def test_many_children_of_components_can_wait_at_once() -> None:
    host = Host([AutoscalingPolicy], "caraml")
    together = threading.Barrier(100)

    async def program() -> None:
        host.construct("gentle", "caraml:index:AutoscalingPolicy", {"metric": "concurrency", "target": 2})
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(None, together.wait, 20) for _ in range(100)))

    record(program)
    assert not together.broken


def test_a_component_that_is_not_there_is_named_with_those_that_are() -> None:
    host = Host([ModelEndpoint, CustomModelVersion], "caraml")
    with pytest.raises(pulumi.RunError, match='no component "caraml:index:ModelVersion"') as caught:
        host.construct("iris", "caraml:index:ModelVersion", {})
    assert "allowed: caraml:index:ModelEndpoint, caraml:index:CustomModelVersion" in str(caught.value)


@pytest.mark.parametrize("key", ["model", "deploymentMode", "resourceRequest", "tolerations"])
def test_an_output_where_a_plain_value_must_be_is_refused_and_not_taken_for_nothing(key: str) -> None:
    async def output() -> pulumi.Output[Any]:
        return pulumi.Output.from_input("SERVERLESS")

    inputs = {"model": "iris", "version": 1, "project": "iris-team", "image": "ghcr.io/team/iris:1"}
    with pytest.raises(pulumi.InputPropertiesError) as caught:
        construct({**inputs, key: asyncio.run(output())}, CustomModelVersion)
    (error,) = caught.value.errors or []
    assert error["property_path"] == key
    assert "must be known at preview" in error["reason"]


def test_nested_arguments_come_as_other_languages_write_them() -> None:
    inputs = {
        "model": "iris",
        "version": 1.0,
        "project": "iris-team",
        "image": "ghcr.io/team/iris:1",
        "deploymentMode": "RAW_DEPLOYMENT",
        "resourceRequest": {"minReplica": 2.0, "maxReplica": 3.0},
        "tolerations": [{"key": "spot", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60.0}],
        "securityContext": {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
        "secretRefs": {"TOKEN": {"name": "vault", "key": "token"}},
        "transformer": {"type": "custom", "image": "ghcr.io/team/transformer:1", "readinessProbe": {"path": "/ready"}},
    }
    recording = construct(inputs, CustomModelVersion)
    pod = recording.one("kubernetes:apps/v1:Deployment", "iris").inputs["spec"]["template"]["spec"]
    assert pod["tolerations"] == [{"key": "spot", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}]
    assert pod["containers"][0]["securityContext"] == {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}
    assert recording.one("kubernetes:apps/v1:Deployment", "iris-transformer")


def test_a_bucket_comes_as_other_languages_write_it() -> None:
    inputs = {"bucket": "models", "abortIncompleteUploadDays": 3.0, "unsupported": ["encryption"], "tags": {"a": "b"}}
    bucket = construct(inputs, ArtifactBucket).one("pulumi-python:dynamic/caraml:ArtifactBucket").inputs
    assert bucket["abortIncompleteUploadDays"] == 3
    assert "encryption" not in bucket


def test_monitoring_comes_as_other_languages_write_it() -> None:
    inputs = {
        "model": "iris",
        "project": "iris-team",
        "versions": [{"version": 1.0, "weight": 100.0, "deploymentMode": "RAW_DEPLOYMENT", "transformer": True}],
        "alerts": [{"metric": "latency", "severity": "critical", "target": 300.0, "percentile": 99.0}],
        "objective": {"availability": 99.9, "windowDays": 28.0},
        "playbookUrl": "https://wiki.example.com/models",
    }
    recording = construct(inputs, ModelMonitoring)
    (alerts, _, objective) = recording.one("kubernetes:monitoring.coreos.com/v1:PrometheusRule").inputs["spec"][
        "groups"
    ]
    slow = next(rule for rule in alerts["rules"] if rule["alert"] == "[merlin] iris: 99.00p Latency critical")
    assert slow["expr"].endswith("> 300")
    assert 'destination_service_name=~"iris-1-transformer-service"' in slow["expr"]
    assert slow["annotations"]["playbook"] == "https://wiki.example.com/models"
    assert "28 days" in objective["rules"][-1]["annotations"]["summary"]
