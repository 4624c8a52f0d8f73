"""The release that `caraml rollback` restores: whether it can be deployed today, and where its file is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from caraml_pulumi.engine.api import Target
from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.engine.values import same
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.history.components import components_of
from caraml_pulumi.history.document import ordered
from caraml_pulumi.history.models import ModelName, ModelState, agree, models
from caraml_pulumi.history.restore import keeping, last_other, leaving, recorded_release, returning
from caraml_pulumi.history.updates import LATEST, StackHistory, Update
from caraml_pulumi.model.artifact_store import ARTIFACTS_KEY, ArtifactStore, parse_artifact_store
from caraml_pulumi.model.artifacts import s3_location
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.promotion.secrets import keys_in_cluster, needed_secrets, secrets_are_there
from caraml_pulumi.releases.file import release_path, release_text
from caraml_pulumi.releases.held import hold_release
from caraml_pulumi.stack_files import RELEASES, read_settings
from caraml_pulumi.stack_files.configuration import read_configuration
from caraml_pulumi.status.state import current_state

_DIGEST: Final = "@sha256:"


@dataclass(frozen=True, slots=True)
class Rollback:
    """A rollback that keeps every rule."""

    target: Target
    name: ModelName
    update: Update
    """What is gone back to."""
    newest: Update
    current: ModelState | None
    """The model as the stack has it."""
    wanted: ModelState
    """The model as the update left it, with the release as it is to be."""
    options: str
    """The options of the command that decide about `wanted`."""
    leaving: Sequence[int]
    """The versions that get requests now and go."""
    spec: ReleaseSpec
    path: Path
    """The release file."""
    before: str | None
    """What it says; None if there is none."""
    after: str
    """What it is to say."""
    interrupted: bool
    """Whether an update of the stack was killed."""
    evidence: bytes | None
    """The checkpoint that the update left, for rules about what was deployed before; None if it failed."""
    doubts: Sequence[str]
    """What may not come back as it was."""

    @property
    def is_done(self) -> bool:
        """Whether the release is deployed, and its file says so, already."""
        deployed = self.current is not None and same(self.current.release, self.wanted.release)
        return deployed and self.before == self.after and self.newest.succeeded and not self.interrupted

    @property
    def message(self) -> str:
        """The message of the update: ``rollback of iris-team/iris to update 9``."""
        return f"rollback of {self.name} to update {self.update.version}"

    def is_applied(self) -> bool:
        """Whether the model in the state is another than when the rollback was planned."""
        found, interrupted = deployed(self.target, self.name)
        return not agree(found, self.current) or (interrupted and not self.interrupted)


def plan_rollback(target: Target, model: str, to: str | None, *, force: bool, keep_versions: bool) -> Rollback:
    """What restoring the release of a model, ``[PROJECT/]MODEL``, comes to. Changes nothing.

    Raises:
        CaramlError: no update is meant, it left no release that can be restored, or that breaks a rule of today.
    """
    history = StackHistory(open_backend(target.backend_url), target.project.name, target.stack)
    name = history.model(model)
    current, interrupted = deployed(target, name)
    version = last_other(history, name, current) if to is None else history.number(to)
    declared = recorded_release(history, name, version, force=force)
    left = [] if keep_versions else leaving(declared, current)
    declared = ordered(keeping(declared, current) if keep_versions else declared)
    configuration = read_configuration(target.project.stack_config_dir, target.stack)
    platform, projects = read_settings(target.project.stack_config_dir, target.stack, configuration.layers[0].values)
    spec = hold_release(declared, f"the release of {name} in update {version}", platform, projects)
    path = release_path(target.project.stack_config_dir / RELEASES / platform.environment, name.project, name.model)
    _secrets_are_there(target, spec, projects[name.project].secrets, platform.environment)
    wanted = replace(history.models(version)[name], release=declared)
    store = parse_artifact_store(
        configuration.values.get(ARTIFACTS_KEY), locate=lambda at: configuration.locate((ARTIFACTS_KEY, *at))
    )
    doubts = list(_doubts_of_artifacts(returning(current, wanted, "storageUri"), store))
    update = history.update(version)
    return Rollback(
        target,
        name,
        update,
        history.update(history.number(LATEST)),
        current,
        wanted,
        " --keep-versions" * keep_versions + " --force" * force,
        left,
        spec,
        path,
        path.read_text("utf-8") if path.exists() else None,
        release_text(path, declared),
        interrupted,
        history.checkpoint(version) if update.succeeded else None,
        [*_doubts_of_images(returning(current, wanted, "image")), *doubts],
    )


def deployed(target: Target, name: ModelName) -> tuple[ModelState | None, bool]:
    """The model as the stack's checkpoint has it, and whether an update was killed after that."""
    backend, stack = open_backend(target.backend_url), (target.project.name, target.stack)
    document = backend.load(*stack)
    found = models(components_of(document)) if document else {}
    return found.get(name), backend.journal(*stack).exists()


def _secrets_are_there(
    target: Target, release: ReleaseSpec, declared: Mapping[str, Mapping[str, Any]], environment: str
) -> None:
    """Refuse a release whose Secrets are gone."""
    document = open_backend(target.backend_url).load(target.project.name, target.stack) or {}
    secrets_are_there(
        needed_secrets(release, [version.version for version in release.versions]),
        {name: set(keys) for name, keys in declared.items()},
        lambda name: keys_in_cluster(document, current_state(document), release.project, name),
        project=release.project,
        environment=environment,
    )


def _doubts_of_images(images: Iterable[tuple[int, str]]) -> Iterator[str]:
    """What may have become of images that are named by a tag."""
    for version, image in images:
        if _DIGEST not in image:
            yield f"version {version} gets the image {image}, whose tag may name something else by now"


def _doubts_of_artifacts(uris: Iterable[tuple[int, str]], store: ArtifactStore) -> Iterator[str]:
    """What is not known of the artifacts in buckets. Raises `CaramlError` for one that is gone."""
    from caraml_pulumi.artifacts.client import Endpoint
    from caraml_pulumi.artifacts.presence import is_there

    endpoint = Endpoint(url=store.endpoint or "", region=store.region or "", profile=store.profile or "")
    for version, uri in uris:
        if not uri.startswith("s3://"):
            continue
        try:
            there = is_there(endpoint, s3_location(uri.rstrip("/")))
        except CaramlError as error:
            yield f"it is not known whether the artifact of version {version} is still at {uri}: {error.what}"
            continue
        if not there:
            raise CaramlError(
                f"the artifact of version {version} is gone: nothing is at {uri}",
                fix="upload it there again (caraml artifact push), or name another update",
            )
