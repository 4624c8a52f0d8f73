"""A stack opened for one operation: its configuration, its state, and where changes are written."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from caraml_pulumi.engine.api import Target
from caraml_pulumi.engine.ledger import Ledger, replay
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.state.backend import Backend, open_backend
from caraml_pulumi.engine.state.config import ConfigValue, StackConfig, load_stack_config
from caraml_pulumi.engine.state.history import UpdateKind, default_message, history_entry, update_environment
from caraml_pulumi.engine.state.journal import saved_at
from caraml_pulumi.engine.state.names import StackName
from caraml_pulumi.engine.state.resources import resource_from_json, resource_to_json
from caraml_pulumi.engine.state.secrets import PassphraseCrypter, keep_salt, open_crypter
from caraml_pulumi.engine.state.snapshot import Snapshot, snapshot_from_json, snapshot_to_json
from caraml_pulumi.engine.values import Secret
from caraml_pulumi.errors import LOCKED, CaramlError


@dataclass(slots=True)
class Session:
    """An open stack. `ledger` writes to the journal unless the operation is a preview.

    `held` says whether the stack's lock is still there; `saved_at` is the time of the checkpoint that was read, or
    written since.
    """

    target: Target
    backend: Backend
    stack_config: StackConfig
    crypter: PassphraseCrypter
    config: dict[str, ConfigValue]
    snapshot: Snapshot
    preview: bool
    held: Callable[[], bool]
    saved_at: str | None
    _salt_lock: Lock = field(default_factory=Lock)

    @property
    def plain_config(self) -> dict[str, str]:
        """The configuration as a program gets it."""
        return {key: value.value if isinstance(value, Secret) else value for key, value in self.config.items()}

    @property
    def secret_keys(self) -> list[str]:
        """The keys whose values are secrets."""
        return [key for key, value in self.config.items() if isinstance(value, Secret)]

    def ledger(self) -> Ledger:
        """A ledger over the state as it is now."""
        if self.preview:
            return Ledger(self.snapshot)
        journal = self.backend.journal(self.target.project.name, self.target.stack)
        return Ledger(self.snapshot, journal.append, self._encoded, journal.flush)

    def _encoded(self, resource: ResourceState) -> dict[str, Any]:
        document = resource_to_json(resource, self.crypter)
        self._keep_salt()
        return document

    def _keep_salt(self) -> None:
        """Write the salt of the stack's first secret where Pulumi looks for it, before anything depends on it."""
        if self.stack_config.salt is None and self.crypter.provider is not None:
            with self._salt_lock:
                keep_salt(self.stack_config, self.crypter)

    def save(self, snapshot: Snapshot) -> dict[str, Any]:
        """Write the checkpoint; what the journal holds is then part of it. Returns the document.

        Raises:
            CaramlError: the stack's lock was removed, and another run has gone on.
        """
        project, stack = self.target.project.name, self.target.stack
        if not self.held():
            self._refuse_to_overwrite()
        document = snapshot_to_json(snapshot, self.crypter, StackName(project, stack))
        self._keep_salt()
        journal = self.backend.journal(project, stack)
        journal.close(document)
        self.backend.save(project, stack, document)
        journal.clear()
        self.snapshot, self.saved_at = snapshot, saved_at(document)
        return document

    def _refuse_to_overwrite(self) -> None:
        project, stack = self.target.project.name, self.target.stack
        found = self.backend.load(project, stack)
        if self.backend.locks(project, stack) or found is None or saved_at(found) != self.saved_at:
            raise CaramlError(
                f"the lock on the stack {stack} was removed and another run went on, so this one's state is not saved",
                where=self.backend.shown_url,
                fix="when the other run has ended: caraml up --refresh; look for what this run made besides",
                exit_code=LOCKED,
            )

    def record(
        self, kind: UpdateKind, started: float, message: str, *, succeeded: bool, changes: Mapping[str, int]
    ) -> None:
        """Add the operation that has ended to the stack's history."""
        project, stack = self.target.project, self.target.stack
        environment = update_environment(project.root)
        entry = history_entry(
            kind,
            datetime.fromtimestamp(started, UTC),
            datetime.fromtimestamp(time.time(), UTC),
            message or default_message(environment),
            "succeeded" if succeeded else "failed",
            self.stack_config.recorded(),
            changes,
            environment,
        )
        document = snapshot_to_json(self.snapshot, self.crypter, StackName(project.name, stack))
        self.backend.add_history(project.name, stack, entry, document)


@contextmanager
def open_session(target: Target, kind: UpdateKind, *, preview: bool) -> Iterator[Session]:
    """Open a stack, locked unless for a preview.

    What a killed run left in the journal is made part of the state first.

    Raises:
        CaramlError: the stack is locked, its configuration or state is not right, or the passphrase is missing or
            wrong.
    """
    project, stack = target.project.name, target.stack
    backend = open_backend(target.backend_url)
    missing = backend.load(project, stack) is None
    if kind != "update" and missing and not backend.journal(project, stack).exists():
        raise CaramlError(
            f"there is no stack {stack!r} of the project {project!r}",
            where=backend.shown_url,
            allowed=", ".join(name.stack for name in backend.list_stacks(project)),
            fix=f"make it: caraml up --stack {stack}",
        )
    if preview:
        yield _opened(target, backend, lambda: True, preview=True)
        return
    with backend.lock(project, stack, kind) as held:
        if missing and backend.load(project, stack) is None:  # another run may have made it since
            backend.create(project, stack)
        session = _opened(target, backend, held, preview=False)
        backend.backup(project, stack)
        journal = backend.journal(project, stack)
        if journal.exists():
            session.save(session.snapshot)
        yield session


def _opened(target: Target, backend: Backend, held: Callable[[], bool], *, preview: bool) -> Session:
    project, stack = target.project, target.stack
    document = backend.load(project.name, stack)
    stack_config = load_stack_config(project, stack)
    crypter = open_crypter(stack_config, document)
    config = stack_config.values(crypter)
    snapshot = snapshot_from_json(document, crypter) if document is not None else Snapshot()
    if records := backend.journal(project.name, stack).read(document):
        snapshot = replay(snapshot, records, lambda record: resource_from_json(record, crypter))
    saved = saved_at(document) if document is not None else None
    return Session(target, backend, stack_config, crypter, config, snapshot, preview, held, saved)
