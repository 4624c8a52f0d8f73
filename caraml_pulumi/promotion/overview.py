"""Which versions of which models are in which environment, as the stacks of a project have recorded it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from caraml_pulumi.engine.state.snapshot import Snapshot
from caraml_pulumi.model.promotion import digest_of
from caraml_pulumi.model.release import PromotedFrom, ReleaseVersion
from caraml_pulumi.promotion.artifacts import tree_digest
from caraml_pulumi.releases.recorded import recorded_releases


@dataclass(frozen=True, slots=True)
class ReleasedVersion:
    """A version of a model in an environment."""

    stack: str
    environment: str
    project: str
    model: str
    version: ReleaseVersion
    weight: int | None
    """Percent of the requests to the model's endpoint; None where it gets none of its default route."""
    promoted_from: PromotedFrom | None
    """Where its release was promoted from."""

    @property
    def image_digest(self) -> str:
        """The digest of its image; empty where only a tag is known."""
        return digest_of(str(self.version.image))

    @property
    def artifact_digest(self) -> str:
        """The digest of its artifact; empty where it has none, or its URI names none."""
        return tree_digest(str(self.version.storage_uri or ""))

    def props(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "project": self.project,
            "model": self.model,
            "version": self.version.version,
            "stack": self.stack,
            "environment": self.environment,
            "stopped": self.version.stopped,
            "weight": self.weight,
            "image": self.version.image,
            "imageDigest": self.image_digest,
            "storageUri": self.version.storage_uri,
            "artifactDigest": self.artifact_digest,
            "promotedFrom": self.promoted_from.props() if self.promoted_from else None,
        }


def released_versions(states: Iterable[tuple[str, Snapshot]], model: str | None = None) -> list[ReleasedVersion]:
    """The versions in the states of stacks, by model, stack and version; of ``[PROJECT/]MODEL`` if that is named.

    Raises `CaramlError` for a recorded release that breaks a rule of today.
    """
    found = [one for stack, state in states for one in _of_stack(stack, state, model)]
    return sorted(found, key=lambda one: (one.model, one.project, one.stack, one.version.version))


def _of_stack(stack: str, state: Snapshot, model: str | None) -> Iterator[ReleasedVersion]:
    for recorded in recorded_releases(state):
        if model not in (None, recorded.name, recorded.model):
            continue
        spec = recorded.spec()
        weights = {share.version: share.weight for share in spec.endpoint.traffic} if spec.endpoint else {}
        for version in spec.versions:
            yield ReleasedVersion(
                stack,
                recorded.environment,
                spec.project,
                spec.model,
                version,
                weights.get(version.version),
                spec.promoted_from,
            )
