"""The review as SARIF 2.1.0, which code hosts show beside the lines of the files."""

import hashlib
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import quote

from caraml_pulumi.review.document import Finding, Message, Place, Review, RuleReview

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {"mandatory": "error", "advisory": "warning"}
_FINGERPRINT: Final = "caramlReview/v1"
Object = dict[str, Any]


def sarif(review: Review, fallback: Place) -> Object:
    """The document; what is in no file is at `fallback`, as code hosts want a place."""
    named = [(one.policy, one.pack) for one in review.findings]
    names = sorted({*named, *((one.policy, one.pack) for one in review.remediations)})
    known = {(one.name, one.pack): one for one in review.rules}
    indexes = {name: index for index, name in enumerate(names)}
    results = [_result(one, indexes, fallback) for one in review.findings]
    results += [
        {
            "ruleId": one.policy,
            "ruleIndex": indexes[one.policy, one.pack],
            "level": "note",
            "message": {"text": f"{one.subject}: {one.message}"},
            "locations": [_location(None, fallback, one.urn)],
            "partialFingerprints": {_FINGERPRINT: _fingerprint(one.policy, one.urn, one.message)},
        }
        for one in review.remediations
    ]
    driver = {
        "name": "caraml review",
        "semanticVersion": version("caraml-pulumi"),
        "rules": [_rule(name, known.get((name, pack))) for name, pack in names],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"caraml-review/{review.name}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": review.verdict != "failed",
                "toolExecutionNotifications": [_notification(one) for one in review.messages],
            }
        ],
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str, rule: RuleReview | None) -> Object:
    if rule is None:
        return {"id": name}
    help_text = rule.steps or rule.description
    documented = f"\n\nSee {rule.url}" if rule.url else ""
    described: Object = {
        "id": name,
        "shortDescription": {"text": rule.description},
        "help": {"text": help_text + documented, "markdown": help_text + documented},
        "properties": {"tags": sorted(rule.tags), "problem.severity": rule.severity},
    }
    if rule.url.startswith(("https://", "http://")):
        described["helpUri"] = rule.url
    return described


def _result(finding: Finding, indexes: Mapping[tuple[str, str], int], fallback: Place) -> Object:
    parts = (("allowed", finding.allowed), ("fix", finding.fix))
    said = "".join(f"\n{label}: {text}" for label, text in parts if text)
    return {
        "ruleId": finding.policy,
        "ruleIndex": indexes[finding.policy, finding.pack],
        "level": _LEVELS[finding.level],
        "message": {"text": f"{finding.subject}: {finding.message}{said}"},
        "locations": [_location(finding.place, fallback, finding.urn)],
        "partialFingerprints": {
            _FINGERPRINT: _fingerprint(finding.policy, finding.urn, finding.where or finding.message)
        },
    }


def _location(place: Place | None, fallback: Place, urn: str) -> Object:
    at = place or fallback
    logical = [{"fullyQualifiedName": urn, "kind": "resource"}] if urn else []
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(at.file)},
            "region": {"startLine": at.line},
        },
        **({"logicalLocations": logical} if logical else {}),
    }


def _notification(message: Message) -> Object:
    return {"level": message.severity, "message": {"text": f"{message.subject}: {message.message}"}}


def _fingerprint(*parts: str) -> str:
    """The same for the same violation, on whichever line it is."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
