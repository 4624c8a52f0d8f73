"""Buckets and uploaded models as Pulumi resources: dynamic providers, which run in a process beside the program's.

Pulumi keeps a reference to these classes in the state, not their code, and no credentials: these are looked up where
boto3 finds them when an operation runs. Programs and previews import this module too: operations alone import boto3.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pulumi.dynamic import (
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.runtime.rpc import UNKNOWN

from caraml_pulumi.artifacts.directory import hashed_directory
from caraml_pulumi.artifacts.progress import Progress
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.live_status import live_status
from caraml_pulumi.model.artifacts import s3_location

if TYPE_CHECKING:
    from caraml_pulumi.artifacts.bucket import Bucket
    from caraml_pulumi.artifacts.client import Endpoint
    from caraml_pulumi.artifacts.store import Store

Props = Mapping[str, Any]

_CONNECTION: Final = ("endpoint", "region", "profile")
_SETTINGS: Final = (
    "versioning",
    "encryption",
    "kmsKey",
    "blockPublicAccess",
    "noncurrentVersionExpirationDays",
    "abortIncompleteUploadDays",
    "tags",
)


class ArtifactError(Exception):
    """A `CaramlError` on one line, as both engines show what a dynamic provider raises."""

    __module__ = "builtins"  # they show the name with its module, unless it is this one

    def __init__(self, error: CaramlError) -> None:
        parts = (error.what, error.where, error.allowed and f"allowed: {error.allowed}", error.fix)
        super().__init__("; ".join(part for part in parts if part))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except CaramlError as error:
        raise ArtifactError(error) from None


class BucketProvider(ResourceProvider):
    """A bucket with its settings. The id is the bucket's name."""

    serialize_as_secret_always = False

    def diff(self, _id: str, olds: Props, news: Props) -> DiffResult:
        """Another bucket, endpoint or region is another resource; anything else is changed in place."""
        return _diff(
            olds, news, replaces=("bucket", "endpoint", "region"), watched=(*_SETTINGS, "profile", "forceDestroy")
        )

    def create(self, props: Props) -> CreateResult:
        """Make the bucket, or adopt it."""
        with _told():
            _bucket(props).create(_settings(props), adopt=props["adopt"])
        return CreateResult(props["bucket"], dict(props))

    def update(self, _id: str, olds: Props, news: Props) -> UpdateResult:
        """Change its settings."""
        with _told():
            _bucket(news).apply(_settings(news), _settings(olds))
        return UpdateResult(dict(news))

    def read(self, id_: str, props: Props) -> ReadResult:
        """Its settings as they are."""
        with _told():
            found = _bucket(props).read(_settings(props))
        now = {**props, **(found or {})}
        return ReadResult(None, {}) if found is None else ReadResult(id_, now, now)

    def delete(self, _id: str, props: Props) -> None:
        """Delete it, with all that is in it if that was asked for."""
        with _told():
            _bucket(props).delete(force=props["forceDestroy"])


class TreeProvider(ResourceProvider):
    """All trees of a model: an update uploads another one beside those before. The id is the URI of their place."""

    serialize_as_secret_always = False

    def diff(self, _id: str, olds: Props, news: Props) -> DiffResult:
        """Another place is another resource; another digest is an upload. Where the files come from does not matter."""
        return _diff(olds, news, replaces=("place", "endpoint"), watched=("digest", "region", "profile"))

    def create(self, props: Props) -> CreateResult:
        """Upload the directory."""
        return CreateResult(props["place"], _uploaded(props, [], live_status()))

    def update(self, _id: str, olds: Props, news: Props) -> UpdateResult:
        """Upload the directory if it is another one. What was there stays: versions deployed before may need it."""
        return UpdateResult(_uploaded(news, list(olds.get("digests", [])), live_status()))

    def read(self, id_: str, props: Props) -> ReadResult:
        """Whether the tree is complete. One that lacks files has no digest, so that the next update uploads them."""
        with _told():
            store = _store(props)
            tree = store.manifest(props["digests"][-1])
            if tree is None:
                return ReadResult(None, {})
            whole = not store.lacking(tree)
        now = {**props, "digest": tree.digest if whole else ""}
        return ReadResult(id_, now, {key: value for key, value in now.items() if key != "digests"})

    def delete(self, _id: str, props: Props) -> None:
        """Remove every tree that this resource has uploaded."""
        with _told():
            store = _store(props)
            for digest in props["digests"]:
                store.remove(digest)


def _diff(olds: Props, news: Props, *, replaces: tuple[str, ...], watched: tuple[str, ...]) -> DiffResult:
    """What differs; a value that is not known yet may differ, but is not taken for another place."""
    other = [key for key in replaces if news.get(key) not in (olds.get(key), UNKNOWN)]
    changed = [key for key in (*replaces, *watched) if news.get(key) != olds.get(key)]
    return DiffResult(changes=bool(changed), replaces=other)


def _endpoint(props: Props) -> "Endpoint":
    from caraml_pulumi.artifacts.client import Endpoint

    url, region, profile = (props.get(key) or "" for key in _CONNECTION)
    return Endpoint(url, region, profile)


def _bucket(props: Props) -> "Bucket":
    from caraml_pulumi.artifacts.bucket import Bucket

    return Bucket(_endpoint(props), props["bucket"])


def _settings(props: Props) -> Props:
    return {key: props[key] for key in _SETTINGS if key in props}


def _store(props: Props) -> "Store":
    from caraml_pulumi.artifacts.store import Store

    return Store(_endpoint(props), s3_location(props["place"]))


def _uploaded(props: Props, digests: list[str], status: Callable[[str], None]) -> dict[str, Any]:
    """Upload the directory of `props`; returns them with the digests of all trees that were uploaded."""
    from caraml_pulumi.artifacts.upload import push

    with _told():
        directory = hashed_directory(
            _project() / props["source"],
            on_hashed=lambda done, total: status(f"reading {done >> 20} of {total >> 20} MiB"),
        )
        if directory.tree.digest != props["digest"]:
            raise CaramlError(
                f'the model directory "{props["source"]}" has changed since this update was planned',
                fix="run it again when nothing writes to it",
            )
        push(directory, _store(props), Progress(lambda progress: status(f"uploading {progress.text}")))
    return {**props, "digests": [*(one for one in digests if one != props["digest"]), props["digest"]]}


def portable(path: Path) -> str:
    """`path` from the directory of Pulumi.yaml, the same on every machine; as it is if it is not in there."""
    whole = Path(os.path.abspath(path))
    return whole.relative_to(_project()).as_posix() if whole.is_relative_to(_project()) else str(whole)


def _project() -> Path:
    """The directory of Pulumi.yaml, seen from the program's directory."""
    here = Path.cwd()
    return next((parent for parent in (here, *here.parents) if any(parent.glob("Pulumi.y*ml"))), here)
