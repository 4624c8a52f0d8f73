"""Tests of policies without a stack: ask a policy about resources, and look at what it reports.

    assert violations(policy, "caraml:index:CustomModelVersion", {"deploymentMode": ...}) == []

Properties reach the policy as they do from Pulumi: read-only, numbers as floats, secrets unwrapped. Reading one that is
`UNKNOWN` raises `UnknownValueError`, which Pulumi reports as advice that the policy could not be asked; a policy may
say instead that it is not applicable, as the rules of the CaraML pack do. `verdict` tells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Never

from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError, unknown_checking_proxy

from caraml_pulumi.engine.values import UNKNOWN, UNKNOWN_TEXT, Properties, PropertyValue, Secret, transform

__all__ = ["UnknownValueError", "Verdict", "stack_verdict", "stack_violations", "verdict", "violations"]


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
    urn, options = _urn(stack, type_, name), _options(parent)
    return _said(policy, _ResourceArgs(type_, _as_sent(properties), urn, name, options, None, _config(policy, config)))


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
    known = [
        PolicyResource(type_, _as_sent(outputs), _urn(stack, type_, name), name, _options(None), None, None, [], {})
        for type_, name, outputs in resources
    ]
    return _said(policy, _StackArgs(known, _config(policy, config)))


def stack_violations(
    policy: StackValidationPolicy,
    resources: Sequence[tuple[str, str, Properties]],
    *,
    stack: str = "dev",
    config: Mapping[str, Any] | None = None,
) -> list[tuple[str, str | None]]:
    """What `policy` reports of a stack, with the URN it blames; see `stack_verdict`."""
    return stack_verdict(policy, resources, stack=stack, config=config).violations


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
        policy.validate(args, report)
    except _NotApplicableError as error:
        return Verdict(reported, str(error))
    return Verdict(reported)


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
