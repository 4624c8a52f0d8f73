"""How ``caraml policy test`` reports: a line for each case or object, and what is wrong with it below."""

import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from caraml_pulumi.cli.policy_rules import level_style, styled
from caraml_pulumi.cli.terminal import colors
from caraml_pulumi.engine.policies import Violation
from caraml_pulumi.policy_tests.case import CaseFile
from caraml_pulumi.policy_tests.judging import Judged, place_of

Results = Sequence[tuple[CaseFile, Sequence[Judged]]]
_LABEL: Final = re.compile(r"(?:allowed|fix|at):\s+")
_WHOLE_WORDS: Final[dict[str, Any]] = {"break_long_words": False, "break_on_hyphens": False}
_WHERE: Final = "  where:"
"""How a message begins the line that the place in the file stands for."""
_STYLES: Final = {"ok": "32", "warn": "33", "FAIL": "1;31"}


@dataclass(frozen=True, slots=True)
class Line:
    """What the report says of one test case, or of one resource of a file that is judged."""

    outcome: str
    """``ok``, ``warn`` (advice only) or ``FAIL``."""
    name: str
    where: str
    violations: Sequence[Violation] = ()
    remedies: Sequence[Violation] = ()
    problems: Sequence[str] = ()
    """What a test case did not find as it should."""


def lines_of(file: CaseFile, judged: Judged) -> Iterator[Line]:
    """The lines of a case: one for a test case, else one for each resource and one for the stack."""
    if judged.case.expected is not None:
        problems = [f"expected {one}" for one in judged.missing]
        problems += [f"did not expect {one.policy} ({one.level})" for one in judged.unexpected]
        if judged.missing and not judged.violations:
            problems.append("found no violation at all")
        found = judged.violations if problems else ()
        outcome = "ok" if judged.passed else "FAIL"
        yield Line(outcome, judged.case.name, judged.case.where, found, (), problems)
        return
    known = {subject.state.urn: subject for subject in judged.case.subjects}
    violations_of, remedies_of = _by_urn(judged.violations), _by_urn(judged.remedies)
    for urn, subject in known.items():
        violations, remedies = violations_of.get(urn, ()), remedies_of.get(urn, ())
        yield Line(_outcome(violations), subject.title, subject.locate(()), violations, remedies)
    of_stack = [one for one in judged.violations if one.urn not in known]
    yield Line(_outcome(of_stack), "the stack as a whole", judged.case.where, of_stack)


def _by_urn(violations: Sequence[Violation]) -> dict[str, list[Violation]]:
    found: dict[str, list[Violation]] = {}
    for violation in violations:
        found.setdefault(violation.urn, []).append(violation)
    return found


def _outcome(violations: Sequence[Violation]) -> str:
    if any(violation.mandatory for violation in violations):
        return "FAIL"
    return "warn" if violations else "ok"


def print_report(results: Results) -> None:
    """Print what became of every case, and the counts."""
    outcomes, levels = list[str](), list[str]()
    for file, cases in results:
        print(styled(_heading(file, cases), "1"))
        for judged in cases:
            for line in lines_of(file, judged):
                _print_line(line, judged)
                outcomes.append(line.outcome)
            if judged.case.expected is None:
                levels += [violation.level for violation in judged.violations]
        print()
    failed, warned = outcomes.count("FAIL"), outcomes.count("warn")
    counts = [f"{len(outcomes) - failed} passed" + (f" ({warned} with advice)" if warned else ""), f"{failed} failed"]
    found = [f"{levels.count(level)} {level}" for level in ("mandatory", "advisory") if level in levels]
    violations = f": {' and '.join(found)} violation{'s' if len(levels) > 1 else ''}" if found else ""
    print(styled(", ".join(counts) + violations, _STYLES["FAIL" if failed else "ok"]))
    for rule, reasons in _not_judged(results).items():
        times = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        print(styled(f"not judged: {rule}: {reasons[0]}{times}", "2"))


def _not_judged(results: Results) -> dict[str, list[str]]:
    """Why rules did not judge: mostly for values that are secret or not known yet."""
    found: dict[str, list[str]] = {}
    for judged in (one for _, cases in results for one in cases):
        for one in judged.not_judged:
            found.setdefault(one.policy, []).append(one.reason)
    return dict(sorted(found.items()))


def _heading(file: CaseFile, cases: Sequence[Judged]) -> str:
    if file.kind == "tests":
        return f"{file.path} ({_counted(len(cases), 'test')})"
    setup = cases[0].case.setup
    return f'{file.path} ({_counted(len(cases[0].case.subjects), "resource")}, as stack "{setup.environment}")'


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _print_line(line: Line, judged: Judged) -> None:
    print(f"  {styled(line.outcome.ljust(4), _STYLES[line.outcome])}  {line.name}")
    for problem in line.problems:
        print(f"        {problem}")
    if line.problems:
        print(f"        at {line.where}")
    for violation in line.violations:
        _print_finding(violation)
        _print_text(f"at:      {place_of(judged, violation)}")
    for note in line.remedies:
        _print_finding(note)


def _print_finding(found: Violation) -> None:
    level = styled(found.level, level_style(found.level)) + (f", {found.severity}" if found.severity else "")
    print(f"        {styled(found.policy, '1')} ({level})")
    for text in found.message.removeprefix(f"{found.description}\n").splitlines():
        if not text.startswith(_WHERE):
            _print_text(text.strip() if text.startswith("  ") else text)


def _print_text(text: str) -> None:
    """Print a line of a message, on a terminal in several that fit, the further ones below its text."""
    margin = " " * 10
    if not colors(sys.stdout):
        print(margin + text)
        return
    label = _LABEL.match(text)
    hanging = margin + " " * (label.end() if label else 0)
    width = shutil.get_terminal_size().columns
    print(textwrap.fill(text, width, initial_indent=margin, subsequent_indent=hanging, **_WHOLE_WORDS))


def report_document(results: Results) -> dict[str, Any]:
    """The report as JSON."""
    lines = [(file, judged, line) for file, cases in results for judged in cases for line in lines_of(file, judged)]
    return {
        "passed": sum(line.outcome != "FAIL" for _, _, line in lines),
        "failed": sum(line.outcome == "FAIL" for _, _, line in lines),
        "cases": [
            {
                "file": file.path,
                "kind": file.kind,
                "stack": judged.case.setup.environment,
                "name": line.name,
                "where": line.where,
                "outcome": {"ok": "passed", "warn": "passed", "FAIL": "failed"}[line.outcome],
                "problems": list(line.problems),
                "violations": [_violation(judged, violation) for violation in line.violations],
                "remediations": [_violation(judged, note) for note in line.remedies],
            }
            for file, judged, line in lines
        ],
        "notJudged": [{"rule": rule, "reasons": reasons} for rule, reasons in _not_judged(results).items()],
    }


def _violation(judged: Judged, violation: Violation) -> dict[str, Any]:
    return {
        "rule": violation.policy,
        "level": violation.level,
        "severity": violation.severity,
        "urn": violation.urn,
        "message": violation.message,
        "where": place_of(judged, violation),
    }
