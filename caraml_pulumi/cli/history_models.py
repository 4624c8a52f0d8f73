"""What `caraml history` says of models: the updates that changed one, one update, and the difference of two."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.text import Text

from caraml_pulumi.cli.common import note, print_json
from caraml_pulumi.cli.history import change_counts, duration, entry_document, when
from caraml_pulumi.cli.terminal import console
from caraml_pulumi.engine.values import printable
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.history.changes import ModelChange, changes, promoted
from caraml_pulumi.history.document import change_document, diff, release_document, release_text
from caraml_pulumi.review.text import model_lines

if TYPE_CHECKING:
    from caraml_pulumi.history.models import ModelName, ModelState
    from caraml_pulumi.history.updates import Models, ModelUpdate, StackHistory, Update

_RESULTS: Final = {"succeeded": "green", "failed": "bold red"}
_DIFF: Final = {"+": "green", "-": "red", "@": "cyan"}
_FULL_COMMIT: Final = 40


def list_changes(history: "StackHistory", name: str, limit: int, *, as_json: bool) -> None:
    """Print the updates that changed a model, the newest first. Raises `CaramlError` if none knows it."""
    found = history.changes_of(history.model(name), limit)
    if as_json:
        print_json([_listed_document(one) for one in found])
        return
    screen = console()
    for one in found:
        for line in [_head(one.update), *_indented(one.update.message), *_summaries(one)]:
            screen.print(line, soft_wrap=True)


def show_update(history: "StackHistory", number: str, name: str | None, *, as_json: bool) -> None:
    """Print an update. Raises `CaramlError` if there is no such one, or it left no such model."""
    found = history.change(history.number(number))
    after, before = history.models(found.update.version), history.before(found.update.version)
    meant = None if name is None else _meant(name, {**before, **after}, f"update {found.update.version}")
    told = [one for one in found.changes if meant in (None, one.name)]
    if meant is None and len(told) == 1:
        [only] = told
        meant = only.name
    if as_json:
        releases = [meant] if name is not None and meant else [one.name for one in told]
        print_json(_document(found.update, told, {one: after.get(one) for one in releases}))
        return
    screen = console()
    for line in [_head(found.update), *_facts(found.update)]:
        screen.print(line, soft_wrap=True)
    for change in told:
        screen.print(Text("\n").join([Text(), *_change(change, screen)]), soft_wrap=True)
    if not told:
        screen.print(f"\nIt changed nothing of {meant or 'any model'}.")
    if meant and (state := after.get(meant)):
        how = "" if state.release is not None else ", with its defaults: the update recorded no release"
        screen.print(Text(f"\n# {meant} as update {found.update.version} left it{how}", "dim"), soft_wrap=True)
        screen.print(Text(release_text(state, declared=True).rstrip("\n")), soft_wrap=True)


def show_diff(history: "StackHistory", one: str, other: str, name: str | None, *, as_json: bool) -> None:
    """Print what differs between two updates. Raises `CaramlError` if there is no such update or model."""
    numbers = [history.number(text) for text in (one, other)]
    before, after = (history.models(number) for number in numbers)
    meant = None if name is None else _meant(name, {**before, **after}, f"update {numbers[0]} or {numbers[1]}")
    found = [change for change in changes(before, after) if meant in (None, change.name)]
    if as_json:
        listed = [_difference_document(change, *numbers) for change in found]
        print_json({"from": numbers[0], "to": numbers[1], "models": listed})
        return
    screen = console()
    for change in found:
        lines = diff(change, *numbers)
        for line in lines:
            screen.print(diff_text(line), soft_wrap=True)
        if not lines:
            screen.print(Text(f"{change.name}: {'; '.join(change.summary())}"), soft_wrap=True)
    if not found:
        note(f"{meant or 'every model'} is the same in update {numbers[0]} and update {numbers[1]}")


def diff_text(line: str) -> Text:
    """A line of a unified diff, coloured."""
    return Text(printable(line), _DIFF.get(line[:1], ""))


def _meant(name: str, known: "Models", where: str) -> "ModelName":
    meant = [one for one in known if one.answers_to(name)]
    if len(meant) != 1:
        what = f'the model "{name}" is of several projects' if meant else f'there is no model "{name}" in {where}'
        raise CaramlError(what, allowed=", ".join(str(one) for one in meant or known) or "there is none")
    return meant[0]


def _head(update: "Update") -> Text:
    parts = [when(update.end), duration(update.start, update.end), printable(update.author)]
    return Text.assemble(
        (f"update {update.version}", "bold yellow"),
        f"  {update.kind} ",
        (update.result, _RESULTS.get(update.result, "")),
        (f"  {', '.join(part for part in parts if part)}", "dim"),
    )


def _indented(message: str) -> Iterator[Text]:
    yield from (Text(f"  {line}", "italic") for line in printable(message).splitlines() if line.strip())


def _summaries(found: "ModelUpdate") -> Iterator[Text]:
    for change in found.changes:
        yield from (Text(f"    {line}") for line in change.summary())


def _facts(update: "Update") -> Iterator[Text]:
    environment = update.entry.get("environment") or {}
    branch = str(environment.get("git.headName", "")).removeprefix("refs/heads/")
    title = environment.get("git.headTitle", "")
    dirty = "with changes that were not committed" if environment.get("git.dirty") == "true" else ""
    commit = ", ".join(filter(None, (f"{update.commit[:_FULL_COMMIT]} {title}".strip(), branch, dirty)))
    facts = {
        "message": update.message,
        "commit": commit if update.commit else "",
        "made with": str(environment.get("exec.agent") or environment.get("exec.kind") or ""),
        "resources": change_counts(update.entry.get("resourceChanges") or {}),
    }
    for label, value in facts.items():
        first, *rest = printable(value).splitlines() or [""]
        if value:
            yield Text.assemble((f"  {label:<11}", "dim"), first)
            yield from (Text(f"{'':<13}{line}") for line in rest)


def _change(change: ModelChange, screen: Console) -> Iterator[Text]:
    review = change.review()
    yield from model_lines(review, screen.width)
    if not review.versions and not review.endpoint:
        yield from (Text(f"  {line}") for line in change.summary())
    elif promotion := change.promoted_from:
        yield Text(f"  {promoted(promotion)}")


def _listed_document(found: "ModelUpdate") -> dict[str, Any]:
    [change] = found.changes
    return {**_update_document(found.update), "model": change_document(change)}


def _update_document(update: "Update") -> dict[str, Any]:
    entry = {**update.entry, "version": update.version}
    return {**entry_document(entry), "author": update.author, "commit": update.commit}


def _document(
    update: "Update", told: Sequence[ModelChange], releases: "dict[ModelName, ModelState | None]"
) -> dict[str, Any]:
    listed = [
        {"project": name.project, "model": name.model, **found}
        for name, state in releases.items()
        if (found := release_document(state))
    ]
    return {**_update_document(update), "models": [change_document(one) for one in told], "releases": listed}


def _difference_document(change: ModelChange, before: int, after: int) -> dict[str, Any]:
    return {**change_document(change), "diff": "\n".join(diff(change, before, after))}
