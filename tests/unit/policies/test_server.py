"""The pack's own server says what the SDK's would say."""

from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel, Severity, policy

from caraml_pulumi.engine import wire
from caraml_pulumi.engine.values import UNKNOWN, Properties, Secret
from caraml_pulumi.errors import CaramlError
from policies.resource import Resource, Stack
from policies.rule import Blamed, ResourceRule, StackRule, resource_rule, stack_rule
from policies.server import RuleServer

THING = "kubernetes:core/v1:Thing"
OTHER = "kubernetes:core/v1:Other"


def too_big(resource: Resource) -> Iterator[CaramlError]:
    if resource.props["size"] > resource.settings["limit"]:
        yield CaramlError(f"{resource.name}: {resource.props['size']:g}")


def not_named(resource: Resource) -> Iterator[CaramlError]:
    if not resource.props.get("name"):
        yield CaramlError("no name")


def smaller(resource: Resource, draft: dict[str, Any]) -> None:
    draft["size"] = min(draft["size"], resource.settings["limit"])


def too_many(stack: Stack) -> Iterator[Blamed]:
    things = stack.of(THING)
    if len(things) > 2:
        yield Blamed(CaramlError(f"{len(things)} things: {[thing.props['size'] for thing in things]}"), things[-1].urn)
    if len(things) > 3:
        yield Blamed(CaramlError("far too many"))


def rules() -> list[ResourceRule | StackRule]:
    said: dict[str, Any] = {"doc": None, "severity": Severity.HIGH, "tags": (), "steps": ""}
    limit = {"limit": {"type": "number", "default": 3}}
    return [
        resource_rule("a", "Small.", judges={THING: too_big}, settings=limit, remedies={THING: smaller}, **said),
        resource_rule("b", "Named.", judges=dict.fromkeys((THING, OTHER), not_named), **said),
        stack_rule("c", "Few.", judge=too_many, level=EnforcementLevel.ADVISORY, **said),
    ]


def servers(config: dict[str, tuple[int, Properties]] | None = None) -> list[Any]:
    made = [kind("pack", "1.0.0", [*rules()], EnforcementLevel.MANDATORY) for kind in (RuleServer, _stock())]
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    for name, (level, properties) in (config or {}).items():
        request.policyConfig[name].enforcementLevel = analyzer_pb2.EnforcementLevel.ValueType(level)
        request.policyConfig[name].properties.update(properties)
    for server in made:
        server.Configure(request, None)
    return made


def _stock() -> Any:
    return policy._PolicyAnalyzerServicer


def resource(properties: Properties, name: str = "one", type_: str = THING) -> dict[str, Any]:
    struct = wire.encode(properties, secrets=True, unknowns=True)
    return {"type": type_, "name": name, "urn": f"urn:pulumi:dev::p::{type_}::{name}", "properties": struct}


@pytest.mark.parametrize(
    "properties",
    [
        {"size": 2, "name": "x"},
        {"size": 5, "name": "x"},
        {"size": 5},
        {"size": Secret(5), "name": Secret("x")},
        {"size": UNKNOWN},
        {"name": UNKNOWN, "size": 7},
    ],
)
@pytest.mark.parametrize("type_", [THING, OTHER, "pulumi:pulumi:Stack"])
@pytest.mark.parametrize(
    "config",
    [
        {},
        {"a": (analyzer_pb2.ADVISORY, {"limit": 6})},
        {"a": (analyzer_pb2.DISABLED, {}), "b": (analyzer_pb2.MANDATORY, {"environments": ["prod"]})},
        {"a": (analyzer_pb2.REMEDIATE, {"limit": 4})},
        {"b": (analyzer_pb2.MANDATORY, {"exemptions": [{"resource": "one"}]})},
    ],
)
def test_a_resource_is_judged_as_by_the_sdk(properties: Properties, type_: str, config: Any) -> None:
    request = analyzer_pb2.AnalyzeRequest(**resource(properties, type_=type_))
    ours, stock = (server.Analyze(request, None) for server in servers(config))
    assert ours.diagnostics == stock.diagnostics
    assert ours.not_applicable == stock.not_applicable


@pytest.mark.parametrize("sizes", [[1, 2], [1, 2, 3], [1, 2, 3, 4], [1, 2, UNKNOWN]])
@pytest.mark.parametrize("config", [{}, {"c": (analyzer_pb2.MANDATORY, {})}, {"c": (analyzer_pb2.DISABLED, {})}])
def test_a_stack_is_judged_as_by_the_sdk(sizes: list[Any], config: Any) -> None:
    resources = [analyzer_pb2.AnalyzerResource(**resource({"size": size}, f"n{size}")) for size in sizes]
    request = analyzer_pb2.AnalyzeStackRequest(resources=resources)
    ours, stock = (server.AnalyzeStack(request, None) for server in servers(config))
    assert ours.diagnostics == stock.diagnostics
    assert ours.not_applicable == stock.not_applicable


@pytest.mark.parametrize("properties", [{"size": 2}, {"size": 5, "token": Secret("s"), "later": UNKNOWN}])
def test_a_resource_is_mended_as_by_the_sdk(properties: Properties) -> None:
    request = analyzer_pb2.AnalyzeRequest(**resource(properties))
    ours, stock = (server.Remediate(request, None) for server in servers({"a": (analyzer_pb2.REMEDIATE, {})}))
    assert ours.remediations == stock.remediations
    assert len(ours.remediations) == (properties["size"] > 3)
    for mended in ours.remediations:
        assert wire.decode(mended.properties) == {**properties, "size": 3}


def test_a_resource_that_no_remedy_is_for_is_not_even_read() -> None:
    request = analyzer_pb2.AnalyzeRequest(**resource({"size": 5}, type_=OTHER))
    (ours, _) = servers({"a": (analyzer_pb2.REMEDIATE, {})})
    assert ours.Remediate(request, None) == analyzer_pb2.RemediateResponse()
