"""The review for the terminal."""

from collections.abc import Iterator
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from caraml_pulumi.review import words
from caraml_pulumi.review.document import Finding, ModelReview, Review

_VERDICTS: Final = {"ready": ("✔", "bold green"), "blocked": ("✘", "bold red"), "failed": ("✘", "bold red")}
_LEVELS: Final = {"mandatory": "bold red", "advisory": "yellow"}
_CHANGES: Final = {
    "added": ("+", "green"),
    "started": ("+", "green"),
    "removed": ("-", "red"),
    "stopped": ("-", "red"),
    "replaced": ("+-", "magenta"),
    "changed": ("~", "yellow"),
    "unchanged": ("", "dim"),
}
_ARROW: Final = " → "
_PLAIN: Final = Console(color_system=None)
"""What texts are wrapped with."""


def text(review: Review, console: Console) -> Text:
    """The whole review, its lines wrapped to the width of `console`."""
    blocks = [
        _header(review),
        _findings(review, console.width),
        _losses(review),
        _messages(review),
        *_models(review, console.width),
        _others(review),
        *_capacity(review),
        _more(review),
    ]
    shown = [lines for block in blocks if (lines := list(block))]
    lines = [line for number, block in enumerate(shown) for line in ([Text()] * bool(number) + block)]
    return Text("\n").join(wrapped for line in lines for wrapped in _wrapped(line, console))


def _header(review: Review) -> Iterator[Text]:
    sign, style = _VERDICTS[review.verdict]
    yield Text.assemble(("Review of ", "bold"), (review.name, "bold"))
    yield Text()
    yield Text.assemble((f"{sign} {review.headline}", style))
    yield Text.assemble(("  resources  ", "dim"), words.counts(review))
    if review.packs:
        packs = ", ".join(f"{one.name} {one.version}" for one in review.packs)
        yield Text.assemble(("  policies   ", "dim"), packs)
    else:
        yield Text.assemble(("  policies   ", "dim"), ("none were asked", "yellow"))


def _findings(review: Review, width: int) -> Iterator[Text]:
    if review.findings:
        yield Text("Violations", "bold")
    for one in review.findings:
        yield Text.assemble("  ", (f"{one.level}  ", _LEVELS[one.level]), (one.policy, "bold"))
        yield from _details(review, one, width)


def _details(review: Review, finding: Finding, width: int) -> Iterator[Text]:
    place = f"{finding.place.file}:{finding.place.line}" if finding.place else ""
    rule = review.rule(finding)
    where = "  ".join(filter(None, (place, finding.where)))
    yield Text.assemble("    ", finding.subject, (f"  {where}" if where else "", "cyan"))
    for line in finding.message.split("\n"):
        yield Text(f"    {line}")
    parts = (
        ("allowed", finding.allowed),
        ("fix", finding.fix or (rule.steps if rule else "")),
        ("rule", rule.url if rule else ""),
    )
    for label, value in parts:
        if value:
            yield from _hanging(Text(f"      {label + ':':<9}", "dim"), Text(value), width)


def _messages(review: Review) -> Iterator[Text]:
    if review.messages:
        yield Text("Messages", "bold")
    for one in review.messages:
        first, *rest = one.message.split("\n")
        style = "bold red" if one.severity == "error" else "yellow"
        yield Text.assemble("  ", (f"{one.severity}  ", style), one.subject)
        yield from (Text(f"    {line}") for line in [first, *rest])


def _losses(review: Review) -> Iterator[Text]:
    if review.lost:
        yield Text("Deleted or replaced", "bold red")
    for one in review.lost:
        yield Text(f"  {words.loss(one)}", "magenta" if one.op == "replace" else "red")


def _models(review: Review, width: int) -> Iterator[list[Text]]:
    for model in review.models:
        yield model_lines(model, width)
    if not review.models and review.verdict != "failed":
        yield [Text("No model changes.", "dim")]


def model_lines(model: ModelReview, width: int) -> list[Text]:
    """A model, and what becomes of its versions and its endpoint."""
    origin = f"  promoted from {model.promoted_from}" if model.promoted_from else ""
    lines = [Text.assemble((f"{model.project}/{model.model}", "bold"), (f"  {model.environment}", "dim"), origin)]
    for part in words.parts(model):
        sign, style = _CHANGES[part.change]
        lines.append(Text.assemble((f"  {sign:<2} ", style), (part.title, "bold"), (f"  {part.change}", style)))
        name_width = max([12, *(cell_len(line.name) for line in part.lines)])
        for line in part.lines:
            lines += _property(line, name_width, width)
    return lines


def _property(line: words.Line, name_width: int, width: int) -> Iterator[Text]:
    """A property on one line, or before and after on a line each where that is too long."""
    head = Text(f"       {line.name:<{name_width}}  ", "dim")
    before, after = Text(line.before or "none", "red"), Text(line.after or "none", "green")
    if line.note:
        yield from _hanging(head, Text(line.note), width)
    elif line.only:
        yield from _hanging(head, after if line.before is None else before, width)
    elif head.cell_len + before.cell_len + len(_ARROW) + after.cell_len <= width:
        yield Text.assemble(head, before, (_ARROW, "dim"), after)
    else:
        yield from _hanging(head, before, width)
        yield from _hanging(Text.assemble(" " * (head.cell_len - 2), ("→ ", "dim")), after, width)


def _hanging(head: Text, value: Text, width: int) -> Iterator[Text]:
    """`value` beside `head`, its later lines below its first."""
    for line in value.wrap(_PLAIN, max(width - head.cell_len, 20)):
        line.rstrip()
        yield Text.assemble(head, line)
        head = Text(" " * head.cell_len)


def _others(review: Review) -> Iterator[Text]:
    if review.others:
        yield Text("Other resources", "bold")
    for op, listed in words.other_changes(review):
        yield Text.assemble((f"  {op:<8} ", "dim"), listed)


def _capacity(review: Review) -> Iterator[list[Text]]:
    for project in review.projects:
        rows = list(words.sums(project, review.currency))
        widths = [
            max(map(cell_len, column))
            for column in zip(*((row.name, row.before, row.after) for row in rows), strict=True)
        ]
        lines = [
            Text.assemble(("Capacity of ", "bold"), (project.project, "bold"), ("  limits x most replicas", "dim"))
        ]
        for row in rows:
            arrow = _ARROW if row.before != row.after else "   "
            after = row.after if row.before != row.after else ""
            style = "bold red" if row.over else "green" if after else ""
            line = Text.assemble(
                (f"  {row.name:<{widths[0]}}  ", "dim"),
                (f"{row.before:>{widths[1]}}", "" if after or not row.over else "bold red"),
                (arrow, "dim"),
                (f"{after:<{widths[2]}}", style),
                (f"  of {row.quota}" if row.quota not in ("", "none") else "", "dim"),
            )
            line.rstrip()
            lines.append(line)
        if project.not_counted:
            lines.append(Text(f"  not counted, known only at the update: {', '.join(project.not_counted)}", "yellow"))
        yield lines


def _more(review: Review) -> Iterator[Text]:
    for one in review.remediations:
        yield Text.assemble(("remediated  ", "cyan"), (one.policy, "bold"), f"  {one.subject}")
        yield from (Text(f"    {line}") for line in one.message.split("\n"))
    for silence in words.silences(review):
        yield Text.assemble(("not judged  ", "yellow"), (silence.policy, "bold"), f"  {silence.subjects}")
        yield Text(f"    {silence.reason}")
    for exempt in review.exemptions:
        style = "yellow" if exempt.ends_soon else "dim"
        yield Text.assemble(
            ("exempt  ", style),
            (exempt.policy, "bold"),
            f"  {exempt.resource}",
            (f"  {words.exemption(exempt)}", style),
        )
        yield Text(f"    {exempt.owner}: {exempt.reason}")


def _wrapped(line: Text, console: Console) -> list[Text]:
    """A line over as many as the width wants, the later ones below the beginning of the first."""
    if line.cell_len <= console.width:
        return [line]
    indent = len(line.plain) - len(line.plain.lstrip(" "))
    return list(_hanging(Text(" " * indent), line[indent:], console.width))
