"""What a promotion comes to: the release file of the target, its provenance, and the artifacts that have to move."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from caraml_pulumi.engine.api import Target
from caraml_pulumi.engine.state.backend import Backend, open_backend
from caraml_pulumi.engine.state.config import load_stack_config
from caraml_pulumi.engine.state.history import author, update_environment
from caraml_pulumi.engine.state.snapshot import Snapshot
from caraml_pulumi.errors import LOCKED, CaramlError
from caraml_pulumi.model.artifact_store import ARTIFACTS_KEY, ArtifactStore, parse_artifact_store
from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.project import ModelProjectSpec, find_project
from caraml_pulumi.model.release import PromotedFrom, ReleaseSpec, plan_release
from caraml_pulumi.model.spec import did_you_mean, dotted, located, parse, within
from caraml_pulumi.promotion.artifacts import Artifact, promoted_artifacts
from caraml_pulumi.promotion.document import Choice, Environments, own_settings, promoted_release
from caraml_pulumi.promotion.projects import target_project
from caraml_pulumi.promotion.secrets import keys_in_cluster, needed_secrets, secrets_are_there
from caraml_pulumi.promotion.source import Proven, find_recorded, prove
from caraml_pulumi.releases.file import ReleaseFile, read_release_file, release_path, release_text
from caraml_pulumi.releases.recorded import recorded_releases
from caraml_pulumi.stack_files import RELEASES, read_settings
from caraml_pulumi.stack_files.configuration import environments, read_configuration
from caraml_pulumi.stack_files.document import Document
from caraml_pulumi.status.state import current_state

PROMOTE: Final = "promote"
"""What a lock says that is held while a promotion is planned."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A promotion that keeps every rule."""

    source: Target
    target: Target
    spec: ReleaseSpec
    """The release of the target as it is to be."""
    source_environment: str
    target_environment: str
    numbers: Sequence[int]
    """The versions that are promoted."""
    path: Path
    """The release file of the target."""
    before: str | None
    """What it says; None if there is none."""
    after: str
    """What it is to say."""
    deployed: bool
    """Whether the target's stack has deployed just that."""
    provenance: PromotedFrom
    artifacts: Sequence[Artifact]
    stores: tuple[ArtifactStore, ArtifactStore]
    """Those of the source and of the target."""
    own: Sequence[str]
    """Settings that the target says otherwise than the source."""
    status: Mapping[str, Any]
    """What `caraml status --json` says of the source."""

    @property
    def name(self) -> str:
        """``{project}/{model}``."""
        return f"{self.spec.project}/{self.spec.model}"

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to do."""
        return self.before == self.after and self.deployed

    @property
    def versions(self) -> str:
        """The versions in words: ``version 2``, ``versions 2 and 3``."""
        return f"version{'s' if len(self.numbers) > 1 else ''} {' and '.join(map(str, self.numbers))}"

    @property
    def origin(self) -> str:
        """Where it comes from: ``dev (update 12, 1f2e3d4)``."""
        known = [f"update {self.provenance.update}"] if self.provenance.update else []
        known += [self.provenance.commit[:7]] if self.provenance.commit else []
        return f"{self.source_environment} ({', '.join(known)})" if known else self.source_environment

    @property
    def message(self) -> str:
        """The message of the update: ``promote iris-team/iris version 2 from dev (update 12, 1f2e3d4)``."""
        return f"promote {self.name} {self.versions} from {self.origin}"


def plan_promotion(source: Target, target: Target, model: str, choice: Choice, project: str | None = None) -> Plan:
    """What promoting a model, ``[PROJECT/]MODEL``, from one stack to another comes to. Changes nothing.

    `project` is that of the target, if it is not to be found by `target_project`.

    Raises:
        CaramlError: the model is not deployed in the source, or not healthy; a digest is not known; a rule of the
            target would be broken; or an update of one of the stacks is under way.
    """
    backend = open_backend(source.backend_url)
    document, state = _settled(backend, source)
    recorded = find_recorded(state, model, source.stack)
    proven = prove(document, state, recorded, choice, source.stack)
    provenance = _provenance(backend, source, proven.environment)
    _settled(backend, source)
    platform, projects = _settings(target)
    if proven.environment == platform.environment:
        raise CaramlError(
            f"both stacks are of the environment {platform.environment}",
            where=f"{source.stack}, {target.stack}",
            fix="name stacks of two environments with --from and --to",
        )
    directory = target.project.stack_config_dir / RELEASES / platform.environment
    there_project = target_project(
        proven.spec.project,
        project,
        projects,
        source_environment=proven.environment,
        target_environment=platform.environment,
    )
    path = release_path(directory, there_project, proven.spec.model)
    file = read_release_file(path) if path.exists() else None
    base = _base(backend, source, proven, file)
    there = file.spec.declared() if file else None
    among = Environments(proven.declared, there, base, proven.environment, platform.environment, there_project)
    release = promoted_release(among, proven.numbers, choice)
    stores = _store(source), _store(target)
    artifacts = promoted_artifacts(
        [one for one in release["versions"] if one["version"] in proven.numbers],
        there["versions"] if there else [],
        stores[1].bucket,
    )
    own = own_settings(proven.declared, release, proven.numbers)
    release = {**release, "versions": [_moved(one, artifacts) for one in release["versions"]]}
    promoted_from = _kept_provenance(release, file, proven.environment) or provenance
    release["promotedFrom"] = promoted_from.declared()
    spec = _held(release, path, platform, projects)
    target_document, target_state = _current(open_backend(target.backend_url), target)
    secrets_are_there(
        needed_secrets(spec, proven.numbers),
        {name: set(keys) for name, keys in projects[spec.project].secrets.items()},
        lambda name: keys_in_cluster(target_document, target_state, spec.project, name),
        project=spec.project,
        environment=platform.environment,
    )
    before = path.read_text("utf-8") if file else None
    unchanged = file is not None and file.spec.declared() == spec.declared()
    return Plan(
        source=source,
        target=target,
        spec=spec,
        source_environment=proven.environment,
        target_environment=platform.environment,
        numbers=proven.numbers,
        path=path,
        before=before,
        after=before if before is not None and unchanged else release_text(path, _as_written(release, file)),
        deployed=any(one.spec().declared() == spec.declared() for one in _of_model(target_state, spec)),
        provenance=promoted_from,
        artifacts=artifacts,
        stores=stores,
        own=own,
        status=proven.status,
    )


def _settled(backend: Backend, source: Target) -> tuple[Mapping[str, Any], Snapshot]:
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
    document, state = _current(backend, source)
    if not document:
        known = ", ".join(name.stack for name in backend.list_stacks(source.project.name))
        raise CaramlError(
            f"there is no stack {source.stack!r} of the project {source.project.name!r}",
            where=backend.url,
            allowed=known,
            fix=f"deploy the model there first: caraml up --stack {source.stack}",
        )
    return document, state


def _current(backend: Backend, target: Target) -> tuple[Mapping[str, Any], Snapshot]:
    """The checkpoint of a stack and its state; both empty if there is no such stack."""
    document = backend.load(target.project.name, target.stack)
    return (document, current_state(document)) if document else ({}, Snapshot())


def _provenance(backend: Backend, source: Target, environment: str) -> PromotedFrom:
    newest = next(iter(backend.history(source.project.name, source.stack, 1)), None)
    who = author({"environment": update_environment(source.project.root)})
    known = {"author": who, "commit": (newest or {}).get("environment", {}).get("git.head")}
    return PromotedFrom(
        environment=environment,
        time=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        **{name: value for name, value in known.items() if value},
        **({"update": newest["version"]} if newest else {}),
    )


def _base(backend: Backend, source: Target, proven: Proven, file: ReleaseFile | None) -> Mapping[str, Any] | None:
    """What was promoted to the target last, if that came from the source and its history still tells."""
    last = file.spec.promoted_from if file else None
    if last is None or last.environment != proven.environment or last.update is None:
        return None
    document = backend.recorded(source.project.name, source.stack, last.update)
    found = _of_model(current_state(document), proven.spec) if document else []
    return found[0].spec().declared() if found else None


def _of_model(state: Snapshot, spec: ReleaseSpec) -> list[Any]:
    return [one for one in recorded_releases(state) if (one.project, one.model) == (spec.project, spec.model)]


def _settings(target: Target) -> tuple[PlatformSpec, Mapping[str, ModelProjectSpec]]:
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


def _store(target: Target) -> ArtifactStore:
    """Where an environment keeps its artifacts, as its configuration says."""
    path = load_stack_config(target.project, target.stack).path
    if not path.exists():
        return ArtifactStore()
    document = Document(path)
    return parse_artifact_store(document.value("config", ARTIFACTS_KEY), locate=document.under("config", ARTIFACTS_KEY))


def _moved(version: Mapping[str, Any], artifacts: Sequence[Artifact]) -> dict[str, Any]:
    """A version with its artifact where it will be."""
    found = next((one for one in artifacts if one.version == version["version"]), None)
    return {**version, "storageUri": found.promoted_uri} if found else dict(version)


def _kept_provenance(release: Mapping[str, Any], file: ReleaseFile | None, environment: str) -> PromotedFrom | None:
    """Where the target's release comes from already, if it would say nothing else."""
    if file is None or file.spec.promoted_from is None or file.spec.promoted_from.environment != environment:
        return None
    there = {name: value for name, value in file.spec.declared().items() if name != "promotedFrom"}
    coming = parse(ReleaseSpec, {name: value for name, value in release.items() if name != "promotedFrom"})
    return file.spec.promoted_from if coming.declared() == there else None


def _as_written(release: Mapping[str, Any], file: ReleaseFile | None) -> dict[str, Any]:
    """A release whose versions and endpoint are in the file's own words where they stay as they are."""
    if file is None:
        return dict(release)
    data, declared = Document(file.path).data, file.spec.declared()
    words = {one["version"]: written for one, written in zip(declared["versions"], data["versions"], strict=True)}
    same = [one["version"] for one in release["versions"] if one in declared["versions"]]
    versions = [words[one["version"]] if one["version"] in same else one for one in release["versions"]]
    endpoint = "endpoint" in declared and release.get("endpoint") == declared["endpoint"]
    return {**release, "versions": versions, **({"endpoint": data["endpoint"]} if endpoint else {})}


def _held(
    release: Mapping[str, Any], path: Path, platform: PlatformSpec, projects: Mapping[str, ModelProjectSpec]
) -> ReleaseSpec:
    """The release, held to every rule of the target's environment and project."""

    def locate(at: tuple[str | int, ...]) -> str:
        return f"{path} after the promotion" + (f" ({dotted(at)})" if at else "")

    spec = parse(ReleaseSpec, release, locate=locate)
    with located(locate, release):
        with within("project"):
            project = find_project(spec.project, projects)
        plan_release(spec, platform, instance_types=project.instance_types)
    return spec
