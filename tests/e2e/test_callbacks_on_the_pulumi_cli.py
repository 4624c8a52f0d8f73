"""Transforms, hooks and component packages: what they do under the embedded engine, they do under the Pulumi CLI."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.program import Program

pytestmark = [
    pytest.mark.pulumi_cli,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"),
]

CALLBACKS = """
import pulumi
from pulumi import ResourceHook, ResourceHookBinding, ResourceHookOptions, ResourceOptions, ResourceTransformResult
from pulumi.dynamic import CreateResult, Resource, ResourceProvider, UpdateResult

config = pulumi.Config()


class Notes(ResourceProvider):
    def create(self, props):
        return CreateResult(props["text"], props)

    def update(self, id, olds, news):
        return UpdateResult(news)


class Note(Resource):
    def __init__(self, name, text, opts=None):
        super().__init__(Notes(), name, {"text": text}, opts)


class Group(pulumi.ComponentResource):
    def __init__(self, name, props, opts=None):
        super().__init__("demo:index:Group", name, props, opts)
        self.register_outputs({})


def marked(mark):
    def transform(args):
        if "text" in args.props:
            return ResourceTransformResult({**args.props, "text": args.props["text"] + mark}, args.opts)
    return transform


def protected(args):
    if args.name == "kept":
        args.opts.retain_on_delete = True
        return ResourceTransformResult(args.props, args.opts)


def note(args):
    text = lambda properties: properties and properties.get("text")
    olds, news = (args.old_inputs, args.old_outputs), (args.new_inputs, args.new_outputs)
    print("hook", args.name, *map(text, olds), *map(text, news))


pulumi.runtime.register_resource_transform(marked(" of the stack"))
pulumi.runtime.register_resource_transform(protected)
hook = ResourceHook("note", note, ResourceHookOptions(on_dry_run=config.get_bool("preview")))
every = ResourceHookBinding(
    before_create=[hook], after_create=[hook], before_update=[hook], after_update=[hook],
    before_delete=[hook], after_delete=[hook])
"""
PROGRAM = (
    CALLBACKS
    + """
group = Group("group", {"text": config.get("size")}, ResourceOptions(transforms=[marked(" of the group")], hooks=every))
Note("inner", config.get("size"), ResourceOptions(parent=group, transforms=[marked(" of its own")], hooks=every))
Note("kept", "always")
"""
)
FAILING = (
    CALLBACKS
    + """
def fail(args):
    raise ValueError("not now")


Note("made", "made", ResourceOptions(hooks=ResourceHookBinding(after_create=[ResourceHook("fail", fail)])))
"""
)
PACKAGE = """
from typing import TypedDict

import pulumi
from pulumi.provider.experimental import component_provider_host


class TeamArgs(TypedDict):
    size: pulumi.Input[str]
    note: pulumi.Input[str]


class Team(pulumi.ComponentResource):
    label: pulumi.Output[str]

    def __init__(self, name: str, args: TeamArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("teams:index:Team", name, dict(args), opts)
        mine = pulumi.ResourceOptions(parent=self)
        member = pulumi.ComponentResource("teams:index:Member", f"{name}-1", dict(args), mine)
        member.register_outputs({})
        self.label = pulumi.Output.format("{0}: {1}", name, args["size"])
        self.register_outputs({"label": self.label})


component_provider_host([Team], "teams")
"""
REMOTE = """
import pulumi


class Team(pulumi.ComponentResource):
    label: pulumi.Output[str]

    def __init__(self, name, size, opts=None):
        props = {"size": size, "note": pulumi.Output.secret("hidden"), "label": None}
        super().__init__("teams:index:Team", name, props, opts, remote=True)


group = pulumi.ComponentResource("demo:index:Group", "group", {})
team = Team("iris", pulumi.Config().get("size"), pulumi.ResourceOptions(parent=group, protect=False))
Team("after", team.label)
pulumi.export("label", team.label)
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return Program(tmp_path, PROGRAM)


def ran(text: str) -> list[str]:
    return sorted(line.strip() for line in text.splitlines() if line.strip().startswith("hook "))


def essence(program: Program) -> dict[str, Any]:
    """The resources in state, without what differs between any two runs."""
    (path,) = program.state.glob(".pulumi/stacks/demo/dev.json")
    resources: list[dict[str, Any]] = json.loads(path.read_text())["checkpoint"]["latest"].get("resources", [])
    keys = ("inputs", "outputs", "parent", "dependencies", "retainOnDelete", "resourceHooks")
    found = {item["urn"]: {key: item.get(key) for key in keys} for item in resources if "provider" not in item["urn"]}
    for item in found.values():
        for side in ("inputs", "outputs"):
            item[side] = {key: value for key, value in (item[side] or {}).items() if key != "__provider"}
    return found


def test_transforms_and_hooks_do_the_same_under_both_engines(program: Program, tmp_path: Path) -> None:
    found = {}
    for engine in ("embedded", "pulumi"):
        mine = Program(tmp_path / engine, PROGRAM)
        outputs: list[Any] = []
        for size in ("1", "2"):
            mine.configure(size)
            done = mine.run("up", "--yes", "--engine", engine)
            assert done.returncode == 0, done.stdout + done.stderr
            outputs.append(ran(done.stdout))
            outputs.append(essence(mine))
        mine.file.write_text(CALLBACKS)
        done = mine.run("up", "--yes", "--engine", engine)
        assert done.returncode == 0, done.stdout + done.stderr
        found[engine] = [*outputs, ran(done.stdout)]
    assert found["embedded"] == found["pulumi"]
    assert "hook inner None None 1 of its own of the group of the stack None" in found["embedded"][0]


def test_what_one_engine_did_the_other_finds_unchanged(program: Program) -> None:
    for first, second in (("embedded", "pulumi"), ("pulumi", "embedded")):
        program.configure(str(len(first)))
        done = program.run("up", "--yes", "--engine", first)
        assert done.returncode == 0, done.stdout + done.stderr
        preview = program.run("preview", "--engine", second, "--expect-no-changes")
        assert preview.returncode == 0, preview.stdout + preview.stderr


def test_a_hook_that_fails_afterwards_fails_the_update_and_the_resource_is_kept_under_both(tmp_path: Path) -> None:
    for engine in ("embedded", "pulumi"):
        mine = Program(tmp_path / engine, FAILING)
        done = mine.run("up", "--yes", "--skip-preview", "--engine", engine)
        assert done.returncode == 1
        assert "not now" in done.stdout
        assert "::made" in mine.checkpoint()


def test_destroy_refuses_hooks_of_deletions_under_both(tmp_path: Path) -> None:
    for engine in ("embedded", "pulumi"):
        mine = Program(tmp_path / engine, PROGRAM)
        assert mine.run("up", "--yes", "--engine", engine).returncode == 0
        done = mine.run("destroy", "--yes", "--engine", engine)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "::inner" in mine.checkpoint()


def remote(root: Path) -> Program:
    made = Program(root, REMOTE)
    (root / "teams").mkdir()
    runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": sys.prefix}}
    (root / "teams/PulumiPlugin.yaml").write_text(json.dumps({"runtime": runtime}))
    (root / "teams/__main__.py").write_text(PACKAGE)
    (root / "Pulumi.yaml").write_text("name: demo\nruntime: python\npackages:\n  teams: ./teams\n")
    return made


def test_components_of_packages_are_recorded_alike_and_go_both_ways(program: Program, tmp_path: Path) -> None:
    found = {}
    for engine, other in (("embedded", "pulumi"), ("pulumi", "embedded")):
        mine = remote(tmp_path / engine)
        done = mine.run("up", "--yes", "--engine", engine)
        assert done.returncode == 0, done.stdout + done.stderr
        preview = mine.run("preview", "--engine", other, "--expect-no-changes")
        assert preview.returncode == 0, preview.stdout + preview.stderr
        found[engine] = {
            urn: {key: value for key, value in item.items() if key not in ("inputs", "outputs")}
            for urn, item in essence(mine).items()
        }
        mine.configure("2")
        changed = mine.run("up", "--yes", "--engine", other)
        assert "~ 4 to update" in changed.stdout, changed.stdout + changed.stderr
    assert found["embedded"] == found["pulumi"]
