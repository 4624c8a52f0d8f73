"""Tests of policies without a stack: ask a policy about resources, and look at what it reports.

    assert violations(policy, "caraml:index:CustomModelVersion", {"deploymentMode": ...}) == []

Properties reach the policy as they do from Pulumi: read-only, numbers as floats, secrets unwrapped; reading one that is
`UNKNOWN` raises `UnknownValueError`, which Pulumi reports as advice that the policy could not be asked.
"""

from collections.abc import Mapping, Sequence
from typing import Any

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

__all__ = ["UnknownValueError", "stack_violations", "violations"]


def violations(
    policy: ResourceValidationPolicy,
    type_: str,
    properties: Properties,
    *,
    name: str = "resource",
    config: Mapping[str, Any] | None = None,
) -> list[str]:
    """What `policy` reports of one resource; `config` is laid over the defaults of the policy's schema."""
    reported: list[str] = []
    args = ResourceValidationArgs(
        type_,
        _as_sent(properties),
        f"urn:pulumi:dev::project::{type_}::{name}",
        name,
        _OPTIONS,
        None,
        _config(policy, config),
    )

    def report(message: str, _urn: str | None = None) -> None:
        reported.append(message)

    policy.validate(args, report)
    return reported


def stack_violations(
    policy: StackValidationPolicy,
    resources: Sequence[tuple[str, str, Properties]],
    *,
    config: Mapping[str, Any] | None = None,
) -> list[tuple[str, str | None]]:
    """What `policy` reports of a stack, with the URN it blames; resources are type, name and outputs."""
    reported: list[tuple[str, str | None]] = []
    known = [
        PolicyResource(
            type_, _as_sent(outputs), f"urn:pulumi:dev::project::{type_}::{name}", name, _OPTIONS, None, None, [], {}
        )
        for type_, name, outputs in resources
    ]
    args = StackValidationArgs(known, _config(policy, config))

    def report(message: str, urn: str | None = None) -> None:
        reported.append((message, urn))

    policy.validate(args, report)
    return reported


_OPTIONS = PolicyResourceOptions(False, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


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
