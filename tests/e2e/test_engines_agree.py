"""The Pulumi CLI and the embedded engine do the same with one program: resource options, aliases, targets."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.unit.cli.program import Program

pytestmark = [
    pytest.mark.pulumi_cli,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"),
]

THINGS = """
import uuid

import pulumi
from pulumi import Alias, ResourceOptions as Options
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult


class Plain(ResourceProvider):
    def create(self, props):
        return CreateResult(uuid.uuid4().hex, props)

    def update(self, id, olds, news):
        return UpdateResult(news)

    def delete(self, id, props):
        if props["value"] == "kept":
            raise Exception("this must not be deleted on its own")


class Fixed(Plain):
    def diff(self, id, olds, news):
        first = news["value"] == "first"
        return DiffResult(olds["value"] != news["value"], replaces=["value"], delete_before_replace=first)


class Thing(Resource, name="Thing"):
    value: pulumi.Output[str]

    def __init__(self, name, value="v", opts=None, fixed=False):
        super().__init__(Fixed() if fixed else Plain(), name, {"value": value}, opts)


class Group(pulumi.ComponentResource):
    def __init__(self, name, opts=None, size=1):
        super().__init__("demo:index:Group", name, {"size": size}, opts)


v = pulumi.Config().get("size")
"""

REPLACED = """
a = Thing("a", "first" if v == "3" else v, fixed=True)
Thing("with", opts=Options(replace_with=[a]))
Thing("deleted-with", "kept", opts=Options(deleted_with=a))
Thing("of", a.value, fixed=True)
Thing("after", opts=Options(depends_on=[a]))
Thing("on-changes", v, opts=Options(replace_on_changes=["value"]))
Thing("on-any", v, opts=Options(replace_on_changes=["*"]))
Thing("on-another", v, opts=Options(replace_on_changes=["other"]))
Thing("first", v, opts=Options(replace_on_changes=["value"], delete_before_replace=True))
Thing("triggered", opts=Options(replacement_trigger=v))
Thing("ignoring", v, opts=Options(ignore_changes=["value"]))
"""
RENAMED = (
    """
def shop(name, opts=None):
    outer = Group(name, opts)
    inner = Group(name + "-inner", Options(parent=outer))
    Thing(name + "-inner-thing", opts=Options(parent=inner))

shop("old")
Thing("alone", opts=Options(parent=Group("home")))
Group("of-type")
""",
    """
def shop(name, opts=None):
    outer = Group(name, opts)
    inner = Group(name + "-inner", Options(parent=outer))
    Thing(name + "-inner-thing", opts=Options(parent=inner))

shop("new", Options(aliases=[Alias(name="old")]))
home = Group("home")
Thing("renamed", opts=Options(aliases=[Alias(name="alone", parent=home)]))
pulumi.ComponentResource("demo:index:Other", "of-type", {"size": 1}, Options(aliases=[Alias(type_="demo:index:Group")]))
""",
)
TARGETED = """
g = Group("g", size=v)
a = Thing("a", v, Options(parent=g))
b = Thing("b", a.value)
Thing("c", v)
if v == "2":
    Thing("new", v)
else:
    Thing("dropped", v)
pulumi.export("v", v)
"""
A = "**::a"


@pytest.fixture
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Program]:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return {engine: Program(tmp_path / engine) for engine in ("pulumi", "embedded")}


class Done(NamedTuple):
    """What an engine planned, how the command ended, and the state that it left."""

    planned: list[tuple[str, str]]
    exit_code: int
    state: list[dict[str, Any]]


def agreed(engines: Mapping[str, Program], text: str, size: str, *arguments: str, command: str = "up") -> Done:
    """What each engine plans and then does, which must be the same."""
    found = {engine: _done(program, engine, text, size, arguments, command) for engine, program in engines.items()}
    assert found["embedded"] == found["pulumi"]
    return found["pulumi"]


def _done(program: Program, engine: str, text: str, size: str, arguments: tuple[str, ...], command: str) -> Done:
    program.file.write_text(THINGS + text)
    program.configure(size)
    planned = []
    if command == "up":
        planned = _steps(json.loads(program.run("preview", "--json", "--engine", engine, *arguments).stdout))
    done = program.run(command, "--yes", "--skip-preview", "--engine", engine, *arguments)
    return Done(planned, done.returncode, _essence(program))


def _steps(document: Any) -> list[tuple[str, str]]:
    return sorted((step["op"], step["urn"]) for step in document["steps"] if "pulumi:providers" not in step["urn"])


def _essence(program: Program) -> list[dict[str, Any]]:
    """The resources in the state, without what differs from run to run."""
    resources = json.loads(program.checkpoint())["checkpoint"]["latest"].get("resources", [])
    drop = {"id", "created", "modified", "sourcePosition", "stackTrace", "provider"}
    found = [{key: value for key, value in item.items() if key not in drop} for item in resources]
    for item in found:
        for place in ("inputs", "outputs"):
            (item.get(place) or {}).pop("__provider", None)
    return sorted(found, key=lambda item: item["urn"])


def test_what_resource_options_replace_and_delete_along(engines: Mapping[str, Program]) -> None:
    agreed(engines, REPLACED, "1")
    for size in ("2", "3"):
        done = agreed(engines, REPLACED, size)
        assert done.exit_code == 0
        assert [op for op, _ in done.planned].count("replace") == 8


def test_what_aliases_find_again(engines: Mapping[str, Program]) -> None:
    assert len(agreed(engines, RENAMED[0], "1").planned) == 7
    done = agreed(engines, RENAMED[1], "1")
    assert (done.exit_code, {op for op, _ in done.planned}) == (0, {"same"})


def test_what_targets_and_excludes_leave_out(engines: Mapping[str, Program]) -> None:
    agreed(engines, TARGETED, "1")
    for arguments, changed in {
        ("--target", A): {"a"},
        ("--exclude", A): {"b", "c", "g", "new", "dropped"},
        ("--target-replace", "c"): {"c"},
    }.items():
        done = agreed(engines, TARGETED, "2", *arguments)
        assert done.exit_code == 0
        assert {urn.rsplit("::", 1)[1] for op, urn in done.planned if op != "same"} == changed
    done = agreed(engines, TARGETED, "3", "--target", A, "--target-dependents")
    assert len([op for op, _ in done.planned if op == "update"]) == 2
    assert agreed(engines, TARGETED, "2", "--target", A, command="destroy").exit_code == 1
