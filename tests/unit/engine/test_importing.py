"""Existing resources are taken over by Pulumi's option `import_`, in whole programs."""

import json
from pathlib import Path

import pytest

from tests.unit.engine.memory import Stack

IMPORT = 'Thing("a", "one", opts=Options(import_="a-1"))\n'


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
    made = Stack(tmp_path)
    made.store.things["a-1"] = {"value": "one"}
    return made


def state(stack: Stack) -> dict[str, dict[str, object]]:
    path = stack.directory / "backend/.pulumi/stacks/things/dev.json"
    resources = json.loads(path.read_text())["checkpoint"]["latest"]["resources"]
    return {item["urn"].rsplit("::", 1)[1]: item for item in resources}


def test_what_is_as_the_program_says_is_imported_untouched_and_from_then_on_the_stacks_own(stack: Stack) -> None:
    stack.program(IMPORT)
    assert stack.preview().changes == {"create": 1, "import": 1}
    assert stack.must_up().changes == {"create": 1, "import": 1}
    assert [op for op in stack.ops() if op.endswith(" a")] == ["import a"]
    assert stack.store.calls == []
    assert (state(stack)["a"]["id"], state(stack)["a"]["importID"]) == ("a-1", "a-1")
    assert stack.must_up().changes == {"same": 2}
    assert stack.destroy().error is None
    assert stack.store.things == {}


def test_what_differs_is_imported_and_then_changed_in_place_and_the_preview_says_so(stack: Stack) -> None:
    stack.program(IMPORT.replace("one", "two"))
    preview = stack.preview()
    assert preview.changes == {"create": 1, "import": 1, "update": 1}
    assert [op for op in stack.ops() if op.endswith(" a")] == ["import a", "update a"]
    assert stack.must_up().changes == preview.changes
    assert stack.store.calls == ["update a"]
    assert stack.store.things["a-1"]["value"] == "two"
    assert stack.preview().changes == {"same": 2}


def test_what_differs_in_an_ignored_property_is_left_as_it_is(stack: Stack) -> None:
    stack.program('Thing("a", "two", opts=Options(import_="a-1", ignore_changes=["value"]))').must_up()
    assert stack.store.calls == []
    assert state(stack)["a"]["inputs"] == {"value": "one"}


@pytest.mark.parametrize("operation", ["preview", "up"])
def test_what_would_have_to_be_replaced_is_refused_and_stays(stack: Stack, operation: str) -> None:
    stack.program('Thing("a", "one", fixed="other", opts=Options(import_="a-1"))')
    outcome = getattr(stack, operation)()
    assert "'a-1' is imported by its id and would be replaced, because of fixed" in str(outcome.error)
    assert list(stack.store.things) == ["a-1"]


def test_without_the_option_it_may_be_replaced_like_any_other(stack: Stack) -> None:
    stack.program(IMPORT).must_up()
    stack.program('Thing("a", "one", fixed="other")').must_up()
    assert stack.store.calls == ["create a", "delete a"]
    assert "importID" not in state(stack)["a"]


@pytest.mark.parametrize("operation", ["preview", "up"])
def test_what_does_not_exist_is_one_clear_error(stack: Stack, operation: str) -> None:
    stack.program(IMPORT.replace("a-1", "a-2"))
    outcome = getattr(stack, operation)()
    assert "memory:index:Thing 'a-2' does not exist, so it cannot be imported" in str(outcome.error)
    assert stack.messages().count("does not exist") == 1


def test_another_id_replaces_what_the_stack_had_without_creating_anything(stack: Stack) -> None:
    stack.program('Thing("a", "mine")').must_up()
    own = state(stack)["a"]["id"]
    stack.program(IMPORT)
    assert stack.preview().changes == {"replace": 1, "same": 1}
    stack.must_up()
    assert stack.ops() == ["import-replacement a", "replace a", "delete-replaced a"]
    assert own not in stack.store.things
    assert list(stack.store.things) == ["a-1"]
    assert stack.must_up().changes == {"same": 2}


def test_a_retained_import_survives_the_stack(stack: Stack) -> None:
    stack.program('Thing("a", "one", opts=Options(import_="a-1", retain_on_delete=True))').must_up()
    assert stack.destroy().error is None
    assert list(stack.store.things) == ["a-1"]


def test_what_is_secret_in_the_program_is_secret_in_what_was_imported(stack: Stack) -> None:
    stack.program('Thing("a", pulumi.Output.secret("one"), opts=Options(import_="a-1"))').must_up()
    assert '"one"' not in json.dumps([state(stack), stack.events])


NOTES = """
from pulumi.dynamic import CreateResult, ReadResult, Resource, ResourceProvider


class Notes(ResourceProvider):
    def create(self, props):
        return CreateResult("made", props)

    def read(self, id, props):
        return ReadResult(id if id == "there" else "", {**props, "text": "as it is"})


class Note(Resource):
    text: pulumi.Output[str]

    def __init__(self, text, opts):
        super().__init__(Notes(), "note", {"text": text}, opts)

"""


def test_a_dynamic_resource_is_imported_by_its_own_read(stack: Stack) -> None:
    stack.program(NOTES + 'Note("as it is", Options(import_="there"))')
    assert stack.must_up().changes == {"create": 1, "import": 1}
    assert (state(stack)["note"]["id"], state(stack)["note"]["importID"]) == ("there", "there")
    assert stack.preview().changes == {"same": 2}


def test_a_dynamic_resource_of_somebody_else_is_looked_up_by_its_id(stack: Stack) -> None:
    stack.program(NOTES + 'pulumi.export("text", Note("?", Options(id="there")).text)')
    assert stack.must_up().outputs == {"text": "as it is"}
    assert state(stack)["note"]["external"] is True
    assert stack.destroy().error is None
    missing = stack.program(NOTES + 'Note("?", Options(id="nowhere"))').preview()
    assert "'nowhere' does not exist" in str(missing.error)
