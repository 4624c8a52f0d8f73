"""Copies a model's tree from one place to another: the same bytes under the same digest.

On one server they are copied there; between two they pass through here. Every file is compared with its digest, what is
there already stays, and the manifest comes last, so that a copy that was interrupted is continued. Nothing is
overwritten: other bytes under a key of the tree are refused.
"""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, Final

from caraml_pulumi.artifacts.client import WORKERS
from caraml_pulumi.artifacts.progress import Progress
from caraml_pulumi.artifacts.store import DIGEST_METADATA, Store, checksum, confirms
from caraml_pulumi.artifacts.upload import COPY_LIMIT, Pushed
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.tree import File, Tree

_IN_MEMORY: Final = 16 << 20
"""Files with more bytes are streamed."""


def whole_tree(store: Store, digest: str) -> Tree:
    """The tree of that digest. Raises `CaramlError` if it is not there, or not all of it."""
    tree = store.manifest(digest)
    uri = store.place.child(digest).uri
    if tree is None or tree.digest != digest:
        raise CaramlError(
            f"there is no complete artifact at {uri}: its manifest is missing or damaged",
            fix="upload it there with caraml artifact push, or a ModelArtifact",
        )
    if lacking := store.lacking(tree):
        raise CaramlError(f'the artifact at {uri} lacks "{lacking[0].path}"', fix="upload it there again")
    return tree


def copy_tree(source: Store, target: Store, digest: str, progress: Progress | None = None) -> Pushed:
    """Make the tree of that digest complete in `target`.

    Raises:
        CaramlError: it is not complete in `source`, other bytes are in its place, or S3 failed. Running it again
            continues.
    """
    tree, progress = whole_tree(source, digest), progress or Progress()
    progress.begin(len(tree.files), tree.size)
    there = target.sizes(digest)
    if target.manifest(digest) == tree and all(there.get(file.path) == file.size for file in tree.files):
        progress.add(tree.size, files=len(tree.files))
    else:
        copy = _Copy(source, target, digest, there, progress)
        with ThreadPoolExecutor(WORKERS, "copy") as pool:
            for done in [pool.submit(copy.bring, file) for file in sorted(tree.files, key=lambda one: -one.size)]:
                done.result()
        if lost := target.lacking(tree):
            raise CaramlError(f'S3 does not have "{lost[0].path}", which was copied', fix="run it again")
        target.write_manifest(tree)
    uri = target.place.child(digest).uri
    return Pushed(uri, digest, len(tree.files), tree.size, progress.sent_files, progress.sent_bytes)


class _Copy:
    """One copy under way."""

    def __init__(self, source: Store, target: Store, digest: str, there: dict[str, int], progress: Progress) -> None:
        self._source = source
        self._target = target
        self._digest = digest
        self._there = there
        self._progress = progress

    def bring(self, file: File) -> None:
        """Have `file` in the target, with its content."""
        if file.path in self._there:
            self._verify(file)
            self._progress.add(file.size, files=1)
        elif self._source.endpoint == self._target.endpoint:
            self._copy_there(file)
            self._progress.add(file.size, files=1)
        else:
            self._pass_on(file)
            self._progress.sent(file.size, files=1)

    def _verify(self, file: File) -> None:
        """Refuse other bytes than the artifact's, which somebody has put there."""
        if self._target.stored_sha256(self._digest, file) != file.sha256:
            raise CaramlError(
                f"{self._target.place.child(self._digest).uri}/{file.path} has other bytes than the artifact",
                fix="find out who has put them there, and remove them: nothing is overwritten",
            )

    def _prove(self, file: File) -> None:
        """Take back what was copied here if it is not what the manifest says."""
        if self._target.stored_sha256(self._digest, file) != file.sha256:
            with self._target.explained(f'removing "{file.path}"'):
                self._target.client.delete_object(**self._place(file))
            raise self._damaged(file)

    def _damaged(self, file: File) -> CaramlError:
        return CaramlError(
            f"{self._source.place.child(self._digest).uri}/{file.path} has other bytes than its manifest says",
            fix="upload the artifact again",
        )

    def _copy_there(self, file: File) -> None:
        """Copy on the server."""
        origin = {"Bucket": self._source.bucket, "Key": self._source.key(self._digest, file.path)}
        more: dict[str, Any] = {"Metadata": {DIGEST_METADATA: file.sha256}, "MetadataDirective": "REPLACE"}
        said: dict[str, Any] = {}
        with self._target.explained(f'copying "{file.path}"'):
            if file.size > COPY_LIMIT:
                self._target.client.copy(origin, **self._place(file), ExtraArgs=more)
            else:
                asked = {**self._place(file), "ChecksumAlgorithm": "SHA256", **more}
                said = self._target.client.copy_object(CopySource=origin, **asked)
        if said.get("CopyObjectResult", {}).get("ChecksumSHA256") != checksum(bytes.fromhex(file.sha256)):
            self._prove(file)

    def _pass_on(self, file: File) -> None:
        """Read from one server and write to the other."""
        key = self._source.key(self._digest, file.path)
        with self._source.explained(f'reading "{file.path}"'):
            body = self._source.client.get_object(Bucket=self._source.bucket, Key=key)["Body"]
            data = body.read() if file.size <= _IN_MEMORY else b""
        metadata = {DIGEST_METADATA: file.sha256}
        if file.size > _IN_MEMORY:
            with self._target.explained(f'copying "{file.path}"'):
                self._target.client.upload_fileobj(body, **self._place(file), ExtraArgs={"Metadata": metadata})
            self._prove(file)
            return
        digest = sha256(data)
        if digest.hexdigest() != file.sha256:
            raise self._damaged(file)
        with self._target.explained(f'copying "{file.path}"'):
            answer = self._target.client.put_object(
                **self._place(file), Body=data, ChecksumSHA256=checksum(digest.digest()), Metadata=metadata
            )
        if not confirms(answer, data, digest.digest()):
            self._prove(file)

    def _place(self, file: File) -> dict[str, str]:
        return {"Bucket": self._target.bucket, "Key": self._target.key(self._digest, file.path)}
