"""The trees of a model in a bucket: each under its digest, complete once its manifest is there.

<prefix>/<model>/<digest>/...            the files, as they were in the directory
<prefix>/<model>/.manifests/<digest>.json  their paths, sizes and digests; written last
"""

import base64
import heapq
from collections.abc import Iterator
from contextlib import AbstractContextManager
from hashlib import md5, sha256
from typing import Any, Final

from botocore.exceptions import ClientError

from caraml_pulumi.artifacts.client import Endpoint, S3Client, explained, is_missing
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.artifacts import Location, manifest_location, tree_location
from caraml_pulumi.model.tree import File, Tree

DIGEST_METADATA: Final = "sha256"
"""Metadata of each object: the SHA-256 of its whole content, in hex."""
_RECENT: Final = 3
"""How many trees are looked through for files to copy."""
_BATCH: Final = 1000
"""How many objects S3 deletes in a request."""


class Store:
    """The trees of one model at `place`. All methods raise `CaramlError` where S3 fails."""

    def __init__(self, endpoint: Endpoint, place: Location) -> None:
        self.endpoint = endpoint
        self.place = place
        self.bucket = place.bucket
        self.client = endpoint.client()

    def explained(self, doing: str) -> AbstractContextManager[None]:
        """Turns what goes wrong while `doing` into a `CaramlError`."""
        return explained(doing, self.endpoint, self.bucket)

    def key(self, digest: str, path: str) -> str:
        """The key of a file of a tree."""
        return f"{tree_location(self.place, digest).prefix}/{path}"

    def manifest(self, digest: str) -> Tree | None:
        """The complete tree of that digest; None if there is none, or its manifest is damaged."""
        return self._tree(manifest_location(self.place, digest).prefix)

    def recent(self) -> list[Tree]:
        """The complete trees that were uploaded last, the latest first."""
        manifests = self._objects(manifest_location(self.place).prefix + "/")
        latest = heapq.nlargest(_RECENT, manifests, key=lambda found: found["LastModified"])
        return [tree for found in latest if (tree := self._tree(found["Key"])) is not None]

    def sizes(self, digest: str) -> dict[str, int]:
        """The size in bytes of each file that is there of a tree, by path."""
        root = tree_location(self.place, digest).prefix + "/"
        return {found["Key"].removeprefix(root): found["Size"] for found in self._objects(root)}

    def lacking(self, tree: Tree) -> list[File]:
        """The files of `tree` that are not there with their size."""
        sizes = self.sizes(tree.digest)
        return [file for file in tree.files if sizes.get(file.path) != file.size]

    def holds(self, digest: str, file: File) -> bool:
        """Whether the object of `file` is there with its content."""
        try:
            with self.explained(f'looking for "{file.path}"'):
                found = self.client.head_object(Bucket=self.bucket, Key=self.key(digest, file.path))
        except CaramlError as error:
            if isinstance(error.__cause__, ClientError) and is_missing(error.__cause__):
                return False
            raise
        return bool(
            found["ContentLength"] == file.size and found.get("Metadata", {}).get(DIGEST_METADATA) == file.sha256
        )

    def write_manifest(self, tree: Tree) -> None:
        """Say that `tree` is complete."""
        data = tree.manifest()
        with self.explained("writing the manifest"):
            self.client.put_object(
                Bucket=self.bucket,
                Key=manifest_location(self.place, tree.digest).prefix,
                Body=data,
                ContentType="application/json",
                ChecksumSHA256=checksum(sha256(data).digest()),
            )

    def read_back(self, digest: str, file: File) -> None:
        """Compare what is stored of `file` with its digest, for endpoints that confirm no checksums."""
        if self.stored_sha256(digest, file) != file.sha256:
            raise CaramlError(f'S3 stored other bytes for "{file.path}" than were sent', fix="run it again")

    def stored_sha256(self, digest: str, file: File) -> str:
        """The SHA-256 of what is stored of `file`, in hex: all of it is read."""
        found = sha256()
        with self.explained(f'reading "{file.path}" back'):
            body = self.client.get_object(Bucket=self.bucket, Key=self.key(digest, file.path))["Body"]
            for chunk in body.iter_chunks(1 << 20):
                found.update(chunk)
        return found.hexdigest()

    def remove(self, digest: str) -> None:
        """Remove a tree: first its manifest, so that no half of it passes for the whole."""
        root = tree_location(self.place, digest).prefix + "/"
        with self.explained("removing the model's files"):
            self.client.delete_object(Bucket=self.bucket, Key=manifest_location(self.place, digest).prefix)
            delete_objects(self.client, self.bucket, [{"Key": found["Key"]} for found in self._objects(root)])

    def _tree(self, key: str) -> Tree | None:
        try:
            with self.explained("reading the manifest"):
                found = self.client.get_object(Bucket=self.bucket, Key=key)
                return Tree.from_manifest(found["Body"].read())
        except CaramlError as error:
            if isinstance(error.__cause__, ClientError) and is_missing(error.__cause__):
                return None
            raise

    def _objects(self, prefix: str) -> Iterator[dict[str, Any]]:
        with self.explained("listing the model's files"):
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                yield from page.get("Contents", [])


def delete_objects(client: S3Client, bucket: str, objects: list[dict[str, str]]) -> None:
    """Delete objects or versions of them. Raises `CaramlError` if S3 keeps any."""
    for start in range(0, len(objects), _BATCH):
        batch = {"Objects": objects[start : start + _BATCH], "Quiet": True}
        kept = client.delete_objects(Bucket=bucket, Delete=batch).get("Errors", [])
        if kept:
            raise CaramlError(
                f'S3 keeps "{kept[0]["Key"]}" of bucket "{bucket}": {kept[0].get("Message") or kept[0]["Code"]}',
                fix="lift the lock or the policy that keeps it, or leave it there: retain_on_delete",
            )


def checksum(digest: bytes) -> str:
    """A digest as S3 writes it."""
    return base64.b64encode(digest).decode()


def confirms(answer: dict[str, Any], data: bytes, digest: bytes) -> bool:
    """Whether S3's answer to an upload of `data` proves that it has these bytes.

    By its SHA-256 where the server computes that, else by its MD5, which is the ETag where nothing is encrypted.
    """
    if said := answer.get("ChecksumSHA256"):
        return bool(said == checksum(digest))
    return bool(answer.get("ETag", "").strip('"') == md5(data, usedforsecurity=False).hexdigest())
