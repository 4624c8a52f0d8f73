"""The embedded engine: preview, up, refresh and destroy without the Pulumi CLI."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from pathlib import Path
from threading import Event

from caraml_pulumi.engine.api import ChangeRule, Options, Outcome, Target
from caraml_pulumi.engine.checks import PolicyChecks
from caraml_pulumi.engine.deletion import delete_all, refuse_hooks
from caraml_pulumi.engine.deployment import Deployment
from caraml_pulumi.engine.events import EventSink
from caraml_pulumi.engine.ledger import Ledger
from caraml_pulumi.engine.process import Once
from caraml_pulumi.engine.providers.base import Provider
from caraml_pulumi.engine.providers.registry import Factory, ProviderRegistry
from caraml_pulumi.engine.recovery import resolve_pending
from caraml_pulumi.engine.refreshing import refresh_all
from caraml_pulumi.engine.reporter import Reporter
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.run import Run, StoppedError
from caraml_pulumi.engine.session import Session, open_session
from caraml_pulumi.engine.state.history import UpdateKind
from caraml_pulumi.engine.state.snapshot import Snapshot
from caraml_pulumi.engine.values import Properties, Secret, contains_secret, redact
from caraml_pulumi.errors import FAILED, CaramlError, CaramlErrors

Work = Callable[[Session, Run], Properties | None]
"""The body of an operation; returns the stack's outputs where the operation makes them known."""


@dataclass(slots=True)
class EmbeddedEngine:
    """Implements `caraml_pulumi.engine.api.Engine` in this process. One operation at a time.

    `more_providers` are packages beyond those that the engine knows, and what makes their providers.
    """

    name: str = "embedded"
    more_providers: Mapping[str, Factory] = field(default_factory=dict)
    _cancelled: Event = field(default_factory=Event)

    def cancel(self) -> None:
        """Let the operations in progress end, and begin no more. May be called from a signal handler."""
        self._cancelled.set()

    def preview(self, target: Target, options: Options, sink: EventSink) -> Outcome:
        """Plan the changes that `up` would make."""
        return self._operate("update", target, options, sink, partial(self._update, options), preview=True)

    def up(self, target: Target, options: Options, sink: EventSink) -> Outcome:
        """Make the changes."""
        return self._operate("update", target, options, sink, partial(self._update, options), preview=False)

    def refresh(self, target: Target, options: Options, sink: EventSink, *, preview: bool) -> Outcome:
        """Bring the state up to what is really there."""
        return self._operate("refresh", target, options, sink, _refresh, preview=preview)

    def destroy(self, target: Target, options: Options, sink: EventSink, *, preview: bool) -> Outcome:
        """Delete everything in the stack."""
        return self._operate("destroy", target, options, sink, _destroy, preview=preview)

    def _update(self, options: Options, session: Session, run: Run) -> Properties | None:
        run.scope.require_replaced()
        with _policies(session, run, options) as policies:
            return _run_program(session, run, policies, options.change_rules)

    def _operate(
        self, kind: UpdateKind, target: Target, options: Options, sink: EventSink, work: Work, *, preview: bool
    ) -> Outcome:
        started = time.time()
        with open_session(target, kind, preview=preview) as session:
            if options.render is not None:
                session.snapshot = Snapshot()  # all manifests, not only those that change
            reporter = Reporter(sink, preview)
            providers = ProviderRegistry({**_factories(session, options, reporter), **self.more_providers})
            outputs: Properties | None = None
            error: CaramlError | None = None
            ended = False
            run: Run | None = None
            try:
                reporter.prelude({key: _shown(value) for key, value in session.config.items()})
                self._prepare(session, providers, options, reporter, refresh=options.refresh and kind != "refresh")
                run = self._run(session, reporter, providers, options)
                outputs = work(session, run)
                error, ended = run.error(), True
            except CaramlError as failure:
                error = failure
            finally:
                succeeded = ended and error is None
                unsaved = None
                if not preview:
                    ledger = run.ledger if run else None
                    unsaved = _keep(session, ledger, kind, started, options.message, reporter, succeeded=succeeded)
                providers.close()
                reporter.summary(time.time() - started, run.packs if run else {}, succeeded=succeeded and not unsaved)
                reporter.close()
            error = CaramlErrors([error, unsaved]) if error and unsaved else error or unsaved
            rules = run.rules if run else {}
            return Outcome(dict(reporter.changes), redact(outputs or {}), error, time.time() - started, rules)

    def _run(self, session: Session, reporter: Reporter, providers: ProviderRegistry, options: Options) -> Run:
        return Run(
            stack=session.target.stack,
            project=session.target.project.name,
            preview=session.preview,
            ledger=session.ledger(),
            selection=options.selection,
            reporter=reporter,
            providers=providers,
            cancelled=self._cancelled,
            parallel=1 if options.render else options.parallel,  # files are numbered in the order of the program
        )

    def _prepare(
        self, session: Session, providers: ProviderRegistry, options: Options, reporter: Reporter, *, refresh: bool
    ) -> None:
        """Settle what a killed run left open, and refresh the state first if that was asked for."""
        if not (session.snapshot.pending_operations or options.import_pending_creates or refresh):
            return
        run = self._run(session, reporter, providers, options)
        resolve_pending(run, forget_creates=options.clear_pending_creates, created=options.import_pending_creates)
        if refresh:
            refresh_all(run)
            reporter.changes.clear()
        error = run.error()
        snapshot = run.ledger.snapshot()
        if session.preview:
            session.snapshot = snapshot
        else:
            session.save(snapshot)
        if error is not None:
            raise error


def _keep(
    session: Session,
    ledger: Ledger | None,
    kind: UpdateKind,
    started: float,
    message: str,
    reporter: Reporter,
    *,
    succeeded: bool,
) -> CaramlError | None:
    """Save the state and record the operation. That this failed is told beside how the operation went."""
    try:
        if ledger is not None:
            session.save(ledger.close())
        session.record(kind, started, message, succeeded=succeeded, changes=reporter.changes)
    except CaramlError as error:
        if error.exit_code != FAILED:
            return error
        fix = f"{error.fix}; what was done until then is in the journal, which the next up, refresh or destroy reads"
        return CaramlError(f"the state is not saved: {error.what}", where=error.where, fix=fix)
    return None


def _run_program(session: Session, run: Run, policies: PolicyChecks, rules: Sequence[ChangeRule]) -> Properties | None:
    from caraml_pulumi.engine.log import EngineLog
    from caraml_pulumi.engine.monitor import Monitor
    from caraml_pulumi.engine.program import run_program

    deployment = Deployment(run, dict(session.config), policies, rules)
    conclude = Once(lambda: _conclude(session, run, deployment, policies))
    monitor = Monitor(deployment, session.plain_config, session.secret_keys, conclude)
    try:
        run_program(
            session.target.project,
            session.target.stack,
            config=session.plain_config,
            secret_keys=session.secret_keys,
            monitor=monitor,
            engine=EngineLog(run.reporter),
            reporter=run.reporter,
            preview=run.preview,
            parallel=run.parallel,
        )
    except CaramlError as error:
        if run.fault is not None:
            raise run.fault from None
        if error not in run.errors and not isinstance(error, StoppedError):
            run.fail(error)
    finally:
        monitor.close()
    conclude()
    return deployment.outputs


def _conclude(session: Session, run: Run, deployment: Deployment, policies: PolicyChecks) -> None:
    """What follows the program's last registration; a program that has not failed still answers its hooks."""
    try:
        policies.settle()
    except CaramlError as error:
        run.fail(error)
    deployment.components.finish(succeeded=not run.stopped)
    if not run.stopped:
        _finish(session, run, deployment, policies)
    run.callbacks.close()


def _finish(session: Session, run: Run, deployment: Deployment, policies: PolicyChecks) -> None:
    """Judge the stack, and delete what is not registered any more; a preview shows that whatever policies forbid."""
    try:
        run.scope.require_known()
        policies.check_stack(deployment.news.values())
        if run.preview and any(contains_secret((item.inputs, item.outputs)) for item in deployment.news.values()):
            session.crypter.prepare()
    except CaramlError as error:
        run.fail(error)
        return
    delete_all(run, _selected(run, deployment.unregistered()))
    if run.preview and (violated := policies.error()):
        run.fail(violated)


def _refresh(session: Session, run: Run) -> Properties | None:
    run.scope.require_known()
    refresh_all(run)
    return run.ledger.snapshot().outputs


def _destroy(session: Session, run: Run) -> Properties | None:
    run.scope.require_known()
    chosen = _selected(run, run.ledger.base.resources)
    refuse_hooks(chosen)
    delete_all(run, chosen)
    return None


def _selected(run: Run, resources: list[ResourceState]) -> list[ResourceState]:
    """Those of `resources` that may be deleted. If more than the user named would have to go, nothing is."""
    chosen, refusals = run.scope.deleted(resources)
    for refusal in refusals:
        run.fail(refusal)
    return [] if refusals else chosen


def _shown(value: str | Secret) -> str:
    return "[secret]" if isinstance(value, Secret) else value


@contextlib.contextmanager
def _policies(session: Session, run: Run, options: Options) -> Iterator[PolicyChecks]:
    """The policy packs: they start while the program does, and are ended with the run."""
    with contextlib.ExitStack() as stack:
        packs = []
        for path, config in zip_longest(options.policy_packs, options.policy_pack_configs):
            from caraml_pulumi.engine.policies import PolicyPack
            from caraml_pulumi.engine.policies.evidence import evidence

            target = session.target
            before = stack.enter_context(session.backend.checkpoint_file(target.project.name, target.stack))
            pack = PolicyPack(
                path,
                config,
                project=target.project.name,
                stack=target.stack,
                preview=session.preview,
                config=session.config,
                on_line=lambda line: run.reporter.diagnostic("info", line),
                on_not_applicable=lambda found: run.reporter.policy_not_applicable(found.event()),
                environment=evidence(before if session.snapshot.resources else None, target.project.stack_config_dir),
            )
            stack.callback(pack.close)
            packs.append(pack)
        yield PolicyChecks(packs, run.reporter, preview=run.preview)
        run.packs |= {pack.name: pack.version for pack in packs}
        run.rules |= {pack.name: pack.rules for pack in packs}


def _factories(session: Session, options: Options, reporter: Reporter) -> dict[str, Factory]:
    """The providers that the embedded engine has, by package; each is imported when it is first needed."""

    def kubernetes(inputs: Properties) -> Provider:
        from caraml_pulumi.engine.providers.kubernetes.provider import KubernetesProvider

        return KubernetesProvider(inputs, render=options.render)

    def python(inputs: Properties) -> Provider:
        from caraml_pulumi.engine.log import EngineLog
        from caraml_pulumi.engine.providers.dynamic import DynamicProvider

        return DynamicProvider(
            session.target.project,
            session.config,
            on_line=lambda line: reporter.diagnostic("info", line),
            log=EngineLog(reporter).Log,
        )

    def stacks(inputs: Properties) -> Provider:
        from caraml_pulumi.engine.providers.stack_reference import StackReferenceProvider

        return StackReferenceProvider(session.backend)

    def hosted(name: str, directory: Path, inputs: Properties) -> Provider:
        from caraml_pulumi.engine.log import EngineLog
        from caraml_pulumi.engine.policies.evidence import STACK_FILES
        from caraml_pulumi.engine.providers.hosted import HostedProvider
        from caraml_pulumi.engine.providers.package import load_package

        return HostedProvider(
            name,
            load_package(directory, str(session.target.project.file)),
            inputs,
            on_line=lambda line: reporter.diagnostic("info", line),
            log=EngineLog(reporter).Log,
            environment={STACK_FILES: str(session.target.project.stack_config_dir.absolute())},
        )

    packages = {name: partial(hosted, name, path) for name, path in session.target.project.packages.items()}
    return {"kubernetes": kubernetes, "pulumi-python": python, "pulumi": stacks, **packages}
