"""What a promotion comes to: the release file of the target, its provenance, and the artifacts that have to move."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caraml_pulumi.engine.api import Target
from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.artifact_store import ArtifactStore
from caraml_pulumi.model.release import PromotedFrom, ReleaseSpec
from caraml_pulumi.promotion.artifacts import Artifact, promoted_artifacts
from caraml_pulumi.promotion.document import Choice, Environments, own_settings, promoted_release
from caraml_pulumi.promotion.projects import target_project
from caraml_pulumi.promotion.provenance import base_release, kept_provenance, provenance, releases_of
from caraml_pulumi.promotion.secrets import keys_in_cluster, needed_secrets, secrets_are_there
from caraml_pulumi.promotion.source import find_recorded, prove
from caraml_pulumi.promotion.stacks import (
    artifact_store,
    current,
    no_rollout_is_open,
    read_environment,
    settled_state,
)
from caraml_pulumi.releases.file import ReleaseFile, read_release_file, release_path, release_text
from caraml_pulumi.releases.held import hold_release
from caraml_pulumi.stack_files import RELEASES
from caraml_pulumi.stack_files.document import Document


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
    document, state = settled_state(backend, source)
    recorded = find_recorded(state, model, source.stack)
    proven = prove(document, state, recorded, choice, source.stack)
    origin = provenance(backend, source, proven.environment)
    settled_state(backend, source)
    platform, projects = read_environment(target)
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
    base = base_release(backend, source, proven, file)
    there = file.spec.declared() if file else None
    among = Environments(proven.declared, there, base, proven.environment, platform.environment, there_project)
    release = promoted_release(among, proven.numbers, choice)
    stores = artifact_store(source), artifact_store(target)
    artifacts = promoted_artifacts(
        [one for one in release["versions"] if one["version"] in proven.numbers],
        there["versions"] if there else [],
        stores[1].bucket,
    )
    own = own_settings(proven.declared, release, proven.numbers)
    release = {**release, "versions": [_moved(one, artifacts) for one in release["versions"]]}
    promoted_from = kept_provenance(release, file, proven.environment) or origin
    release["promotedFrom"] = promoted_from.declared()
    spec = hold_release(release, f"{path} after the promotion", platform, projects)
    target_backend = open_backend(target.backend_url)
    target_document, target_state = current(target_backend, target)
    if file and file.spec.endpoint:
        weights = {share.version: share.weight for share in file.spec.endpoint.traffic}
        no_rollout_is_open(target_backend, target, weights, file.spec.project, file.spec.model)
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
        deployed=any(one.spec().declared() == spec.declared() for one in releases_of(target_state, spec)),
        provenance=promoted_from,
        artifacts=artifacts,
        stores=stores,
        own=own,
        status=proven.status,
    )


def _moved(version: Mapping[str, Any], artifacts: Sequence[Artifact]) -> dict[str, Any]:
    """A version with its artifact where it will be."""
    found = next((one for one in artifacts if one.version == version["version"]), None)
    return {**version, "storageUri": found.promoted_uri} if found else dict(version)


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
