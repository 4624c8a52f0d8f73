"""Components, methods and functions of a component package, which another process hosts."""

import json
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.memory import Stack

PACKAGE = """
import os
import sys
from typing import TypedDict

import pulumi
from pulumi.provider import CallResult
from pulumi.provider.provider import InvokeResult
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError, main


class Thing(pulumi.CustomResource):
    size: pulumi.Output[int]

    def __init__(self, name, value, opts=None):
        super().__init__("memory:index:Thing", name, {"value": value, "fixed": None, "size": None}, opts)


class PairArgs(TypedDict):
    first: pulumi.Input[str]
    second: pulumi.Input[str]


class Pair(pulumi.ComponentResource):
    sizes: pulumi.Output[str]
    process: pulumi.Output[str]

    def __init__(self, name: str, args: PairArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("pairs:index:Pair", name, dict(args), opts)
        print("constructing", name)
        if args["first"] == "wrong":
            raise pulumi.InputPropertiesError("", [{"property_path": "first", "reason": "'wrong' is not right"}])
        if args["first"] == "raise":
            raise ValueError("nobody knows why")
        mine = pulumi.ResourceOptions(parent=self)
        children = [Thing(f"{name}-{key}", args[key], mine) for key in ("first", "second")]
        self.sizes = pulumi.Output.format("{0}+{1}", children[0].size, children[1].size)
        self.process = pulumi.Output.from_input(str(os.getpid()))
        self.setting = pulumi.Config("things").get("value")
        self.register_outputs({"sizes": self.sizes})


class Host(ComponentProvider):
    def construct(self, **arguments):
        try:
            return super().construct(**arguments)
        except ComponentInitError as error:
            raise error.inner if isinstance(error.inner, pulumi.InputPropertiesError) else error

    def call(self, token, args):
        if token == "pairs:index:Pair/fail":
            raise ValueError("no such method")
        return CallResult({"answer": pulumi.Output.from_input(args["word"]).apply(lambda word: word + "!")})

    def invoke(self, token, args):
        return InvokeResult({"answer": args["word"] + "?"})


main(Host([Pair], "pairs"), sys.argv[1:])
"""

PAIR = """
class Pair(pulumi.ComponentResource):
    sizes: pulumi.Output[str]
    process: pulumi.Output[str]

    def __init__(self, name, first, second, opts=None):
        props = {"first": first, "second": second, "sizes": None, "process": None}
        super().__init__("pairs:index:Pair", name, props, opts, remote=True)

"""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
    stack = Stack(tmp_path)
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs/PulumiPlugin.yaml").write_text("runtime: python\n")
    (tmp_path / "pairs/__main__.py").write_text(PACKAGE)
    (tmp_path / "program/Pulumi.yaml").write_text("name: things\nruntime: python\npackages:\n  pairs: ../pairs\n")
    return stack


def program(stack: Stack, text: str) -> Stack:
    return stack.program(PAIR + textwrap.dedent(text))


def resources(stack: Stack) -> dict[str, dict[str, Any]]:
    path = stack.directory / "backend/.pulumi/stacks/things/dev.json"
    found = json.loads(path.read_text())["checkpoint"]["latest"].get("resources", [])
    return {item["urn"].rsplit("::", 1)[1]: item for item in found}


def test_a_component_of_a_package_is_previewed_made_updated_and_destroyed_as_one_of_the_program(stack: Stack) -> None:
    program(stack, 'pulumi.export("sizes", Pair("p", config.get("value"), "two").sizes)').config(value="one")
    preview = stack.preview()
    assert (preview.error, preview.changes, preview.outputs) == (None, {"create": 4}, {"sizes": "<computed>"})
    up = stack.must_up()
    assert (up.changes, up.outputs) == ({"create": 4}, {"sizes": "3+3"})
    assert sorted(stack.store.calls) == ["create p-first", "create p-second"]
    made = resources(stack)
    assert made["p-first"]["parent"] == made["p"]["urn"] == "urn:pulumi:dev::things::pairs:index:Pair::p"
    assert made["p"]["outputs"] == {"sizes": "3+3"}
    assert stack.preview().changes == {"same": 4}
    stack.config(value="changed").must_up()
    assert stack.store.calls == ["update p-first"]
    assert stack.refresh().error is None
    assert stack.destroy().error is None
    assert not stack.store.things


def test_one_process_makes_all_components_of_a_run(stack: Stack) -> None:
    pairs = "\n".join(f'pairs.append(Pair("p{number}", "one", "two"))' for number in range(20))
    program(stack, f"pairs = []\n{pairs}\npulumi.export('all', [pair.process for pair in pairs])")
    assert len(set(stack.must_up().outputs["all"])) == 1
    assert stack.messages().count("constructing") == 20


def test_secrets_and_unknown_values_pass_through_a_component(stack: Stack) -> None:
    program(
        stack,
        """
        a = Thing("a", "known later")
        pulumi.export("sizes", Pair("p", pulumi.Output.secret("hunter2!"), a.id).sizes)
        """,
    )
    assert stack.preview().error is None
    stack.must_up()
    made = resources(stack)
    assert "ciphertext" in made["p"]["inputs"]["first"]
    assert "ciphertext" in made["p-first"]["inputs"]["value"]
    assert made["p-second"]["inputs"]["value"] == made["a"]["id"]
    assert made["p-second"]["dependencies"] == [made["a"]["urn"]]
    assert stack.up().changes == {"same": 5}


def test_what_uses_a_component_depends_on_what_its_outputs_come_from(stack: Stack) -> None:
    program(stack, 'Thing("after", Pair("p", "one", "two").sizes)').must_up()
    made = resources(stack)
    assert {made["p-first"]["urn"], made["p-second"]["urn"]} <= set(made["after"]["dependencies"])
    stack.destroy()
    assert stack.store.calls[0] == "delete after"


def test_a_wrong_input_is_one_error_with_the_path_of_the_property(stack: Stack) -> None:
    program(stack, 'Pair("p", "wrong", "two")')
    for outcome in (stack.preview(), stack.up()):
        assert str(outcome.error) == "'wrong' is not right\n  where:   Pair \"p\": first"
        assert stack.messages().count("'wrong' is not right") == 1


def test_an_exception_in_a_component_is_told_with_its_message_and_line(stack: Stack) -> None:
    outcome = program(stack, 'Pair("p", "raise", "two")').up()
    assert "failed while constructing pairs:index:Pair 'p'\n    nobody knows why" in str(outcome.error)
    assert re.search(r"where: +\S+/pairs/__main__.py:\d+", str(outcome.error))
    assert stack.store.calls == []


def test_a_failure_of_a_child_is_told_once_and_is_what_the_run_failed_with(stack: Stack) -> None:
    outcome = program(stack, 'Pair("p", "bad", "two")').up()
    assert str(outcome.error) == "the value 'bad' is not allowed\n  allowed: anything else"
    assert stack.messages().count("'bad' is not allowed") == 1


def test_transforms_and_hooks_of_the_program_reach_the_children_of_a_component(stack: Stack) -> None:
    program(
        stack,
        """
        def shout(args):
            if args.type_ == "memory:index:Thing":
                return pulumi.ResourceTransformResult({**args.props, "value": args.props["value"].upper()}, args.opts)

        Pair("p", "one", "two", Options(transforms=[shout]))
        """,
    ).must_up()
    assert resources(stack)["p-first"]["inputs"]["value"] == "ONE"


def test_a_component_takes_the_options_of_the_program(stack: Stack) -> None:
    program(
        stack,
        """
        a = Thing("a")
        group = Group("g")
        Pair("p", "one", "two", Options(parent=group, protect=True, depends_on=[a], aliases=[pulumi.Alias(name="q")]))
        """,
    ).must_up()
    made = resources(stack)
    assert made["p"]["parent"] == made["g"]["urn"]
    assert made["p"]["protect"] is made["p-first"]["protect"] is True
    assert made["p"]["dependencies"] == [made["a"]["urn"]]


def test_the_children_of_a_component_are_made_by_the_providers_that_the_program_gives_it(stack: Stack) -> None:
    program(
        stack,
        """
        there = pulumi.ProviderResource("memory", "there", {"place": "there"})
        Pair("p", "one", "two", Options(providers=[there]))
        """,
    ).must_up()
    assert sorted(stack.store.calls) == ["create p-first in there", "create p-second in there"]


def test_hooks_of_the_program_run_around_a_component(stack: Stack) -> None:
    program(
        stack,
        """
        hook = pulumi.ResourceHook("note", lambda args: print("hook of", args.name, args.new_inputs["first"]))
        Pair("p", "one", "two", Options(hooks=pulumi.ResourceHookBinding(before_create=[hook], after_create=[hook])))
        """,
    ).must_up()
    assert stack.messages().count("hook of p one") == 2


def test_a_component_of_a_package_that_the_program_drops_is_deleted_without_the_package(stack: Stack) -> None:
    program(stack, 'Pair("p", "one", "two")').must_up()
    (stack.directory / "program/Pulumi.yaml").write_text("name: things\nruntime: python\n")
    program(stack, "").must_up()
    assert sorted(stack.store.calls) == ["delete p-first", "delete p-second"]


def test_an_alias_of_a_component_keeps_its_children(stack: Stack) -> None:
    program(stack, 'Pair("old", "one", "two")').must_up()
    program(stack, 'Pair("new", "one", "two", Options(aliases=[pulumi.Alias(name="old")]))')
    assert stack.preview().changes == {"same": 4}


def test_methods_and_functions_of_a_package_are_called(stack: Stack) -> None:
    program(
        stack,
        """
        pair = Pair("p", "one", "two")
        called = pulumi.runtime.call("pairs:index:Pair/shout", {"word": pair.sizes}, res=pair)
        pulumi.export("called", called.apply(lambda result: result["answer"]))
        pulumi.export("invoked", pulumi.runtime.invoke("pairs:index:ask", {"word": "why"}).value["answer"])
        """,
    )
    assert stack.preview().error is None
    assert stack.must_up().outputs == {"called": "3+3!", "invoked": "why?"}


def test_an_exception_in_a_method_is_told(stack: Stack) -> None:
    program(stack, 'pulumi.runtime.call("pairs:index:Pair/fail", {}, res=Pair("p", "one", "two"))')
    assert "no such method" in str(stack.up().error)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("program/Pulumi.yaml", "name: things\nruntime: python\n", "under `packages: pairs:` in Pulumi.yaml"),
        ("program/Pulumi.yaml", "name: things\nruntime: python\npackages: {pairs: ./pears}\n", "no component package"),
        ("pairs/PulumiPlugin.yaml", "runtime: nodejs\n", "the component package's runtime is 'nodejs'"),
        (
            "pairs/PulumiPlugin.yaml",
            "runtime: {name: python, options: {virtualenv: .venv}}\n",
            "the virtual environment",
        ),
        ("pairs/__main__.py", "import nothing_of_that_name\n", "ModuleNotFoundError"),
    ],
)
def test_a_package_that_cannot_be_started_is_explained(stack: Stack, file: str, text: str, said: str) -> None:
    (stack.directory / file).write_text(text)
    outcome = program(stack, 'Pair("p", "one", "two")').preview()
    assert said in str(outcome.error)
    assert "Traceback" not in str(outcome.error)
