"""Makes the review of a stack from what its preview and its policy packs said."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from caraml_pulumi.engine.display.ops import UNCHANGED
from caraml_pulumi.engine.display.tree import Row, Tree
from caraml_pulumi.engine.resource import STACK_TYPE
from caraml_pulumi.errors import POLICY_VIOLATION, CaramlError, CaramlErrors
from caraml_pulumi.review import findings as policies
from caraml_pulumi.review.capacity import projects
from caraml_pulumi.review.document import (
    Loss,
    Message,
    ModelReview,
    OtherChange,
    Pack,
    Review,
    RuleReview,
)
from caraml_pulumi.review.exemptions import exemptions
from caraml_pulumi.review.models import Model, gather, review_of
from caraml_pulumi.review.places import Places
from caraml_pulumi.review.promotions import promotions
from caraml_pulumi.review.subjects import in_words

if TYPE_CHECKING:
    from caraml_pulumi.engine.policies import Rule
    from caraml_pulumi.model.prices import Prices

_LOSING: Final = frozenset({"delete", "replace", "discard"})


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a review knows besides the preview."""

    project: str
    stack: str
    places: Places
    today: date
    prices: "Prices | None" = None
    rules: "Mapping[str, Sequence[Rule]]" = field(default_factory=dict)
    """The rules of each policy pack, by its name."""


def review(tree: Tree, error: CaramlError | None, known: Circumstances) -> Review:
    """The review of a preview that ended with `error`, if it failed."""
    rules = {(rule.name, pack): _rule(rule, pack) for pack, rules in known.rules.items() for rule in rules}
    found = policies.findings(tree.violations, tree.rows, rules, known.places)
    mandatory, advisory = policies.count(found, "mandatory"), policies.count(found, "advisory")
    messages = _messages(tree, error, known.places)
    failed = any(one.severity == "error" for one in messages)
    models, others = gather(tree.rows)
    reviews = [(model, review_of(model)) for model in models]
    origins = promotions(tree.rows)
    changed = [
        one.model_copy(update={"promoted_from": origins.get((one.project, one.model))})
        for _, one in reviews
        if one.versions or one.endpoint
    ]
    remediated = policies.remediations(tree.violations, tree.rows, rules, known.places)
    mentioned = {*((one.policy, one.pack) for one in found), *((one.policy, one.pack) for one in remediated)}
    resources = {op: count for op, count in sorted(tree.counts.items()) if count}
    return Review(
        project=known.project,
        stack=known.stack,
        verdict="failed" if failed else "blocked" if mandatory else "ready",
        headline=headline(mandatory, advisory, failed=failed),
        mandatory=mandatory,
        advisory=advisory,
        resources=resources,
        models=changed,
        unchanged_models=len(reviews) - len(changed),
        lost=_lost(tree.rows, reviews),
        others=_summed(others),
        projects=projects(tree.rows.values(), known.prices),
        currency=known.prices.currency if known.prices else None,
        findings=found,
        remediations=remediated,
        unjudged=policies.unjudged(tree.unjudged, tree.violations, tree.rows),
        exemptions=exemptions((rule for rules in known.rules.values() for rule in rules), known.today),
        rules=[rules[key] for key in sorted(rules.keys() & mentioned)],
        packs=[Pack(name=name, version=version) for name, version in sorted(tree.packs.items())],
        messages=messages,
    )


def headline(mandatory: int, advisory: int, *, failed: bool) -> str:
    """The verdict in one line."""
    blocked = f"blocked by {mandatory} mandatory violation{'' if mandatory == 1 else 's'}"
    if failed:
        return f"the preview failed, and it is {blocked}" if mandatory else "the preview failed"
    verdict = blocked if mandatory else "may be merged"
    return f"{verdict}, {advisory} {'advisory' if advisory == 1 else 'advisories'}" if advisory else verdict


def _rule(rule: "Rule", pack: str) -> RuleReview:
    return RuleReview(
        name=rule.name,
        pack=pack,
        description=rule.description,
        severity=rule.severity,
        tags=list(rule.tags),
        steps=rule.steps,
        url=rule.url,
    )


def _messages(tree: Tree, error: CaramlError | None, places: Places) -> list[Message]:
    """What the run said, and why it failed unless that has been said; a violated policy is told by itself."""
    said = policies.messages(tree.diagnostics, tree.rows, places)
    errors = error.errors if isinstance(error, CaramlErrors) else [error] if error else []
    texts = [places.relative(policies.plain(str(one))) for one in errors if one.exit_code != POLICY_VIOLATION]
    spoken = "\n".join(one.message for one in said if one.severity == "error")
    unsaid = [
        Message(severity="error", subject="the stack as a whole", urn="", message=text)
        for text in dict.fromkeys(texts)
        if text not in spoken
    ]
    return [*unsaid, *said]


def _lost(rows: Mapping[str, Row], reviews: Iterable[tuple[Model, ModelReview]]) -> list[Loss]:
    """What is deleted or replaced, without the parts of components that are deleted themselves; versions first."""
    gone = {component.row.urn for model, _ in reviews for component in model.components if component.row.op in _LOSING}
    weights = {one.urn: one.weight.before for _, model in reviews for one in model.versions if one.weight.before}
    found = [
        Loss(
            op=row.op,
            type=row.type,
            name=row.name,
            urn=row.urn,
            subject=in_words(row.urn, rows),
            weight=weights.get(row.urn),
        )
        for row in rows.values()
        if row.op in _LOSING and not _below(row, gone, rows)
    ]
    return sorted(found, key=lambda one: (one.urn not in gone, one.subject, one.op, one.urn))


def _below(row: Row, urns: set[str], rows: Mapping[str, Row]) -> bool:
    """Whether one of `urns` is above `row`."""
    seen = {row.urn}
    above = rows.get(row.parent)
    while above is not None and above.urn not in seen:
        if above.urn in urns:
            return True
        seen.add(above.urn)
        above = rows.get(above.parent)
    return False


def _summed(rows: Iterable[Row]) -> list[OtherChange]:
    counts = Counter((row.op, row.type) for row in rows if row.op not in UNCHANGED and row.type != STACK_TYPE)
    return [OtherChange(op=op, type=type_, count=count) for (op, type_), count in sorted(counts.items())]
