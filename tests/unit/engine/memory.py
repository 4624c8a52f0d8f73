"""A provider whose resources live in this process, and a stack to run programs on it."""

import textwrap
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from caraml_pulumi.engine.api import ChangeRule, Options, Outcome, Target
from caraml_pulumi.engine.embedded import EmbeddedEngine
from caraml_pulumi.engine.events import EngineEvent
from caraml_pulumi.engine.providers.base import Context, Diff, Live, Provider
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.selection import Selection
from caraml_pulumi.engine.state.config import load_stack_config
from caraml_pulumi.engine.state.project import load_project
from caraml_pulumi.engine.values import UNKNOWN, Properties, contains_unknown, plain
from caraml_pulumi.errors import CaramlError

PROGRAM = """
import pulumi
from pulumi import ResourceOptions as Options

config = pulumi.Config()


class Thing(pulumi.CustomResource):
    value: pulumi.Output[str]
    fixed: pulumi.Output[str]
    size: pulumi.Output[int]

    def __init__(self, name, value="", fixed=None, opts=None):
        super().__init__("memory:index:Thing", name, {"value": value, "fixed": fixed, "size": None}, opts)


class Group(pulumi.ComponentResource):
    def __init__(self, name, props=None, opts=None):
        super().__init__("memory:index:Group", name, props or {}, opts)

"""


@dataclass
class Store:
    """The things there are, and every call that changed them."""

    things: dict[str, Properties] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    fail: Callable[[str], CaramlError | None] = lambda call: None

    def did(self, call: str) -> None:
        error = self.fail(call)
        if error is not None:
            raise error
        self.calls.append(call)


class MemoryProvider(Provider):
    """A change of `fixed` replaces a thing: deleted first when the new value begins with ``first``.

    In a `place` a thing's id is its name, so that it is the same in another place.
    """

    recovers = True

    def __init__(self, store: Store, place: str = "") -> None:
        self.store = store
        self.place = place

    def moved(self, old_inputs: Properties) -> bool:
        return bool(old_inputs.get("place", "") != self.place)

    def _key(self, id_: str) -> str:
        return f"{self.place}/{id_}" if self.place else id_

    def did(self, call: str) -> None:
        self.store.did(f"{call} in {self.place}" if self.place else call)

    def check(self, urn: str, old_inputs: Properties | None, new_inputs: Properties) -> Properties:
        if plain(new_inputs.get("value")) == "bad":
            raise CaramlError("the value 'bad' is not allowed", allowed="anything else")
        return new_inputs

    def diff(self, old: ResourceState, new_inputs: Properties, ignore_changes: list[str]) -> Diff:
        keys = sorted({*old.inputs, *new_inputs})
        changed = [key for key in keys if old.outputs.get(key) != new_inputs.get(key) and key != "size"]
        first = str(plain(new_inputs.get("fixed"))).startswith("first")
        replace = [key for key in changed if key == "fixed" or new_inputs.get(key) is UNKNOWN]
        return Diff(bool(changed), replace, dict.fromkeys(changed, "update"), first)

    def _live(self, id_: str, inputs: Properties) -> Live:
        size = UNKNOWN if contains_unknown(inputs) else len(str(plain(inputs.get("value"))))
        return Live(id_, {**inputs, "size": size})

    def create(self, urn: str, inputs: Properties, context: Context) -> Live:
        if context.preview:
            return Live("", dict(inputs))
        name = urn.rsplit("::", 1)[1]
        self.did(f"create {name}")
        id_ = name if self.place else f"{name}-{uuid.uuid4().hex[:6]}"
        self.store.things[self._key(id_)] = inputs
        return self._live(id_, inputs)

    def update(self, old: ResourceState, new_inputs: Properties, context: Context) -> Live:
        if context.preview:
            return Live(old.id, dict(new_inputs))
        self.did(f"update {old.name}")
        self.store.things[self._key(old.id)] = new_inputs
        return self._live(old.id, new_inputs)

    def delete(self, old: ResourceState, context: Context) -> None:
        self.did(f"delete {old.name}")
        self.store.things.pop(self._key(old.id), None)

    def read(self, urn: str, id_: str, old: ResourceState | None, context: Context) -> Live | None:
        inputs = self.store.things.get(self._key(id_))
        if inputs is None:
            return None
        live = self._live(id_, inputs)
        live.inputs = inputs
        return live

    def recover(self, urn: str, inputs: Properties, context: Context) -> Live | None:
        name = urn.rsplit("::", 1)[1]
        if self.place:
            return self.read(urn, name, None, context)
        found = [id_ for id_ in self.store.things if id_.rsplit("-", 1)[0] == name]
        return self._live(found[0], self.store.things[found[0]]) if found else None


@dataclass
class Stack:
    """A project in a directory of its own, with a backend and a store."""

    directory: Path
    store: Store = field(default_factory=Store)
    events: list[EngineEvent] = field(default_factory=list)
    rules: tuple[ChangeRule, ...] = ()
    selection: Selection = field(default_factory=Selection)
    engine: EmbeddedEngine = field(init=False)

    def __post_init__(self) -> None:
        (self.directory / "program").mkdir(parents=True, exist_ok=True)
        (self.directory / "program" / "Pulumi.yaml").write_text("name: things\nruntime: python\n")
        self.engine = EmbeddedEngine(
            more_providers={"memory": lambda inputs: MemoryProvider(self.store, inputs.get("place", ""))}
        )

    def program(self, text: str) -> "Stack":
        (self.directory / "program" / "__main__.py").write_text(PROGRAM + textwrap.dedent(text))
        return self

    def config(self, **values: str) -> "Stack":
        config = load_stack_config(self.target.project, "dev")
        for key, value in values.items():
            config.set(key, value)
        config.save()
        return self

    def select(self, **selection: Any) -> "Stack":
        """What the next operations are about; nothing for everything."""
        self.selection = Selection(**selection)
        return self

    @property
    def target(self) -> Target:
        project = load_project(self.directory / "program")
        return Target(project, "dev", f"file://{self.directory}/backend")

    def _run(self, operation: Callable[..., Outcome], **more: Any) -> Outcome:
        self.events.clear()
        self.store.calls.clear()
        options = Options(parallel=8, change_rules=self.rules, selection=self.selection)
        return operation(self.target, options, self.events.append, **more)

    def preview(self) -> Outcome:
        return self._run(self.engine.preview)

    def up(self) -> Outcome:
        return self._run(self.engine.up)

    def refresh(self) -> Outcome:
        return self._run(self.engine.refresh, preview=False)

    def destroy(self) -> Outcome:
        return self._run(self.engine.destroy, preview=False)

    def must_up(self) -> Outcome:
        outcome = self.up()
        assert outcome.error is None, outcome.error
        return outcome

    def ops(self) -> list[str]:
        """The steps that were done, as ``op name``, without those that change nothing."""
        steps = [event["resOutputsEvent"]["metadata"] for event in self.events if "resOutputsEvent" in event]
        return [f"{step['op']} {step['urn'].rsplit('::', 1)[1]}" for step in steps if step["op"] != "same"]

    def messages(self) -> str:
        return "".join(event["diagnosticEvent"]["message"] for event in self.events if "diagnosticEvent" in event)
