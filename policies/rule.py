"""How a rule of the pack is declared: what it says of itself, and what judges resources of which types.

A rule says where it holds (setting `environments`) and whom it exempts (setting `exemptions`); neither concerns its
judges. A value that is not known at preview makes a rule not applicable then; it judges the resource at the update.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.deserialize import (
    SPECIAL_SECRET_SIG,
    SPECIAL_SIG_KEY,
    deserialize_properties,
    serialize_properties,
)
from pulumi_policy.proxy import UnknownValueError, unknown_checking_proxy

from caraml_pulumi.errors import CaramlError
from policies import exemptions
from policies.reading import STACK
from policies.resource import Resource, Stack

PRODUCTION: Final = ("prod", "production")
"""Environments that rules of production hold in, unless a configuration names others."""
ENVIRONMENTS: Final = "environments"
_MARKER: Final = frozenset({SPECIAL_SIG_KEY, "value", "ciphertext", "plaintext"})
"""The keys of what stands for a secret."""
_MISSHAPEN: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading properties raises that are not of the form of their kind."""


class Blamed(NamedTuple):
    """An error, and the resource that it is about; no URN blames the stack."""

    error: CaramlError
    urn: str = ""


Judge = Callable[[Resource], Iterable[CaramlError]]
StackJudge = Callable[[Stack], Iterable[Blamed]]
Remedy = Callable[[Resource, dict[str, Any]], None]
"""Mends a plain copy of a resource's properties in place. Secrets and unknowns in it are Pulumi's markers for them.

A resource with a value that the remedy needs and that is not known yet is left to the update.
"""


def blame(urn: str, errors: Iterable[CaramlError]) -> Iterator[Blamed]:
    """`errors`, all about the resource `urn`."""
    return (Blamed(error, urn) for error in errors)


class ResourceRule(ResourceValidationPolicy):
    """A rule about one resource at a time. Its judges are kept by the type of resource."""

    def __init__(self, judges: Mapping[str, Judge], remedies: Mapping[str, Remedy], doc: str, **said: Any) -> None:  # noqa: ANN401
        # The SDK takes a plain result as well as an awaitable one; its annotation knows the second only.
        remediate: Any = self._remediate if remedies else None
        super().__init__(validate=self._validate, remediate=remediate, **said)
        self.doc = doc
        self._judges = judges
        self._remedies = remedies
        self._reported: set[str] = set()

    def looks_at(self, type_: str) -> bool:
        """Whether the rule has anything to say about resources of that type; of the stack it checks exemptions."""
        return type_ in self._judges or type_ == STACK

    @property
    def has_remedies(self) -> bool:
        """Whether it can be configured to `remediate`."""
        return bool(self._remedies)

    def mends(self, type_: str) -> bool:
        """Whether the rule has a remedy for resources of that type."""
        return type_ in self._remedies

    def _validate(self, args: ResourceValidationArgs, report: ReportViolation) -> None:
        settings = _settings(args.get_config(), self.config_schema)
        if args.resource_type == STACK:
            for error in exemptions.problems(settings):
                report(str(error), None)
        judge = self._judges.get(args.resource_type)
        if judge is None:
            return
        resource = Resource(args.resource_type, args.name, args.urn, args.opts.parent or "", args.props, settings)
        try:
            self._judge(judge, resource, report)
        except UnknownValueError as unknown:
            args.not_applicable(unknown.message)

    def _judge(self, judge: Judge, resource: Resource, report: ReportViolation) -> None:
        """Report what `judge` finds, unless it is exempt or said of its component already."""
        if not _holds_in(resource, resource.settings):
            return
        self._reported.discard(resource.urn)
        if resource.parent in self._reported:
            self._reported.add(resource.urn)
            return
        agreed = exemptions.covered(exemptions.read_exemptions(resource.settings), resource.name, resource.urn)
        for error in _judged(judge, resource):
            self._reported.add(resource.urn)
            if not agreed:
                report(str(error), None)

    def _remediate(self, args: ResourceValidationArgs) -> dict[str, Any] | None:
        remedy = self._remedies.get(args.resource_type)
        if remedy is None:
            return None
        settings = _settings(args.get_config(), self.config_schema)
        before, draft = serialize_properties(args.props), dict(serialize_properties(args.props))
        # As a judge sees them: the SDK finds unknown values at the top only where a remediation asks.
        props = unknown_checking_proxy(deserialize_properties(dict(before)))
        resource = Resource(args.resource_type, args.name, args.urn, args.opts.parent or "", props, settings)
        agreed = exemptions.covered(exemptions.read_exemptions(settings), resource.name, resource.urn)
        try:
            if agreed or not _holds_in(resource, settings):
                return None
            remedy(resource, draft)
        except (UnknownValueError, CaramlError, *_MISSHAPEN):
            return None
        return draft if draft != before and _is_intact(draft) else None


class StackRule(StackValidationPolicy):
    """A rule about all resources of a stack together."""

    def __init__(self, judge: StackJudge, doc: str, **said: Any) -> None:  # noqa: ANN401
        super().__init__(validate=self._validate, **said)
        self.doc = doc
        self._judge = judge

    def _validate(self, args: StackValidationArgs, report: ReportViolation) -> None:
        settings = _settings(args.get_config(), self.config_schema)
        for error in exemptions.problems(settings):
            report(str(error), None)
        stack = Stack(args.resources, settings)
        agreed = exemptions.read_exemptions(settings)
        names = stack.urns if agreed else {}
        try:
            if not _holds_in(stack, settings):
                return
            for error, urn in self._judge(stack):
                if not exemptions.covered(agreed, names.get(urn, ""), urn):
                    report(str(error), urn or None)
        except UnknownValueError as unknown:
            args.not_applicable(unknown.message)
        except CaramlError as error:
            report(str(error), None)
        except _MISSHAPEN:
            report(str(_cannot_be_judged("a resource of the stack")), None)


def _is_intact(value: object) -> bool:
    """Whether a remedy has written into no secret: what stands beside its value would be lost."""
    if isinstance(value, Mapping):
        return not (value.get(SPECIAL_SIG_KEY) == SPECIAL_SECRET_SIG and value.keys() - _MARKER) and all(
            map(_is_intact, value.values())
        )
    return not isinstance(value, list) or all(map(_is_intact, value))


def _judged(judge: Judge, resource: Resource) -> Iterator[CaramlError]:
    """What `judge` finds, and that it cannot tell where properties have another form than it reads."""
    try:
        yield from judge(resource)
    except CaramlError as error:
        yield error
    except _MISSHAPEN:
        yield _cannot_be_judged(f'{resource.type.rpartition(":")[2]} "{resource.name}"')


def _cannot_be_judged(what: str) -> CaramlError:
    return CaramlError(
        f"{what} cannot be judged: its properties are not of the form of its kind, as with a text for a list",
        fix="compare it with the API of its kind, which would refuse it",
    )


def resource_rule(
    name: str,
    description: str,
    *,
    doc: str | None,
    severity: Severity,
    tags: Sequence[str],
    steps: str,
    judges: Mapping[str, Judge],
    level: EnforcementLevel = EnforcementLevel.MANDATORY,
    settings: Mapping[str, dict[str, Any]] | None = None,
    environments: Collection[str] = (),
    remedies: Mapping[str, Remedy] | None = None,
) -> ResourceRule:
    """Declare a rule about one resource at a time.

    `doc` is its documentation, `steps` say how a violation is mended, `settings` are JSON Schemas with defaults, and
    `environments` those in which it holds unless configured otherwise: all, if there are none. A judge yields what is
    wrong with a resource of its type. A remedy mends one, where the rule is configured to `remediate`.
    """
    said = _said(name, description, level, severity, tags, steps, settings or {}, environments)
    return ResourceRule(judges, remedies or {}, doc or "", **said)


def stack_rule(
    name: str,
    description: str,
    *,
    doc: str | None,
    severity: Severity,
    tags: Sequence[str],
    steps: str,
    judge: StackJudge,
    level: EnforcementLevel = EnforcementLevel.MANDATORY,
    settings: Mapping[str, dict[str, Any]] | None = None,
    environments: Collection[str] = (),
) -> StackRule:
    """Declare a rule about all resources of a stack together; see `resource_rule`."""
    return StackRule(
        judge, doc or "", **_said(name, description, level, severity, tags, steps, settings or {}, environments)
    )


def _said(
    name: str,
    description: str,
    level: EnforcementLevel,
    severity: Severity,
    tags: Sequence[str],
    steps: str,
    settings: Mapping[str, dict[str, Any]],
    environments: Collection[str],
) -> dict[str, Any]:
    where = {
        "type": "array",
        "items": {"type": "string"},
        "default": list(environments),
        "description": "The environments in which the rule holds, by name or pattern with *; none named: all.",
    }
    return {
        "name": name,
        "description": description,
        "enforcement_level": level,
        "severity": severity,
        "tags": list(tags),
        "remediation_steps": steps,
        "url": f"docs/policies/{name}.md",
        "config_schema": PolicyConfigSchema(
            properties={**settings, ENVIRONMENTS: where, exemptions.EXEMPTIONS: exemptions.SCHEMA}
        ),
    }


def _settings(given: Mapping[str, Any] | None, schema: PolicyConfigSchema | None) -> dict[str, Any]:
    """The settings of a rule, defaults filled in: an engine that checks no schema leaves them out."""
    properties = schema.properties if schema else {}
    defaults = {key: value["default"] for key, value in properties.items() if "default" in value}
    return {**defaults, **(given or {})}


def _holds_in(judged: Resource | Stack, settings: Mapping[str, Any]) -> bool:
    patterns = settings[ENVIRONMENTS]
    return not patterns or any(fnmatchcase(judged.environment, pattern) for pattern in patterns)
