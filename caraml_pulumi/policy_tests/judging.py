"""Runs cases: puts their resources before a policy pack in its own process, and compares what it finds."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from caraml_pulumi.engine.policies import AnalyzedResource, NotApplicable, PolicyPack, Rule, Violation
from caraml_pulumi.engine.policies.evidence import STACK_FILES
from caraml_pulumi.engine.resource import STACK_TYPE, ResourceState, make_urn, urn_name
from caraml_pulumi.errors import CaramlError, CaramlErrors
from caraml_pulumi.model.spec import Locate, did_you_mean
from caraml_pulumi.policy_tests.case import Case, Expected, Setup, below

_WHERE: Final = re.compile(r"^\s*where:\s+(\S+)$", re.MULTILINE)
"""The line of a message that tells the place."""
_AT_ONCE: Final = 2
"""Packs that run at a time, a process each."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A case, and what became of it. Violations are only of rules that the case is about."""

    case: Case
    violations: Sequence[Violation]
    remedies: Sequence[Violation]
    """Notes on what remediations changed."""
    missing: Sequence[Expected] = ()
    """Violations that a test suite expected in vain."""
    unexpected: Sequence[Violation] = ()
    """Violations that a test suite did not expect."""
    not_judged: Sequence[NotApplicable] = ()
    """Where rules did not judge, and why."""

    @property
    def passed(self) -> bool:
        """Whether a test suite found what it expected; where nothing is expected, whether nothing is mandatory."""
        if self.case.expected is None:
            return not any(violation.mandatory for violation in self.violations)
        return not self.missing and not self.unexpected


def judge(cases: Sequence[Case], pack: Path, on_line: Callable[[str], None] = lambda line: None) -> list[Judged]:
    """The cases as the policy pack in a directory judges them, in their order; `on_line` gets what it prints.

    Raises:
        CaramlError: a case names a rule, or configures one, that the pack does not have, or the pack fails;
            CaramlErrors for several.
    """
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(_key(case.setup), []).append(case)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        done = list(pool.map(partial(_judge_group, pack, on_line), groups.values()))
    problems = [error for group in done if isinstance(group, CaramlError) for error in _each(group)]
    if problems:
        raise problems[0] if len(problems) == 1 else CaramlErrors(problems)
    judged = {id(one.case): one for group in done if not isinstance(group, CaramlError) for one in group}
    return [judged[id(case)] for case in cases]


def open_pack(
    pack: Path,
    setup: Setup,
    where: str = "",
    on_line: Callable[[str], None] = lambda line: None,
    on_not_applicable: Callable[[NotApplicable], None] = lambda found: None,
) -> PolicyPack:
    """Start a pack as `setup` says; `where` names its configuration in messages. Raises `CaramlError`."""
    named = Path(where) if where else setup.settings_file or pack
    return PolicyPack(
        pack,
        named,
        project=setup.project,
        stack=setup.environment,
        preview=True,
        config=setup.stack_config,
        settings=setup.settings,
        on_line=on_line,
        on_not_applicable=on_not_applicable,
        environment={STACK_FILES: str(setup.directory)} if setup.directory else None,
    )


def find_rule(name: str, rules: Sequence[Rule], where: str = "") -> Rule:
    """The rule of that name. Raises `CaramlError` with the names that are like it."""
    found = next((rule for rule in rules if rule.name == name), None)
    if found is None:
        names = [rule.name for rule in rules]
        raise CaramlError(
            f'the policy pack has no rule "{name}"',
            where=where,
            allowed="" if did_you_mean(name, names) else ", ".join(names),
            fix=did_you_mean(name, names) or "list the rules: caraml policy list",
        )
    return found


def _key(setup: Setup) -> str:
    settings = {name: [setting.level, setting.properties] for name, setting in setup.settings.items()}
    return json.dumps([setup.environment, setup.project, setup.stack_config, settings], sort_keys=True)


def _each(error: CaramlError) -> list[CaramlError]:
    return error.errors if isinstance(error, CaramlErrors) else [error]


def _judge_group(pack: Path, on_line: Callable[[str], None], cases: Sequence[Case]) -> list[Judged] | CaramlError:
    """The cases of one setup, judged, or what is wrong with them."""
    first, not_judged = cases[0], list[NotApplicable]()
    where = first.locate(("config",)) if first.expected is not None else ""
    try:
        running = open_pack(pack, first.setup, where, on_line, not_judged.append)
    except CaramlError as error:
        return error
    try:
        problems = [error for case in cases for error in _unknown_rules(case, running.rules)]
        if problems:
            return CaramlErrors(problems)
        return [_judged(case, running, not_judged) for case in cases]
    except CaramlError as error:
        return error
    finally:
        running.close()


def _unknown_rules(case: Case, rules: Sequence[Rule]) -> Iterator[CaramlError]:
    places = [(name, below(case.locate, "rules", index)) for index, name in enumerate(case.rules)]
    expected = [
        (one.rule, below(case.locate, "expect", "violations", index, "rule"))
        for index, one in enumerate(case.expected or ())
    ]
    for name, locate in [*places, *expected]:
        try:
            find_rule(name, rules, locate(()))
        except CaramlError as error:
            yield error


def _judged(case: Case, pack: PolicyPack, not_judged: list[NotApplicable]) -> Judged:
    """The case as the pack judges it, which says in `not_judged` where it does not."""
    not_judged.clear()
    violations, remedies = list[Violation](), list[Violation]()
    resources = []
    for resource in [_stack(case.setup), *(AnalyzedResource(one.state, one.state.inputs) for one in case.subjects)]:
        inputs, notes = pack.remediate(resource)
        judged = replace(resource, properties=inputs)
        remedies += notes
        violations += pack.analyze(judged)
        resources.append(replace(judged, properties=resource.state.outputs or inputs))
    violations += pack.analyze_stack(resources)
    about = [one for one in violations if not case.rules or one.policy in case.rules]
    changed = [one for one in remedies if not case.rules or one.policy in case.rules]
    if case.expected is None:
        left = [one for one in not_judged if not case.rules or one.policy in case.rules]
        return Judged(case, about, changed, not_judged=left)
    missing, unexpected = compared(case.expected, about)
    return Judged(case, about, changed, missing, unexpected)


def _stack(setup: Setup) -> AnalyzedResource:
    """The stack itself, about which a pack says what is wrong with its exemptions."""
    urn = make_urn(setup.environment, setup.project, STACK_TYPE, f"{setup.project}-{setup.environment}")
    return AnalyzedResource(ResourceState(urn=urn, type=STACK_TYPE, custom=False), {})


def compared(expected: Sequence[Expected], found: Sequence[Violation]) -> tuple[list[Expected], list[Violation]]:
    """What was expected in vain, and what was found without being expected; each violation meets one expectation."""
    missing, left = list[Expected](), list(found)
    for one in sorted(expected, key=lambda one: (not one.message, not one.resource)):
        match = next((violation for violation in left if _meets(violation, one)), None)
        if match is None:
            missing.append(one)
        else:
            left.remove(match)
    return missing, left


def _meets(violation: Violation, expected: Expected) -> bool:
    return (
        violation.policy == expected.rule
        and expected.message in violation.message
        and expected.resource in ("", urn_name(violation.urn) if violation.urn else None)
        and expected.level in ("", violation.level)
    )


def place_of(judged: Judged, violation: Violation) -> str:
    """Where in its file the property is that a violation is about; the resource, or the case, if that is all."""
    subject = judged.case.subject(violation.urn)
    if subject is None:
        said = _WHERE.search(violation.message)
        return judged.case.where + (f" ({said[1]})" if said else "")
    return _property(subject.locate, violation.message)


def _property(locate: Locate, message: str) -> str:
    """The place of the property that the message of a violation names in its line ``where:``."""
    match = _WHERE.search(message)
    path = (
        [int(index) if index else name for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", match[1])]
        if match
        else []
    )
    return locate(tuple(path))
