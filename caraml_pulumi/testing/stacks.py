"""Tests of whole stacks against policies: what a program registers, judged as a preview would judge it.

    recording = record(deploy, config=CONFIG, preview=True)
    assert_passes(recording, Path("policies"))
    assert [one.policy for one in judge(recording, [my_policy])] == ["my-policy"]

Each resource is put before the policies about resources with its inputs, then all of them before the policies about
stacks, components with the outputs that they registered. Values that a preview does not know are unknown to policies.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
from pulumi_policy import EnforcementLevel, ResourceValidationPolicy, StackValidationPolicy

from caraml_pulumi.engine.policies import AnalyzedResource, PolicyPack, Violation
from caraml_pulumi.engine.policies.config import settings_of
from caraml_pulumi.engine.resource import ResourceState, urn_name, urn_type
from caraml_pulumi.testing import Recording, Registration
from caraml_pulumi.testing.policies import UnknownValueError, Verdict, resource_said, stack_said

__all__ = ["Finding", "assert_passes", "judge"]

Policies = Sequence[ResourceValidationPolicy | StackValidationPolicy]
Configuration = Mapping[str, Any]
"""Settings by policy; for a pack on disk, its whole configuration with enforcement levels."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A violation, and what it is about."""

    policy: str
    level: str
    """``mandatory`` or ``advisory``."""
    message: str
    urn: str = ""
    """Of the resource; empty for the stack as a whole."""

    @property
    def type(self) -> str:
        """The type of the resource."""
        return urn_type(self.urn) if self.urn else ""

    @property
    def name(self) -> str:
        """The logical name of the resource."""
        return urn_name(self.urn) if self.urn else ""

    def __str__(self) -> str:
        """``mandatory my-policy: apps/v1:Deployment web: message``."""
        about = f"{self.type} {self.name}" if self.urn else "the stack"
        return f"{self.level} {self.policy}: {about}: {self.message}"


def judge(recording: Recording, policies: Path | Policies, config: Configuration | None = None) -> list[Finding]:
    """What policies find in all that a program registered.

    `policies` are policies, which are called in this process, or the directory of a pack, which is started with the
    stack's configuration and asked as an engine does it; remediations run before, and disabled policies do not.
    `config` is laid over the defaults of the policies' schemas.

    Raises:
        CaramlError: the pack does not start, or its configuration does not fit.
    """
    if isinstance(policies, Path):
        return _by_pack(recording, policies, config or {})
    return list(_by_policies(recording, policies, config or {}))


def assert_passes(recording: Recording, policies: Path | Policies, config: Configuration | None = None) -> None:
    """Fail, listing the findings, if `judge` finds anything, advice included."""
    findings = judge(recording, policies, config)
    if findings:
        raise AssertionError("\n".join([f"{len(findings)} violations:", *map(str, findings)]))


def state_of(registration: Registration) -> ResourceState:
    """A registration as an engine remembers it."""
    return ResourceState(
        urn=registration.urn,
        type=registration.type,
        custom=registration.custom,
        inputs=registration.inputs,
        outputs=registration.outputs,
        parent=registration.parent,
        dependencies=sorted(registration.dependencies),
        protect=registration.protect,
    )


def _by_pack(recording: Recording, directory: Path, config: Configuration) -> list[Finding]:
    pack = PolicyPack(
        directory,
        project=recording.project,
        stack=recording.stack,
        preview=True,
        config=recording.config,
        settings=settings_of(config, "the configuration of the test"),
    )
    try:
        found, judged = list[Violation](), list[AnalyzedResource]()
        for state in map(state_of, recording.registrations):
            inputs, _ = pack.remediate(AnalyzedResource(state, state.inputs))
            found += pack.analyze(AnalyzedResource(state, inputs))
            judged.append(AnalyzedResource(state, state.outputs or inputs))
        found += pack.analyze_stack(judged)
    finally:
        pack.close()
    return [Finding(one.policy, one.level, one.message.removeprefix(f"{one.description}\n"), one.urn) for one in found]


def _by_policies(recording: Recording, policies: Policies, config: Configuration) -> Iterator[Finding]:
    pulumi.runtime.set_all_config(dict(recording.config))
    for policy in policies:
        level = policy.enforcement_level or EnforcementLevel.ADVISORY
        if level is EnforcementLevel.DISABLED:
            continue
        for question, urn in _questions(policy, recording, config.get(policy.name)):
            try:
                verdict = question()
            except UnknownValueError as error:
                yield Finding(policy.name, "advisory", f"cannot be judged at preview: {error.message}", urn)
                continue
            for message, blamed in verdict.violations:
                yield Finding(policy.name, level.value, message, urn or blamed or "")


def _questions(
    policy: ResourceValidationPolicy | StackValidationPolicy, recording: Recording, config: Mapping[str, Any] | None
) -> Iterator[tuple[Callable[[], Verdict], str]]:
    """What a policy is asked, and the URN of the resource that the question is about."""
    if isinstance(policy, StackValidationPolicy):
        resources = [
            (item.type, item.outputs or item.inputs, item.urn, item.parent) for item in recording.registrations
        ]
        yield partial(stack_said, policy, resources, config), ""
        return
    for item in recording.registrations:
        yield partial(resource_said, policy, item.type, item.inputs, item.urn, item.parent or None, config), item.urn
