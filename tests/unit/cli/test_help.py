"""The help of every command: what it is for, an example that it takes, options that explain themselves."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from caraml_pulumi import errors
from caraml_pulumi.cli.lazy import LazyGroup, _load
from caraml_pulumi.cli.main import DEFECT, app
from caraml_pulumi.cli.terminal import colors
from tests.unit.cli.test_main import run

DOCS = Path(__file__).parents[3] / "docs"
Command = tuple[tuple[str, ...], Any]

SILENT = {
    "init", "add model", "add version", "add environment", "add project", "config set", "config rm", "stack init",
    "stack rm", "stack import", "cluster up", "cluster build", "cluster down",
}  # fmt: skip
"""What writes, and prints no data."""
OF_ONE_FORM = {
    "schema", "stack export", "logs", "completion", "cluster kubeconfig", "version",
}  # fmt: skip
"""What prints JSON, lines, a script or a single value in any case."""
ASKING = ("up", "refresh", "destroy", "rollout", "promote", "rollback", "cancel", "stack rm", "cluster down")
"""What asks before it changes or removes something."""


def commands(group: TyperGroup, path: tuple[str, ...] = ()) -> Iterator[Command]:
    members = dict(group.commands)
    if isinstance(group, LazyGroup):
        members |= {name: _load(source) for name, (source, _) in group.sources.items()}
    for name, command in members.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ROOT = typer.main.get_command(app)
assert isinstance(ROOT, TyperGroup)
COMMANDS = {" ".join(path): command for path, command in commands(ROOT)}
every = pytest.mark.parametrize("name", list(COMMANDS))


def options(name: str) -> list[str]:
    return [option for parameter in COMMANDS[name].params for option in parameter.opts]


@every
def test_a_command_says_what_it_does_and_what_each_option_is_for(name: str) -> None:
    first = str(COMMANDS[name].help).splitlines()[0]
    assert first.endswith(".")
    assert first[0].isupper()
    unexplained = [one.opts for one in COMMANDS[name].params if not getattr(one, "help", None)]
    assert unexplained == []


@every
def test_a_command_has_examples_that_it_takes(name: str) -> None:
    label, _, examples = str(COMMANDS[name].epilog).partition(": ")
    assert label in ("Example", "Examples")
    for example in examples.split("; "):
        words = shlex.split(example.replace("$(", " ").replace(")", " ").replace('"', ""))
        words = words[words.index("caraml") + 1 :]
        path = name.split()
        assert words[: len(path)] == path or words[0] == path[0]  # a group that does something by itself
        used = [word.partition("=")[0] for word in words if re.match(r"-+[a-z]", word)]
        assert set(used) <= set(options(name))


@every
def test_what_prints_data_prints_it_as_json_too(name: str) -> None:
    has = "--json" in options(name)
    assert has == (name not in SILENT | OF_ONE_FORM)


@pytest.mark.parametrize("name", ASKING)
def test_what_asks_can_be_told_not_to(name: str) -> None:
    assert "--yes" in options(name)


def test_every_command_is_in_the_manual() -> None:
    manual = (DOCS / "cli.md").read_text("utf-8")
    assert [name for name in ROOT.commands if f"`caraml {name}" not in manual] == []  # type: ignore[attr-defined]


def test_every_exit_code_is_in_the_manual() -> None:
    codes = {value for name, value in vars(errors).items() if name.isupper() and isinstance(value, int)} | {DEFECT}
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", (DOCS / "cli.md").read_text("utf-8"), re.MULTILINE)}
    assert listed == codes | {0}


def test_every_command_stands_under_one_heading() -> None:
    assert isinstance(ROOT, LazyGroup)
    headed = [name for names in ROOT.sections.values() for name in names]
    assert len(headed) == len(set(headed))
    assert set(headed) | {"completion", "doctor", "version"} == set(ROOT.commands)


def test_a_mistyped_option_is_answered_with_the_right_one() -> None:
    done = run("status", "--stak", "dev")
    assert done.returncode == errors.USAGE
    assert "--stack" in done.stderr


@pytest.mark.parametrize(
    ("variables", "colored"),
    [
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"CLICOLOR_FORCE": "0"}, False),
        ({"CLICOLOR": "1"}, False),
    ],
)
def test_colour_is_as_the_environment_wants_it_in_a_pipe(
    variables: dict[str, str], colored: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with (tmp_path / "file").open("w") as stream:
        assert colors(stream) == colored


@pytest.mark.parametrize(("variable", "value"), [("TERM", "dumb"), ("CLICOLOR", "0"), ("NO_COLOR", "1")])
def test_a_terminal_that_wants_no_colour_gets_none(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    controller, terminal = os.openpty()
    with open(terminal, "w") as stream, open(controller):
        assert colors(stream)
        monkeypatch.setenv(variable, value)
        assert not colors(stream)
