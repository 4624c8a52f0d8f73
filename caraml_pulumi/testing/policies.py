"""Tests of policies without a stack: ask a policy about resources, and look at what it reports.

    assert violations(policy, "caraml:index:CustomModelVersion", {"deploymentMode": ...}) == []

Properties reach the policy as they do from Pulumi: read-only, numbers as floats, secrets unwrapped. Reading one that is
`UNKNOWN` raises `UnknownValueError`, which Pulumi reports as advice that the policy could not be asked; a policy may
say instead that it is not applicable, as the rules of the CaraML pack do. `verdict` tells.
"""

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Never

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.deserialize import deserialize_properties, serialize_properties
from pulumi_policy.proxy import UnknownValueError, unknown_checking_proxy

from caraml_pulumi.engine import wire
from caraml_pulumi.engine.resource import urn_name
from caraml_pulumi.engine.secrecy import keep_secrets
from caraml_pulumi.engine.values import UNKNOWN, UNKNOWN_TEXT, Properties, PropertyValue, Secret, transform

__all__ = ["UnknownValueError", "Verdict", "remediated", "stack_verdict", "stack_violations", "verdict", "violations"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy says: the violations that it found, and why it is not applicable if it says so."""

    violations: list[tuple[str, str | None]]
    """Message, and the URN that is blamed; none if the policy named none."""
    not_applicable: str | None = None

    @property
    def messages(self) -> list[str]:
        """What is violated."""
        return [message for message, _ in self.violations]


def verdict(
    policy: ResourceValidationPolicy,
    type_: str,
    properties: Properties,
    *,
    name: str = "resource",
    stack: str = "dev",
    parent: str | None = None,
    config: Mapping[str, Any] | None = None,
) -> Verdict:
    """What `policy` says of one resource; `config` is laid over the defaults of its schema, `parent` is a URN."""
    return resource_said(policy, type_, properties, _urn(stack, type_, name), parent, config)


def violations(
    policy: ResourceValidationPolicy,
    type_: str,
    properties: Properties,
    *,
    name: str = "resource",
    stack: str = "dev",
    config: Mapping[str, Any] | None = None,
) -> list[str]:
    """What `policy` reports of one resource; see `verdict`."""
    return verdict(policy, type_, properties, name=name, stack=stack, config=config).messages


def stack_verdict(
    policy: StackValidationPolicy,
    resources: Sequence[tuple[str, str, Properties]],
    *,
    stack: str = "dev",
    config: Mapping[str, Any] | None = None,
) -> Verdict:
    """What `policy` says of a stack; resources are type, name and outputs."""
    known = [(type_, outputs, _urn(stack, type_, name), "") for type_, name, outputs in resources]
    return stack_said(policy, known, config)


def stack_violations(
    policy: StackValidationPolicy,
    resources: Sequence[tuple[str, str, Properties]],
    *,
    stack: str = "dev",
    config: Mapping[str, Any] | None = None,
) -> list[tuple[str, str | None]]:
    """What `policy` reports of a stack, with the URN it blames; see `stack_verdict`."""
    return stack_verdict(policy, resources, stack=stack, config=config).violations


def remediated(
    policy: ResourceValidationPolicy,
    type_: str,
    properties: Properties,
    *,
    name: str = "resource",
    stack: str = "dev",
    config: Mapping[str, Any] | None = None,
) -> Properties | None:
    """What the remediation of `policy` makes of the properties of a resource; None if it leaves them as they are.

    Secrets and unknown values reach the remediation, and come back, as they do with Pulumi: `Secret`s and `UNKNOWN`.
    """
    sent = MessageToDict(wire.encode(properties, secrets=True, unknowns=True, references=False))
    props = unknown_checking_proxy(deserialize_properties(sent, True))
    urn = _urn(stack, type_, name)
    args = _ResourceArgs(type_, props, urn, name, _options(None), None, _config(policy, config))
    after = _awaited(policy.remediate(args))
    if not after:
        return None
    answer = Struct()
    answer.update(serialize_properties(after))
    made: Properties = keep_secrets(properties, wire.decode(answer))
    return made


def resource_said(
    policy: ResourceValidationPolicy,
    type_: str,
    properties: Properties,
    urn: str,
    parent: str | None,
    config: Mapping[str, Any] | None,
) -> Verdict:
    """What `policy` says of the resource `urn`."""
    name = urn_name(urn)
    args = _ResourceArgs(type_, _as_sent(properties), urn, name, _options(parent), None, _config(policy, config))
    return _said(policy, args)


def stack_said(
    policy: StackValidationPolicy,
    resources: Sequence[tuple[str, Properties, str, str]],
    config: Mapping[str, Any] | None,
) -> Verdict:
    """What `policy` says of a stack; resources are type, outputs, URN and the URN of the parent."""
    known = {
        urn: PolicyResource(type_, _as_sent(outputs), urn, urn_name(urn), _options(parent or None), None, None, [], {})
        for type_, outputs, urn, parent in resources
    }
    for _, _, urn, parent in resources:
        known[urn].parent = known.get(parent)
    return _said(policy, _StackArgs(list(known.values()), _config(policy, config)))


class _NotApplicableError(Exception):
    """A policy says that it is not applicable."""


def _not_applicable(reason: str | None) -> Never:
    raise _NotApplicableError(reason or "")


class _ResourceArgs(ResourceValidationArgs):
    def not_applicable(self, reason: str | None = None) -> None:
        _not_applicable(reason)


class _StackArgs(StackValidationArgs):
    def not_applicable(self, reason: str | None = None) -> None:
        _not_applicable(reason)


def _said(policy: Any, args: ResourceValidationArgs | StackValidationArgs) -> Verdict:  # noqa: ANN401
    reported: list[tuple[str, str | None]] = []

    def report(message: str, urn: str | None = None) -> None:
        reported.append((message, urn))

    try:
        _awaited(policy.validate(args, report))
    except _NotApplicableError as error:
        return Verdict(reported, str(error))
    return Verdict(reported)


def _awaited(result: Any) -> Any:  # noqa: ANN401 - whatever a policy returns
    """`result`, or what it comes to if the policy is asynchronous."""

    async def wait() -> Any:  # noqa: ANN401
        return await result

    return asyncio.run(wait()) if inspect.isawaitable(result) else result


def _urn(stack: str, type_: str, name: str) -> str:
    return f"urn:pulumi:{stack}::project::{type_}::{name}"


def _options(parent: str | None) -> PolicyResourceOptions:
    return PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [], parent)


def _as_sent(properties: Properties) -> Properties:
    def leaf(value: PropertyValue) -> PropertyValue:
        if isinstance(value, Secret):
            return transform(value.value, leaf)
        if isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        return UNKNOWN_TEXT if value is UNKNOWN else value

    sent: Properties = unknown_checking_proxy(transform(properties, leaf))
    return sent


def _config(
    policy: ResourceValidationPolicy | StackValidationPolicy, config: Mapping[str, Any] | None
) -> dict[str, Any]:
    schema = policy.config_schema.properties if policy.config_schema else {}
    defaults = {key: value["default"] for key, value in schema.items() if "default" in value}
    return {**defaults, **(config or {})}
