"""Pulumi's Analyzer messages: resources into requests, answers into violations."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pulumi.runtime.proto import analyzer_pb2

from caraml_pulumi.engine import wire
from caraml_pulumi.engine.policies.config import Rule, Setting
from caraml_pulumi.engine.policies.violation import LEVELS, SEVERITIES, NotApplicable, Violation
from caraml_pulumi.engine.property_path import join_path
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.secrecy import keep_secrets, mask_secrets
from caraml_pulumi.engine.values import Properties, PropertyValue, printable, same


@dataclass(frozen=True, slots=True)
class AnalyzedResource:
    """A resource as a policy sees it.

    `properties` are its checked inputs when it is planned, its outputs when the whole stack is judged. Type, URN,
    parent, dependencies and the other options come from `state`; `provider` is the state of its provider, if any.
    """

    state: ResourceState
    properties: Properties
    provider: ResourceState | None = None
    ignore_changes: Sequence[str] = ()
    aliases: Sequence[str] = ()
    delete_before_replace: bool | None = None


def resource_request(resource: AnalyzedResource) -> analyzer_pb2.AnalyzeRequest:
    """The question about one resource.

    Secrets and unknowns go as such: the SDK unwraps the first for the policy and keeps it from reading the second.
    Resource references go as ids, because the SDK knows none.
    """
    state = resource.state
    return analyzer_pb2.AnalyzeRequest(
        type=state.type,
        urn=state.urn,
        name=state.name,
        properties=wire.encode(resource.properties, secrets=True, unknowns=True, references=False),
        options=_options(resource),
        provider=_provider(resource),
    )


def stack_request(resources: Iterable[AnalyzedResource]) -> analyzer_pb2.AnalyzeStackRequest:
    """The question about all resources together."""
    return analyzer_pb2.AnalyzeStackRequest(resources=[_stack_resource(resource) for resource in resources])


def rule(policy: analyzer_pb2.PolicyInfo) -> Rule:
    """A policy as its pack describes it."""
    return Rule(
        name=policy.name,
        kind="stack" if policy.policy_type == analyzer_pb2.POLICY_TYPE_STACK else "resource",
        level=LEVELS[policy.enforcementLevel],
        schema=wire.decode(policy.configSchema.properties),
        required=list(policy.configSchema.required),
        description=policy.description,
        severity=SEVERITIES.get(policy.severity, ""),
        tags=tuple(policy.tags),
        steps=policy.remediation_steps,
        url=policy.url,
    )


def initial_settings(info: analyzer_pb2.AnalyzerInfo) -> dict[str, Setting]:
    """The configuration that the pack itself brings along, by policy."""
    return {
        name: Setting(LEVELS[config.enforcementLevel], wire.decode(config.properties))
        for name, config in info.initialConfig.items()
    }


def configure_request(settings: Mapping[str, Setting]) -> analyzer_pb2.ConfigureAnalyzerRequest:
    """The configuration of every policy; each needs its level, because none means advisory to the SDK."""
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    for name, setting in settings.items():
        policy = request.policyConfig[name]
        policy.enforcementLevel = analyzer_pb2.EnforcementLevel.Value((setting.level or "advisory").upper())
        policy.properties.CopyFrom(wire.encode(dict(setting.properties), secrets=False, unknowns=False))
    return request


def violations(
    response: analyzer_pb2.AnalyzeResponse, version: str, resources: Sequence[AnalyzedResource]
) -> list[Violation]:
    """The findings in `response`, the secrets of `resources` masked in their messages."""
    secrets = [resource.properties for resource in resources]
    return [
        Violation(
            policy=found.policyName,
            pack=found.policyPackName,
            version=version,
            description=found.description,
            message=printable(mask_secrets(found.message, secrets)),
            level=LEVELS[found.enforcementLevel],
            severity=SEVERITIES.get(found.severity, ""),
            urn=found.urn or (resources[0].state.urn if len(resources) == 1 else ""),
        )
        for found in response.diagnostics
    ]


def not_applicable(
    response: analyzer_pb2.AnalyzeResponse, pack: str, version: str, resources: Sequence[AnalyzedResource]
) -> list[NotApplicable]:
    """The policies that say why they do not judge `resources`, the secrets of these masked in the reasons."""
    secrets = [resource.properties for resource in resources]
    urn = resources[0].state.urn if len(resources) == 1 else ""
    return [
        NotApplicable(found.policy_name, pack, version, printable(mask_secrets(found.reason, secrets)), urn)
        for found in response.not_applicable
        if found.reason
    ]


def remediation(
    found: analyzer_pb2.Remediation, version: str, resource: AnalyzedResource, before: Properties
) -> tuple[Properties, Violation]:
    """The properties after a remediation of those `before` it, and a note that names the changed paths, not the values.

    A remediation that could not run at preview leaves them as they are and gives its reason as an advisory note.
    """
    changed = found.HasField("properties")
    after = keep_secrets(before, wire.decode(found.properties)) if changed else before
    paths = list(_changed(before, after, ""))
    note = Violation(
        policy=found.policyName,
        pack=found.policyPackName,
        version=version,
        description=found.description,
        message=f"{found.description}\nchanged {', '.join(paths) or 'nothing'}"
        if changed
        else printable(mask_secrets(found.diagnostic, [before])),
        level="remediate" if changed else "advisory",
        urn=resource.state.urn,
    )
    return after, note


def _changed(before: PropertyValue, after: PropertyValue, path: str) -> Iterator[str]:
    """The paths at which two values differ, each as deep as both go."""
    if same(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            inner = join_path(path, key)
            yield from _changed(before[key], after[key], inner) if key in before and key in after else [inner]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _changed(old, new, join_path(path, index))
    else:
        yield path


def _stack_resource(resource: AnalyzedResource) -> analyzer_pb2.AnalyzerResource:
    state = resource.state
    return analyzer_pb2.AnalyzerResource(
        type=state.type,
        urn=state.urn,
        name=state.name,
        properties=wire.encode(resource.properties, secrets=True, unknowns=True, references=False),
        options=_options(resource),
        provider=_provider(resource),
        parent=state.parent,
        dependencies=state.dependencies,
        propertyDependencies={
            name: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
            for name, urns in state.property_dependencies.items()
        },
    )


def _options(resource: AnalyzedResource) -> analyzer_pb2.AnalyzerResourceOptions:
    state = resource.state
    timeouts = state.custom_timeouts
    return analyzer_pb2.AnalyzerResourceOptions(
        protect=state.protect,
        ignoreChanges=resource.ignore_changes,
        deleteBeforeReplace=bool(resource.delete_before_replace),
        deleteBeforeReplaceDefined=resource.delete_before_replace is not None,
        additionalSecretOutputs=state.additional_secret_outputs,
        aliases=resource.aliases,
        customTimeouts=analyzer_pb2.AnalyzerResourceOptions.CustomTimeouts(**timeouts) if timeouts else None,
        parent=state.parent,
    )


def _provider(resource: AnalyzedResource) -> analyzer_pb2.AnalyzerProviderResource | None:
    if resource.provider is None:
        return None
    return analyzer_pb2.AnalyzerProviderResource(
        type=resource.provider.type,
        urn=resource.provider.urn,
        name=resource.provider.name,
        properties=wire.encode(resource.provider.inputs, secrets=True, unknowns=True, references=False),
    )
