"""Components and the stack itself, which have no provider: what they register first, and the outputs that end them."""

from dataclasses import dataclass, field
from threading import Lock

from caraml_pulumi.engine.replacing import replacement_reason
from caraml_pulumi.engine.reporter import Op, Step
from caraml_pulumi.engine.resource import STACK_TYPE, ResourceState, urn_type
from caraml_pulumi.engine.run import Run
from caraml_pulumi.engine.values import Properties, contains_unknown, same
from caraml_pulumi.errors import CaramlError


@dataclass(slots=True)
class Components:
    """Those that a program has registered and not completed. Methods run on many threads."""

    run: Run
    _open: dict[str, Step] = field(default_factory=dict)
    _stack_outputs: Properties = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, new: ResourceState, old: ResourceState | None) -> None:
        """A component is registered; it has the outputs of before until it registers others.

        Raises:
            CaramlError: a hook before that failed.
        """
        step = Step(self._op(new, old), new.urn, old, new)
        unchanged = step.op == "same"
        if old is not None:
            new.outputs = old.outputs
            if unchanged:
                new.inputs, new.modified = old.inputs, old.modified
        self.run.reporter.started(step)
        if not unchanged:
            self._before(step, new)
        with self._lock:
            self._open[new.urn] = step
        self.run.ledger.put(new, same=unchanged)

    def _op(self, new: ResourceState, old: ResourceState | None) -> Op:
        if old is None:
            return "create"
        if replacement_reason(self.run, old, new):
            self.run.replaced.add(new.urn)
            return "replace"
        return "same" if same(old.inputs, new.inputs) else "update"

    def _before(self, step: Step, new: ResourceState) -> None:
        try:
            self.run.hooks.before("create" if step.old is None else "update", new, step.old)
        except CaramlError as error:
            self.run.fail(error)
            self.run.reporter.failed(step, error)
            raise

    def register_outputs(self, urn: str, outputs: Properties) -> None:
        """Take the outputs of a component, which is then complete, or of the stack, which is when the program ends."""
        with self._lock:
            step = self._open.get(urn)
            if urn_type(urn) == STACK_TYPE:
                self._stack_outputs = outputs
                return
        if step is not None:
            self._complete(step, outputs)

    def finish(self, *, succeeded: bool) -> None:
        """The program has ended: complete the stack, and the components that registered no outputs.

        A program that failed did not get to all of its outputs: those of before stay.
        """
        for urn, step in list(self._open.items()):
            outputs = step.new.outputs if step.new is not None else {}
            if urn_type(urn) == STACK_TYPE:
                outputs = self._final_outputs(outputs, succeeded=succeeded)
            self._complete(step, outputs)

    def _final_outputs(self, before: Properties, *, succeeded: bool) -> Properties:
        """The stack's outputs: those of `before` where the program does not know them, or did not get to them."""
        outputs = self._stack_outputs
        if self.run.scope.skipped and not self.run.preview:
            unknown = [key for key, value in outputs.items() if contains_unknown(value)]
            kept = {key: before[key] for key in unknown if key in before}
            outputs = {key: value for key, value in outputs.items() if key not in unknown} | kept
        return outputs if succeeded else {**before, **outputs}

    def _complete(self, step: Step, outputs: Properties) -> None:
        with self._lock:
            self._open.pop(step.urn, None)
        if step.new is None:
            return
        changed = not same(step.new.outputs, outputs)
        if changed:
            step.new.outputs = outputs
        self.run.ledger.put(step.new, same=not changed)
        self.run.reporter.done(step)
        if step.op != "same":
            self.run.after("create" if step.old is None else "update", step.new, step.old)
