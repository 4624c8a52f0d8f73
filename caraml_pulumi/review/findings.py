"""What the policy packs say: violations in their parts, remediations, and what could not be judged yet."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from caraml_pulumi.engine.display.tree import Diagnostic, NotApplicable, Row, Violation
from caraml_pulumi.review.document import Finding, Message, Remediation, RuleReview, Unjudged
from caraml_pulumi.review.places import Places
from caraml_pulumi.review.subjects import in_words, inputs, owner_of, text

_PART: Final = re.compile(r"  (where|allowed|fix): +(.*)")
_COLOR: Final = re.compile(r"<\{%.*?%\}>")
"""How the Pulumi CLI marks colours in messages."""
_SAYS_NOTHING: Final = re.compile(r"(preview|update) failed")
"""The Pulumi CLI's last error, also where a policy is violated and nothing else is wrong."""
_WAITS: Final = re.compile(r"can't run policy '.*?' from policy pack '.*?' during preview: (.*)", re.DOTALL)
"""How Pulumi's SDK says that a policy reads a value which is not known yet."""


def findings(
    violations: Iterable[Violation],
    rows: Mapping[str, Row],
    rules: Mapping[tuple[str, str], RuleReview],
    places: Places,
) -> list[Finding]:
    """The violations, mandatory ones first, then by rule and resource."""
    found = {
        _finding(one, rows, rules, places)
        for one in violations
        if one.level != "remediate" and not _WAITS.search(one.message)
    }
    return sorted(found, key=lambda one: (one.level != "mandatory", one.policy, one.subject, one.urn, one.message))


def remediations(
    violations: Iterable[Violation],
    rows: Mapping[str, Row],
    rules: Mapping[tuple[str, str], RuleReview],
    places: Places,
) -> list[Remediation]:
    """What rules have changed by themselves, by rule and resource."""
    found = [
        Remediation(
            policy=one.policy,
            pack=one.pack,
            subject=in_words(one.urn, rows),
            urn=one.urn,
            message=_said(one, rules, places),
        )
        for one in violations
        if one.level == "remediate"
    ]
    return sorted(found, key=lambda one: (one.policy, one.subject, one.urn, one.message))


def unjudged(told: Iterable[NotApplicable], violations: Iterable[Violation], rows: Mapping[str, Row]) -> list[Unjudged]:
    """The rules that did not judge, and why: mostly for a value which only the update knows."""
    given: list[tuple[NotApplicable | Violation, str]] = [(one, one.reason) for one in told]
    given += [(one, waits[1]) for one in violations if (waits := _WAITS.search(one.message))]
    found = {
        Unjudged(policy=one.policy, pack=one.pack, subject=in_words(one.urn, rows), urn=one.urn, reason=plain(reason))
        for one, reason in given
    }
    return sorted(found, key=lambda one: (one.policy, one.subject, one.urn, one.reason))


def messages(diagnostics: Iterable[Diagnostic], rows: Mapping[str, Row], places: Places) -> list[Message]:
    """The errors and warnings, errors first, each once."""
    severities: dict[str, Literal["error", "warning"]] = {"error": "error", "warning": "warning"}
    found = {
        Message(
            severity=severities[one.severity],
            subject=in_words(one.urn, rows),
            urn=one.urn,
            message=places.relative(plain(one.message)),
        )
        for one in diagnostics
        if one.severity in severities and not _SAYS_NOTHING.fullmatch(plain(one.message))
    }
    return sorted(found, key=lambda one: (one.severity, one.subject, one.urn, one.message))


def plain(message: str) -> str:
    """A message without the Pulumi CLI's marks of colours."""
    return _COLOR.sub("", message).strip()


def _finding(
    violation: Violation, rows: Mapping[str, Row], rules: Mapping[tuple[str, str], RuleReview], places: Places
) -> Finding:
    what, parts = _parts(_said(violation, rules, places))
    owner = owner_of(violation.urn, rows)
    return Finding(
        level="mandatory" if violation.mandatory else "advisory",
        policy=violation.policy,
        pack=violation.pack,
        subject=in_words(violation.urn, rows),
        urn=violation.urn,
        message=what,
        where=parts.get("where", ""),
        allowed=parts.get("allowed", ""),
        fix=parts.get("fix", ""),
        place=places.of(owner, _environment(owner.urn if owner else "", rows), parts.get("where", "")),
    )


def _said(violation: Violation, rules: Mapping[tuple[str, str], RuleReview], places: Places) -> str:
    """The message of a violation, without the rule's description that Pulumi's SDK puts before it."""
    rule = rules.get((violation.policy, violation.pack))
    message = places.relative(plain(violation.message))
    return message.removeprefix(f"{rule.description}\n") if rule and rule.description else message


def _parts(message: str) -> tuple[str, Mapping[str, str]]:
    """A message as `CaramlError` writes it: what is wrong, and its labelled parts."""
    what: list[str] = []
    parts: dict[str, str] = {}
    label = ""
    for line in message.split("\n"):
        if match := _PART.fullmatch(line):
            label = match[1]
            parts[label] = match[2]
        elif label:
            parts[label] += f"\n{line}"
        else:
            what.append(line)
    return "\n".join(what).strip(), parts


def _environment(urn: str, rows: Mapping[str, Row]) -> str:
    row = rows.get(urn)
    props: Mapping[str, Any] = ((inputs(row, "new") or inputs(row, "old")) if row else None) or {}
    return text(props.get("environment")) or urn.split(":", 3)[2:3][0] if urn else ""


def count(found: Sequence[Finding], level: str) -> int:
    """How many of `found` are of that level."""
    return sum(one.level == level for one in found)
