"""How the pack answers Pulumi: each resource is read once, and only the rules that look at its type are asked.

The SDK reads a resource again for each policy of a pack, also for those that do not look at it; with as many rules as
ours that would cost more than the rest of a preview.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, Final, TypeVar

from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    StackValidationArgs,
    policy,
)

from policies.reading import Properties
from policies.resource import Resources
from policies.rule import ResourceRule, StackRule
from policies.view import Fields

_NO_TIMEOUTS: Final = PolicyCustomTimeouts(0, 0, 0)

R = TypeVar("R", ResourceRule, StackRule)


class _NotApplicableError(Exception):
    """A rule is not applicable."""


class _ResourceArgs(ResourceValidationArgs):
    def not_applicable(self, reason: str | None = None) -> None:
        raise _NotApplicableError(reason or "")


class _StackArgs(StackValidationArgs):
    def not_applicable(self, reason: str | None = None) -> None:
        raise _NotApplicableError(reason or "")


class _Judged(PolicyResource):
    """A resource of a stack, whose properties are read when a rule looks at them."""

    def __init__(self, sent: analyzer_pb2.AnalyzerResource) -> None:
        self._sent = sent
        self.resource_type = sent.type
        self.urn = sent.urn
        self.name = sent.name
        self.opts = _options(sent.options, sent.parent)
        self.parent = None

    @cached_property
    def props(self) -> Properties:  # type: ignore[override]
        return Fields(self._sent.properties)


class RuleServer(policy._PolicyAnalyzerServicer):
    """The Analyzer of a pack of rules. What is not about judging stays the SDK's."""

    def __init__(
        self,
        name: str,
        version: str,
        policies: list[Policy],
        level: EnforcementLevel,
        *rest: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(name, version, policies, level, *rest)
        self._resource_rules = [rule for rule in policies if isinstance(rule, ResourceRule)]
        self._stack_rules = [rule for rule in policies if isinstance(rule, StackRule)]
        self._settings: dict[str, dict[str, Any]] = {}
        self._asked: dict[str, list[ResourceRule]] = {}

    def ConfigureStack(
        self, request: analyzer_pb2.AnalyzerStackConfigureRequest, context: object
    ) -> analyzer_pb2.AnalyzerStackConfigureResponse:
        """Take over the stack's configuration, once: no rule changes it."""
        answer: analyzer_pb2.AnalyzerStackConfigureResponse = super().ConfigureStack(request, context)
        self._configure_runtime_settings()  # type: ignore[no-untyped-call]
        return answer

    def Configure(self, request: analyzer_pb2.ConfigureAnalyzerRequest, context: object) -> Empty:
        """Take over the configuration of the rules."""
        self._settings = {name: MessageToDict(one.properties) for name, one in request.policyConfig.items()}
        self._asked = {}
        taken: Empty = super().Configure(request, context)  # type: ignore[no-untyped-call]
        return taken

    def Analyze(self, request: analyzer_pb2.AnalyzeRequest, _context: object) -> analyzer_pb2.AnalyzeResponse:
        """What the rules about resources of its type find."""
        response = analyzer_pb2.AnalyzeResponse()
        rules = self._rules_of(request.type)
        if not rules:
            return response
        props, options = Fields(request.properties), _options(request.options, request.options.parent)
        for rule in rules:
            args = _ResourceArgs(
                request.type, props, request.urn, request.name, options, None, self._settings.get(rule.name)
            )
            self._ask(rule, args, response)
        return response

    def AnalyzeStack(self, request: analyzer_pb2.AnalyzeStackRequest, _context: object) -> analyzer_pb2.AnalyzeResponse:
        """What the rules about the stack find."""
        response = analyzer_pb2.AnalyzeResponse()
        resources = Resources(_Judged(sent) for sent in request.resources)
        for rule in self._on(self._stack_rules):
            self._ask(rule, _StackArgs(resources, self._settings.get(rule.name)), response)
        return response

    def Remediate(self, request: analyzer_pb2.AnalyzeRequest, context: object) -> analyzer_pb2.RemediateResponse:
        """What the remedies for resources of its type make of it."""
        if not any(rule.mends(request.type) for rule in self._on(self._resource_rules)):
            return analyzer_pb2.RemediateResponse()
        mended: analyzer_pb2.RemediateResponse = super().Remediate(request, context)  # type: ignore[no-untyped-call]
        return mended

    def _rules_of(self, type_: str) -> list[ResourceRule]:
        """The rules that look at resources of that type and are on."""
        if type_ not in self._asked:
            self._asked[type_] = [rule for rule in self._on(self._resource_rules) if rule.looks_at(type_)]
        return self._asked[type_]

    def _on(self, rules: Iterable[R]) -> list[R]:
        return [rule for rule in rules if self._get_enforcement_level(rule) is not EnforcementLevel.DISABLED]

    def _ask(
        self,
        rule: ResourceRule | StackRule,
        args: ResourceValidationArgs | StackValidationArgs,
        response: analyzer_pb2.AnalyzeResponse,
    ) -> None:
        level = self._get_enforcement_level(rule)
        if level is EnforcementLevel.REMEDIATE:
            # What is still violated after the remediation was not mended, so it stops the update.
            level = EnforcementLevel.MANDATORY
        report = self._create_report_violation(response, rule.name, rule.description, level, rule.severity)
        validate: Callable[[Any, Any], object] = rule.validate
        try:
            validate(args, report)
        except _NotApplicableError as error:
            response.not_applicable.append(analyzer_pb2.PolicyNotApplicable(policy_name=rule.name, reason=str(error)))


def _options(sent: analyzer_pb2.AnalyzerResourceOptions, parent: str) -> PolicyResourceOptions:
    """The options that rules look at: the parent alone."""
    return PolicyResourceOptions(sent.protect, [], None, [], _NO_TIMEOUTS, [], parent or None)
