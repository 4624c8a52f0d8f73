"""Where the artifacts of promoted versions are, and where they go: a tree keeps its digest, its bucket changes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caraml_pulumi.model.artifact_store import ArtifactStore
from caraml_pulumi.model.artifacts import s3_location
from caraml_pulumi.promotion.settings import Settings

if TYPE_CHECKING:
    from caraml_pulumi.artifacts.progress import Progress
    from caraml_pulumi.artifacts.store import Store
    from caraml_pulumi.artifacts.upload import Pushed

_TREE: Final = re.compile(r"s3://(?P<place>[^/]+/.+)/(?P<digest>[0-9a-f]{64})/?")
"""The URI of a tree that a ModelArtifact or `caraml artifact push` has uploaded."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """The artifact of a promoted version."""

    version: int
    uri: str
    """Where it is."""
    promoted_uri: str
    """Where it is for the target; the same if it stays."""
    digest: str
    """The SHA-256 of its files; empty where its URI names none, so that what it holds may change."""

    @property
    def moves(self) -> bool:
        """Whether it is copied."""
        return self.uri != self.promoted_uri

    def props(self) -> dict[str, object]:
        """As JSON has it."""
        return {"version": self.version, "from": self.uri, "to": self.promoted_uri, "digest": self.digest}


def promoted_artifacts(versions: Iterable[Settings], there: Iterable[Settings], bucket: str | None) -> list[Artifact]:
    """The artifacts of `versions`, and where each goes.

    That is under `bucket`, which the target's configuration names, else where an artifact of `there`, the versions of
    the target, is already; else it stays where it is, as one does whose URI names no digest.
    """
    places = [found["place"] for one in there if (found := _TREE.fullmatch(one.get("storageUri") or ""))]
    artifacts = []
    for version in versions:
        if uri := version.get("storageUri"):
            found = _TREE.fullmatch(uri)
            digest = found["digest"] if found else ""
            place = _destination(found["place"], bucket, places) if found else ""
            target = f"s3://{place}/{digest}" if found else uri
            artifacts.append(Artifact(version["version"], uri.rstrip("/") if found else uri, target, digest))
    return artifacts


def tree_digest(uri: str) -> str:
    """The digest that the URI of a tree names; empty for any other URI."""
    found = _TREE.fullmatch(uri)
    return found["digest"] if found else ""


def can_be_copied(artifact: Artifact, source: ArtifactStore, target: ArtifactStore) -> None:
    """Look whether an artifact that moves is complete, and its bucket there. Raises `CaramlError`."""
    from caraml_pulumi.artifacts.copying import whole_tree

    origin, place = _stores(artifact, source, target)
    whole_tree(origin, artifact.digest)
    place.sizes(artifact.digest)


def copy_artifact(artifact: Artifact, source: ArtifactStore, target: ArtifactStore, progress: "Progress") -> "Pushed":
    """Copy an artifact that moves. Raises `CaramlError` if it is not complete, or S3 fails; again continues."""
    from caraml_pulumi.artifacts.copying import copy_tree

    origin, place = _stores(artifact, source, target)
    return copy_tree(origin, place, artifact.digest, progress)


def _stores(artifact: Artifact, source: ArtifactStore, target: ArtifactStore) -> "tuple[Store, Store]":
    """Where an artifact is, and where it goes."""
    from caraml_pulumi.artifacts.client import Endpoint
    from caraml_pulumi.artifacts.store import Store

    def store(settings: ArtifactStore, uri: str) -> Store:
        named = settings.endpoint or "", settings.region or "", settings.profile or ""
        return Store(Endpoint(url=named[0], region=named[1], profile=named[2]), s3_location(uri.rpartition("/")[0]))

    return store(source, artifact.uri), store(target, artifact.promoted_uri)


def _destination(place: str, bucket: str | None, places: list[str]) -> str:
    if bucket:
        return s3_location(bucket).child(place.rpartition("/")[2]).uri.removeprefix("s3://")
    return places[-1] if places else place
