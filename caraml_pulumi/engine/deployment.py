"""Takes a program's registrations one by one and brings each resource to what the program asks for."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from caraml_pulumi.engine.aliases import Aliases
from caraml_pulumi.engine.api import ChangeRule
from caraml_pulumi.engine.changes import bring_about, new_state, replace_provider, with_secrets
from caraml_pulumi.engine.checks import PolicyChecks
from caraml_pulumi.engine.components import Components
from caraml_pulumi.engine.goal import Goal
from caraml_pulumi.engine.importing import import_resource, is_import
from caraml_pulumi.engine.property_path import keep_old
from caraml_pulumi.engine.providers.base import Provider
from caraml_pulumi.engine.providers.registry import (
    default_provider_inputs,
    new_default_provider,
    package_of,
    provider_outputs,
)
from caraml_pulumi.engine.reporter import Step
from caraml_pulumi.engine.resource import PROVIDER_PREFIX, STACK_TYPE, ResourceState, make_urn
from caraml_pulumi.engine.run import Run, StoppedError
from caraml_pulumi.engine.state.times import timestamp
from caraml_pulumi.engine.values import Properties, PropertyValue, plain, same
from caraml_pulumi.errors import CaramlError


@dataclass(slots=True)
class Deployment:
    """The resources of a stack, from the state before to what the program registers. Methods run on many threads."""

    run: Run
    config: Properties
    policies: PolicyChecks
    rules: Sequence[ChangeRule] = ()
    olds: dict[str, ResourceState] = field(default_factory=dict)
    news: dict[str, ResourceState] = field(default_factory=dict)
    components: Components = field(init=False)
    _aliases: Aliases = field(init=False)
    _seen: set[str] = field(default_factory=set)
    _defaults: dict[tuple[str, str], ResourceState] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _default_lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.components = Components(self.run)
        self._aliases = Aliases(self.run.stack, self.run.project)
        for resource in self.run.ledger.base.resources:
            if not resource.delete:
                self.olds[resource.urn] = resource

    def register(self, goal: Goal) -> ResourceState:
        """Bring the resource of `goal` about, and return it as it is now, or at preview as it would be.

        Raises:
            CaramlError: it cannot be; the run is then stopping.
        """
        with self.reporting(self._urn(goal)):
            return self._register(goal)

    @contextmanager
    def reporting(self, urn: str) -> Iterator[None]:
        """Show what goes wrong with the resource `urn`, once, and let it end the run."""
        try:
            yield
        except StoppedError:
            raise
        except CaramlError as error:
            if error not in self.run.errors:
                self.run.fail(error)
                self.run.reporter.diagnostic("error", str(error), urn)
            raise
        except Exception as error:
            self.run.fault = error
            self.run.fail(StoppedError())
            raise

    def _urn(self, goal: Goal) -> str:
        return make_urn(self.run.stack, self.run.project, goal.type, goal.name, goal.parent)

    def _register(self, goal: Goal) -> ResourceState:
        if self.run.stopped:
            raise StoppedError
        urn = self._urn(goal)
        with self._lock:
            if urn in self._seen:
                raise CaramlError(
                    f"two resources have the same URN {urn}", fix="give one of them another name, or another parent"
                )
            self._seen.add(urn)
        old = self._old(urn, goal)
        if self.run.scope.constrained and not self._is_selected(urn, goal, old):
            return self._left_out(urn, goal, old)
        if not goal.custom:
            return self._component(urn, goal, old)
        if goal.type.startswith(PROVIDER_PREFIX):
            return self._explicit_provider(urn, goal, old)
        return self._custom(urn, goal, old)

    def _old(self, urn: str, goal: Goal) -> ResourceState | None:
        """The earlier state of `urn`, also under a former URN, which is then renamed."""
        with self._lock:
            found = self._aliases.find(urn, goal, self.olds, self._seen)
            if found is not None and found != urn:
                self.run.ledger.rename(found, urn)
                self.olds[urn] = self.olds.pop(found)
                self.olds[urn].urn = urn
            self.run.scope.note(urn, found or "")
            return self.olds.get(urn)

    def _is_selected(self, urn: str, goal: Goal, old: ResourceState | None) -> bool:
        """Whether the run is about `goal`. Raises `CaramlError` if it is, and needs what is not made."""
        planned = new_state(urn, goal, {}, old)
        planned.provider = goal.provider
        with self._lock:
            selected = self.run.scope.includes(planned)
            if selected:
                self.run.scope.require_made(planned)
            self.run.scope.place(planned if selected or old is None else old)
            return selected

    def _left_out(self, urn: str, goal: Goal, old: ResourceState | None) -> ResourceState:
        """A resource that the run is not about: as the state has it, and not made if that has none."""
        if old is None:
            with self._lock:
                self.run.scope.skipped.add(urn)
            return new_state(urn, goal, {}, None)
        step = Step("same", urn, old, old)
        self.run.reporter.started(step)
        self.run.ledger.put(old, same=True)
        self.run.reporter.done(step)
        with self._lock:
            self.news[urn] = old
        return old

    def _hold_to_rules(self, old: ResourceState | None, new: ResourceState) -> None:
        """Raise `CaramlError` if a change rule refuses what is to become of a resource that exists."""
        if old is None:
            return
        try:
            for rule in self.rules:
                rule(new.type, plain(old.inputs), plain(new.inputs))
        except CaramlError as error:
            step = Step("update", new.urn, old, new)
            self.run.fail(error)
            self.run.reporter.started(step)
            self.run.reporter.failed(step, error)
            raise

    def _component(self, urn: str, goal: Goal, old: ResourceState | None) -> ResourceState:
        new = new_state(urn, goal, goal.inputs, old)
        new.inputs = self.policies.check(goal, new, None)
        self._hold_to_rules(old, new)
        self.components.begin(new, old)
        with self._lock:
            self.news[urn] = new
        return new

    def _custom(self, urn: str, goal: Goal, old: ResourceState | None) -> ResourceState:
        source = self._provider_state(goal)
        provider = self.run.providers.provider(source)
        imports = is_import(goal, old)
        if imports:
            imported = new_state(urn, goal, goal.inputs, None)
            imported.provider = f"{source.urn}::{source.id}"
            old = import_resource(self.run, provider, goal, old, imported)
        old_inputs = old.inputs if old is not None and not old.external else None
        asked = goal.inputs
        wanted = asked if old_inputs is None else keep_old(asked, old_inputs, goal.ignore_changes)
        new = new_state(urn, goal, provider.check(urn, old_inputs, wanted), old)
        new.provider = f"{source.urn}::{source.id}"
        remediated = self.policies.check(goal, new, source)
        if remediated is not new.inputs:
            asked = remediated
            new.inputs = provider.check(urn, old_inputs, asked)
        self._hold_to_rules(old, new)
        afresh = lambda: provider.check(urn, None, asked)  # noqa: E731
        bring_about(self.run, provider, goal, old, new, self._seen, afresh=afresh, imported=imports)
        with self._lock:
            self.news[urn] = new
        return new

    def _explicit_provider(self, urn: str, goal: Goal, old: ResourceState | None) -> ResourceState:
        self.run.providers.require(package_of(goal.type))
        inputs = {"__internal": {}, **goal.inputs, **({"version": goal.version} if goal.version else {})}
        return self._provider_resource(new_state(urn, goal, inputs, old), old)

    def _provider_resource(self, new: ResourceState, old: ResourceState | None) -> ResourceState:
        unchanged = old is not None and same(old.inputs, new.inputs)
        new.outputs = provider_outputs(new.inputs)
        new.id = str(uuid.uuid4())
        if old is not None and not unchanged and self.run.providers.provider(new).moved(old.inputs):
            replace_provider(self.run, old, new)
            with self._lock:
                self.news[new.urn] = new
            return new
        if old is not None:
            new.id = old.id
        if unchanged and old is not None:
            new.inputs, new.outputs, new.modified = old.inputs, old.outputs, old.modified
        step = Step("create" if old is None else "same" if unchanged else "update", new.urn, old, new)
        self.run.reporter.started(step)
        self.run.ledger.put(new, same=unchanged)
        self.run.reporter.done(step)
        with self._lock:
            self.news[new.urn] = new
        return new

    def _provider_state(self, goal: Goal) -> ResourceState:
        """The provider resource that `goal` names, or the default one of its package."""
        if not goal.provider:
            return self._default_provider(package_of(goal.type), goal.version)
        urn = goal.provider.rsplit("::", 1)[0]
        with self._lock:
            resource = self.news.get(urn)
        if resource is None:
            raise CaramlError(f"the provider {urn} of {goal.type} {goal.name!r} is not registered")
        return resource

    def _default_provider(self, package: str, version: str) -> ResourceState:
        with self._default_lock:
            if (package, version) not in self._defaults:
                self.run.providers.require(package)
                inputs = default_provider_inputs(package, version, self.config)
                new = new_default_provider(self.run.stack, self.run.project, package, version, inputs)
                with self._lock:
                    self._seen.add(new.urn)
                old = self.olds.get(new.urn)
                new.modified = timestamp()
                new.created = old.created if old is not None else new.modified
                self._defaults[package, version] = self._provider_resource(new, old)
            return self._defaults[package, version]

    def read(self, goal: Goal, id_: str) -> ResourceState:
        """Read an existing resource that the stack does not own, such as another stack's outputs."""
        if self.run.stopped:
            raise StoppedError
        urn = self._urn(goal)
        with self._lock:
            self._seen.add(urn)
        source = self._provider_state(goal)
        provider = self.run.providers.provider(source)
        old = self.olds.get(urn)
        new = new_state(urn, goal, goal.inputs, None)
        new.provider, new.id, new.external = f"{source.urn}::{source.id}", id_, True
        new.created = new.modified = ""
        step = Step("read", urn, old, new)
        self.run.reporter.started(step)
        try:
            live = provider.look_up(urn, id_, goal.inputs, self.run.context(urn, None))
        except CaramlError as error:
            self.run.fail(error)
            self.run.reporter.failed(step, error)
            raise
        if live is None:
            missing = CaramlError(f"{goal.type} {id_!r} does not exist", fix="check its name")
            self.run.fail(missing)
            self.run.reporter.failed(step, missing)
            raise missing
        new.outputs = with_secrets(live.outputs, goal.additional_secret_outputs)
        self.run.ledger.put(new, same=old is not None and same(old.outputs, new.outputs))
        self.run.reporter.done(step)
        with self._lock:
            self.news[urn] = new
        return new

    def invoke(self, token: str, arguments: Properties, provider: str, version: str) -> PropertyValue:
        """Call a provider's function."""
        goal = Goal(token, "", True, {}, provider=provider, version=version)
        return self.provider(goal).invoke(token, arguments)

    def provider(self, goal: Goal) -> Provider:
        """The provider that `goal` names, or the default one of its package."""
        return self.run.providers.provider(self._provider_state(goal))

    def unregistered(self) -> list[ResourceState]:
        """What state has and the program no longer registers, and what earlier replacements left to be deleted."""
        base = self.run.ledger.base.resources
        return [item for item in base if item.delete or item.urn not in self._seen]

    @property
    def outputs(self) -> Properties:
        """The stack's outputs."""
        return next((item.outputs for item in self.news.values() if item.type == STACK_TYPE), {})
