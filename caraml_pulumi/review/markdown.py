"""The review as a comment on a pull request, in GitHub's Markdown; GitLab shows it alike.

It says the same, byte for byte, as long as what it reviews is the same, so that a second run can edit the first one's
comment, which it finds by the marker in the first line.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from caraml_pulumi.review import words
from caraml_pulumi.review.document import Finding, Message, ModelReview, ProjectReview, Review
from caraml_pulumi.review.escape import block, cell, code, escaped

LIMIT: Final = 65_536
"""Characters that GitHub takes in a comment."""
_ICONS: Final = {"ready": "✅", "blocked": "⛔", "failed": "❌"}
_LEVELS: Final = {"mandatory": "⛔ mandatory", "advisory": "⚠️ advisory"}
_OPEN_MODELS: Final = 8
"""With more models than this, each is folded."""
_FOLD: Final = 200
"""Characters that are kept for what is around a folded block."""
_CUT: Final = "_The review is longer than a comment may be: {left} not shown. `caraml review` prints all of it._"


def markdown(review: Review, diff: str = "", *, limit: int = LIMIT) -> str:
    """The comment, at most `limit` characters of it; `diff` is every changed property, as text."""
    blocks = [
        *_header(review),
        *_findings(review),
        *_losses(review),
        *_messages(review),
        *_models(review),
        *_others(review),
        *_capacity(review),
        *_more(review),
    ]
    if diff:
        room = limit - sum(len(one) + 2 for one in blocks)
        blocks.append(_folded("All changed properties", block(_beginning(diff, room - _FOLD), "diff")))
    return _cut(blocks, limit)


def marker(project: str, stack: str) -> str:
    """The first line of a review's comment, by which the next run finds it."""
    return f"<!-- caraml review: {project}/{stack} -->"


def _header(review: Review) -> Iterator[str]:
    yield marker(review.project, review.stack)
    yield f"## {_ICONS[review.verdict]} {escaped(review.name)}: {escaped(review.headline)}"
    packs = ", ".join(f"{one.name} {one.version}" for one in review.packs) or "none were asked"
    yield f"**Resources:** {escaped(words.counts(review))} · **Policies:** {escaped(packs)}"


def _findings(review: Review) -> Iterator[str]:
    if not review.findings:
        return
    yield "### Violations"
    for one in review.findings:
        rule = review.rule(one)
        linked = rule is not None and rule.url.startswith(("https://", "http://"))
        name = f"[{code(one.policy)}]({rule.url})" if rule and linked else code(one.policy)
        lines = [f"**{_LEVELS[one.level]}** · {name} · {escaped(one.subject)}", *_quoted(review, one)]
        yield "\n".join(lines)


def _quoted(review: Review, finding: Finding) -> Iterator[str]:
    """What is wrong and how to mend it, as a quotation below the name of the rule."""
    rule = review.rule(finding)
    yield f"> {cell(finding.message)}"
    place = f"{finding.place.file}:{finding.place.line}" if finding.place else ""
    documented = rule.url if rule and not rule.url.startswith("http") else ""
    parts = (
        ("where", " · ".join(code(text) for text in (place, finding.where) if text)),
        ("allowed", cell(finding.allowed)),
        ("fix", cell(finding.fix or (rule.steps if rule else ""))),
        ("rule", code(documented) if documented else ""),
    )
    if shown := [f"**{label}:** {text}" for label, text in parts if text]:
        yield ">"
        yield from (f"> - {text}" for text in shown)


def _messages(review: Review) -> Iterator[str]:
    for severity, title in (("error", "### Errors"), ("warning", "### Warnings")):
        listed = [one for one in review.messages if one.severity == severity]
        if listed:
            yield f"{title}\n\n" + "\n\n".join(map(_message, listed))


def _message(message: Message) -> str:
    """A message of one line as text, of several as a block."""
    subject = f"**{escaped(message.subject)}**"
    one_line = "\n" not in message.message
    return f"{subject}: {escaped(message.message)}" if one_line else f"{subject}\n{block(message.message)}"


def _losses(review: Review) -> Iterator[str]:
    if review.lost:
        lines = [f"> - {escaped(words.loss(one))}" for one in review.lost]
        yield "\n".join(["> [!WARNING]", "> **Deleted or replaced**", ">", *lines])


def _models(review: Review) -> Iterator[str]:
    if review.models:
        yield "### Models"
    elif review.verdict != "failed":
        yield "No model changes."
    for model in review.models:
        title = f"{escaped(f'{model.project}/{model.model}')} · {escaped(model.environment)}"
        title += f" · promoted from {escaped(model.promoted_from)}" if model.promoted_from else ""
        table = _table(("", "", "before", "after"), _rows(model))
        yield _folded(title, table) if len(review.models) > _OPEN_MODELS else f"**{title}**\n\n{table}"


def _rows(model: ModelReview) -> Iterator[Sequence[str]]:
    for part in words.parts(model):
        title = f"**{part.title.replace(' ', '&nbsp;')}** {part.change}"
        if not part.lines:
            yield title, "", "", ""
        for line in part.lines:
            yield title, escaped(line.name), _value(line.before), escaped(line.note) or _value(line.after)
            title = ""


def _value(value: str | None) -> str:
    """A value: a name or an address in a typewriter's letters, words as they are."""
    if value is None:
        return ""
    return escaped(value) if " " in value else code(value)


def _others(review: Review) -> Iterator[str]:
    if review.others:
        rows = [(escaped(op), escaped(listed)) for op, listed in words.other_changes(review)]
        yield "### Other resources\n\n" + _table(("", "resources"), rows)


def _capacity(review: Review) -> Iterator[str]:
    if not review.projects:
        return
    yield "### Capacity"
    header = ("project", "", "before", "after", "quota")
    changed = [project for project in review.projects if project.changed]
    same = [project for project in review.projects if not project.changed]
    if changed:
        yield _table(header, _sums(changed, review.currency))
    if same:
        title = f"{len(same)} project{'' if len(same) == 1 else 's'} unchanged"
        yield _folded(title, _table(header, _sums(same, review.currency)))
    yield "Limits times replicas at most, of all versions that are not stopped" + (
        "; costs are those of the requests." if review.currency else "."
    )
    for project in review.projects:
        if project.not_counted:
            listed = ", ".join(code(name) for name in project.not_counted)
            yield f"Not counted in {escaped(project.project)}, as it is known only at the update: {listed}"


def _sums(projects: Iterable[ProjectReview], currency: str | None) -> Iterator[Sequence[str]]:
    for project in projects:
        title = f"**{escaped(project.project)}**"
        for row in words.sums(project, currency):
            after = f"**{row.after}**" if row.after != row.before else row.after
            over = " ⛔" if row.over else ""
            yield title, row.name, row.before, f"{after}{over}", row.quota
            title = ""


def _more(review: Review) -> Iterator[str]:
    if review.remediations:
        rows = [(code(one.policy), escaped(one.subject), cell(one.message)) for one in review.remediations]
        yield "### Remediated\n\n" + _table(("rule", "resource", "what it changed"), rows)
    if review.unjudged:
        rows = [(code(one.policy), escaped(one.subjects), cell(one.reason)) for one in words.silences(review)]
        title = f"Not judged by {len(rows)} rule{'' if len(rows) == 1 else 's'}"
        yield _folded(title, _table(("rule", "resource", "why"), rows))
    if review.exemptions:
        listed = [
            (
                code(one.policy),
                code(one.resource),
                cell(f"{one.owner}: {one.reason}"),
                f"{'⚠️ ' if one.ends_soon else ''}{words.exemption(one)}",
            )
            for one in review.exemptions
        ]
        table = _table(("rule", "resource", "owner and reason", "holds"), listed)
        soon = sum(one.ends_soon for one in review.exemptions)
        title = f"Exemptions in force: {len(review.exemptions)}" + (f", {soon} ending within 30 days" if soon else "")
        yield _folded(title, table)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def _beginning(diff: str, room: int) -> str:
    """The first lines of `diff` that fit, and how many do not."""
    if len(diff) <= room:
        return diff
    lines = diff.split("\n")
    kept = 0
    while kept < len(lines) and (room := room - len(lines[kept]) - 1) >= 0:
        kept += 1
    return "\n".join([*lines[:kept], f"… {len(lines) - kept} more lines: caraml review --diff"])


def _cut(blocks: Sequence[str], limit: int) -> str:
    """The blocks that fit, and how many do not."""
    whole = "\n\n".join(blocks) + "\n"
    if len(whole) <= limit:
        return whole
    note = _CUT.format(left="{} parts are")
    kept: list[str] = []
    room = limit - len(note) - 16
    for one in blocks:
        room -= len(one) + 2
        if room < 0:
            break
        kept.append(one)
    left = len(blocks) - len(kept)
    return "\n\n".join([*kept, _CUT.format(left=f"{left} part{' is' if left == 1 else 's are'}")]) + "\n"
