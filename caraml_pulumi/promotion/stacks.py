"""What is read of the two stacks of a promotion: their states and their settings."""

from collections.abc import Mapping
from typing import Any, Final

from caraml_pulumi.engine.api import Target
from caraml_pulumi.engine.state.backend import Backend
from caraml_pulumi.engine.state.config import load_stack_config
from caraml_pulumi.engine.state.snapshot import Snapshot
from caraml_pulumi.errors import LOCKED, CaramlError
from caraml_pulumi.model.artifact_store import ARTIFACTS_KEY, ArtifactStore, parse_artifact_store
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.project import ModelProjectSpec
from caraml_pulumi.model.spec import did_you_mean
from caraml_pulumi.rollout.record import latest_record
from caraml_pulumi.stack_files import read_settings
from caraml_pulumi.stack_files.configuration import environments, read_configuration
from caraml_pulumi.stack_files.document import Document
from caraml_pulumi.status.state import current_state

PROMOTE: Final = "promote"
"""What a lock says that is held while a promotion is planned."""
_SEARCHED: Final = 200
"""How many of the last updates are searched for a rollout."""


def settled_state(backend: Backend, source: Target) -> tuple[Mapping[str, Any], Snapshot]:
    """The checkpoint of the source and its state, if no update of it is under way or was interrupted."""
    locks = [lock for lock in backend.locks(source.project.name, source.stack) if not lock.ended]
    if working := [lock for lock in locks if lock.command != PROMOTE]:
        raise CaramlError(
            f"an update of {source.stack} is under way: {working[0]}",
            where=working[0].place,
            fix="wait until it ends, then promote what it has deployed",
            exit_code=LOCKED,
        )
    if backend.journal(source.project.name, source.stack).exists():
        raise CaramlError(
            f"an update of {source.stack} was interrupted, so what is deployed there is not settled",
            fix=f"end it first: caraml up --stack {source.stack}",
        )
    document, state = current(backend, source)
    if not document:
        known = ", ".join(name.stack for name in backend.list_stacks(source.project.name))
        raise CaramlError(
            f"there is no stack {source.stack!r} of the project {source.project.name!r}",
            where=backend.shown_url,
            allowed=known,
            fix=f"deploy the model there first: caraml up --stack {source.stack}",
        )
    return document, state


def current(backend: Backend, target: Target) -> tuple[Mapping[str, Any], Snapshot]:
    """The checkpoint of a stack and its state; both empty if there is no such stack."""
    document = backend.load(target.project.name, target.stack)
    return (document, current_state(document)) if document else ({}, Snapshot())


def read_environment(target: Target) -> tuple[PlatformSpec, Mapping[str, ModelProjectSpec]]:
    """Platform and projects as the files of a stack say, their secrets unread."""
    directory = target.project.stack_config_dir
    if target.stack not in (known := environments(directory)):
        raise CaramlError(
            f"there is no environment {target.stack!r} to promote to",
            where=str(directory),
            allowed=", ".join(known),
            fix=did_you_mean(target.stack, known) or f"add {directory}/Pulumi.{target.stack}.yaml",
        )
    return read_settings(directory, target.stack, read_configuration(directory, target.stack).layers[0].values)


def artifact_store(target: Target) -> ArtifactStore:
    """Where an environment keeps its artifacts, as its configuration says."""
    path = load_stack_config(target.project, target.stack).path
    if not path.exists():
        return ArtifactStore()
    document = Document(path)
    return parse_artifact_store(document.value("config", ARTIFACTS_KEY), locate=document.under("config", ARTIFACTS_KEY))


def no_rollout_is_open(backend: Backend, target: Target, weights: Mapping[int, int], project: str, model: str) -> None:
    """Refuse to promote to a model whose requests a rollout is moving; `weights` are those in its release file."""
    record = latest_record(backend.history(target.project.name, target.stack, _SEARCHED), project, model)
    if record and record.is_open and record.percent and weights.get(record.to) == record.percent:
        again = f"caraml rollout {project}/{model} --to {record.to} --stack {target.stack}"
        raise CaramlError(
            f"a rollout of {project}/{model} to version {record.to} is not finished in {target.stack}",
            fix=f"go on with it: {again}; or give it up: add --abort",
        )
