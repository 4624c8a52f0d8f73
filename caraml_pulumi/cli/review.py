"""``caraml review``: what a change does, in models' terms, for the people who decide."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from enum import StrEnum
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from caraml_pulumi.cli.common import HERE, Cwd, Stack, asked_packs, note, resolve_target
from caraml_pulumi.cli.engines import EngineChoice, open_engine
from caraml_pulumi.cli.options import (
    ColorOption,
    Diff,
    Engine,
    Parallel,
    PolicyPackConfigs,
    PolicyPacks,
    Refresh,
    update_options,
)
from caraml_pulumi.cli.terminal import Color, apply_color
from caraml_pulumi.engine.api import DEFAULT_PARALLEL, Options, Target
from caraml_pulumi.errors import FAILED, INTERRUPTED, POLICY_VIOLATION, USAGE, CaramlError

if TYPE_CHECKING:
    from caraml_pulumi.engine.display.tree import Tree
    from caraml_pulumi.engine.policies import Rule
    from caraml_pulumi.model.prices import Prices
    from caraml_pulumi.review.document import Review
    from caraml_pulumi.review.places import Places

app = typer.Typer(add_completion=False)
_STDOUT: Final = "-"


class FailOn(StrEnum):
    """Which violations make the command fail."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


def _destination(flag: str, what: str) -> Any:  # noqa: ANN401 - what typer.Option gives
    return typer.Option(flag, metavar="FILE", help=f"Write {what} there; - is standard output.")


Markdown = Annotated[str | None, _destination("--markdown", "a comment for a pull request")]
JsonFile = Annotated[str | None, _destination("--json", "the review as JSON")]
Sarif = Annotated[str | None, _destination("--sarif", "the violations as SARIF 2.1.0")]
FailOnOption = Annotated[FailOn, typer.Option("--fail-on", help="The least violation that exits with 3.")]


@app.command(name="review", epilog="Example: caraml review --stack prod --markdown review.md --sarif review.sarif")
def review(
    cwd: Cwd = HERE,
    stack: Stack = None,
    policy_pack: PolicyPacks = None,
    policy_pack_config: PolicyPackConfigs = None,
    markdown: Markdown = None,
    json_: JsonFile = None,
    sarif: Sarif = None,
    diff: Diff = False,
    fail_on: FailOnOption = FailOn.MANDATORY,
    refresh: Refresh = False,
    parallel: Parallel = DEFAULT_PARALLEL,
    engine: Engine = EngineChoice.AUTO,
    color: ColorOption = Color.AUTO,
) -> None:
    """Preview a change, ask the policy packs, and say what it does to models, capacity and cost.

    Without --policy-pack the project's own pack is asked: policies/, configured by policies/profiles/STACK.json. Exit
    codes: 0 may be merged, 3 a policy is violated, 1 the preview failed; the review is written in each case.
    """
    apply_color(color)
    outputs = {"markdown": markdown, "json": json_, "sarif": sarif}
    _check_destinations(outputs)
    target = resolve_target(cwd, stack)
    packs, configs = asked_packs(target.project, target.stack, policy_pack, policy_pack_config)
    options = update_options(parallel, "", packs, configs, refresh, None)
    result, tree, exit_code = _made(target, options, engine)
    _write(result, tree, target, outputs, diff=diff)
    if exit_code is None:
        violated = result.mandatory or (fail_on is FailOn.ADVISORY and result.advisory)
        exit_code = POLICY_VIOLATION if violated else FAILED if result.verdict == "failed" else 0
    if exit_code:
        raise CaramlError(f"{result.name}: {result.headline}", exit_code=exit_code)
    if any(outputs.values()) and _STDOUT not in outputs.values():
        note(f"{result.name}: {result.headline}")


def _made(target: Target, options: Options, engine: EngineChoice) -> "tuple[Review, Tree, int | None]":
    """The review of a stack, the preview that it was made from, and the exit code if it did not run to its end."""
    from caraml_pulumi.cli.flow import Request, observe
    from caraml_pulumi.engine.display.tree import Tree
    from caraml_pulumi.review.build import Circumstances
    from caraml_pulumi.review.build import review as make

    places = _places(target)
    request = Request("update", open_engine(engine), target, options, interactive=False)
    if sys.stderr.isatty():
        note(f"Previewing {request.stack} ...")
    rules: Mapping[str, Sequence[Rule]] = {}
    prices, exit_code = None, None
    try:
        prices = _prices(target)
        display, outcome = observe(request)
        tree, error = display.tree, outcome.error
        rules = outcome.rules or rules_of(target, options)
        exit_code = INTERRUPTED if display.cancelled and error else None
    except CaramlError as failure:
        if failure.exit_code == USAGE:
            raise
        tree, error, exit_code = Tree(), failure, failure.exit_code
    known = Circumstances(
        target.project.name, target.stack, places, datetime.now(UTC).date(), prices=prices, rules=rules
    )
    return make(tree, error, known), tree, exit_code


def rules_of(target: Target, options: Options) -> "Mapping[str, Sequence[Rule]]":
    """What policy packs say of their rules, and how these are configured, by the packs' names.

    A pack that fails is left out: the preview fails then as well, and says why.
    """
    from caraml_pulumi.engine.policies import PolicyPack

    found = {}
    for path, config in zip_longest(options.policy_packs, options.policy_pack_configs):
        project, stack = target.project.name, target.stack
        with (
            suppress(CaramlError),
            closing(PolicyPack(path, config, project=project, stack=stack, preview=True, config={})) as pack,
        ):
            rules = pack.rules  # a pack tells its name when it is ready
            found[pack.name] = rules
    return found


def _places(target: Target) -> "Places":
    from caraml_pulumi.review.places import Places, repository_of

    return Places(repository_of(target.project.root), target.project.stack_config_dir, target.stack)


def _prices(target: Target) -> "Prices | None":
    """The prices in the configuration of the stack, None if there are none. Raises `CaramlError` with file and line."""
    from caraml_pulumi.model.prices import PRICES_KEY, parse_prices
    from caraml_pulumi.stack_files.configuration import read_configuration

    configuration = read_configuration(target.project.stack_config_dir, target.stack)
    if PRICES_KEY not in configuration.values:
        return None
    return parse_prices(configuration.values[PRICES_KEY], locate=lambda path: configuration.locate((PRICES_KEY, *path)))


def _check_destinations(outputs: dict[str, str | None]) -> None:
    """Refuse two documents at one place, and files that cannot be written, before anything is previewed."""
    places: dict[str, str] = {}
    for name, path in outputs.items():
        if path is None:
            continue
        if path == "" or Path(path).is_dir() or not Path(path).parent.is_dir():
            raise CaramlError(
                f'the review cannot be written to "{path}"',
                where=f"--{name}",
                allowed="a file in a directory that is there, or - for standard output",
            )
        place = path if path == _STDOUT else str(Path(path).resolve())
        if other := places.get(place):
            where = "standard output" if path == _STDOUT else path
            raise CaramlError(
                f"--{other} {outputs[other]} and --{name} {path} would both write to {where}",
                allowed="one of them",
                fix="name files for the others" if path == _STDOUT else "name a file for each",
                exit_code=USAGE,
            )
        places[place] = name


def _write(review: "Review", tree: "Tree", target: Target, outputs: dict[str, str | None], *, diff: bool) -> None:
    """Write what was asked for; the text for the terminal if nothing was."""
    from caraml_pulumi.review.changes import all_changes

    changes = all_changes(tree) if diff else []
    made = {
        "markdown": lambda: _markdown(review, "\n".join(line.plain for line in changes)),
        "json": lambda: _json(review.document()),
        "sarif": lambda: _sarif(review, target),
    }
    for name, path in outputs.items():
        if path == _STDOUT:
            print(made[name](), end="")
        elif path is not None:
            _save(Path(path), made[name]())
    if not any(outputs.values()):
        from caraml_pulumi.cli.terminal import console
        from caraml_pulumi.review.text import text

        screen = console()
        screen.print(text(review, screen), soft_wrap=True)
        if changes:
            screen.print(*changes, sep="\n", soft_wrap=True)


def _markdown(review: "Review", diff: str) -> str:
    from caraml_pulumi.review.markdown import markdown

    return markdown(review, diff)


def _sarif(review: "Review", target: Target) -> str:
    from caraml_pulumi.review.sarif import sarif

    places = _places(target)
    return _json(sarif(review, places.place(places.stack_file, 1)))


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _save(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CaramlError(f"the review cannot be written: {error.strerror}", where=str(path)) from error
