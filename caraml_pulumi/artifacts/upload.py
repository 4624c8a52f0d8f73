"""Upload a directory of model files to its content-addressed place, sending only what is not there yet.

A file that one of the model's latest trees has is copied on the server. What an interrupted upload left is used: whole
files, and the finished parts of large ones. The manifest comes last, so that a tree is seen whole or not at all.
"""

import os
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from queue import SimpleQueue
from typing import Final

from botocore.exceptions import ClientError

from caraml_pulumi.artifacts.client import WORKERS, is_missing
from caraml_pulumi.artifacts.directory import Directory, changed
from caraml_pulumi.artifacts.parts import LARGE, LargeUpload, Task, read
from caraml_pulumi.artifacts.progress import Progress
from caraml_pulumi.artifacts.store import DIGEST_METADATA, Store, checksum, confirms
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.tree import File, Tree

COPY_LIMIT: Final = 5 << 30
"""The largest object that S3 copies in one request."""

_AWAY_SECONDS: Final = 3.0
"""How long a file that was uploaded may be missing from listings."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What an upload came to: the tree's URI, and how many of its files and bytes were sent."""

    uri: str
    digest: str
    files: int
    size: int
    sent_files: int
    sent_bytes: int


def push(directory: Directory, store: Store, progress: Progress | None = None) -> Pushed:
    """Make `directory` complete in `store`.

    Raises:
        CaramlError: S3 failed, or a file changed meanwhile. Running it again continues.
    """
    tree, progress = directory.tree, progress or Progress()
    progress.begin(len(tree.files), tree.size)
    known = store.manifest(tree.digest)
    lacking = set(store.lacking(tree))
    if known == tree and not lacking:
        for file in tree.files:
            progress.add(file.size, files=1)
    else:
        _Upload(directory, store, progress, lacking, store.recent()).run()
        if lost := _lost(store, tree):
            raise CaramlError(f'S3 does not have "{lost[0].path}", which was uploaded', fix="run it again")
        store.write_manifest(tree)
    uri = store.place.child(tree.digest).uri
    return Pushed(uri, tree.digest, len(tree.files), tree.size, progress.sent_files, progress.sent_bytes)


def _lost(store: Store, tree: Tree) -> list[File]:
    """The files that are not there, and stay away.

    A server that keeps objects as files can leave out of a listing what is replaced meanwhile; where another process
    uploads the same model, that happens.
    """
    deadline = time.monotonic() + _AWAY_SECONDS
    while (lost := store.lacking(tree)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return lost


class _Upload:
    """One upload under way."""

    def __init__(
        self, directory: Directory, store: Store, progress: Progress, lacking: set[File], recent: list[Tree]
    ) -> None:
        self._directory = directory
        self._store = store
        self._progress = progress
        self._lacking = lacking
        self._digest = directory.tree.digest
        others = [tree for tree in reversed(recent) if tree.digest != self._digest]
        self._there = {
            (file.sha256, file.size): store.key(tree.digest, file.path) for tree in others for file in tree.files
        }

    def run(self) -> None:
        """Work through the files, the largest first; the first failure ends it."""
        tasks = [self._of(file) for file in sorted(self._directory.tree.files, key=lambda file: -file.size)]
        finished: SimpleQueue[Future[Iterable[Task]]] = SimpleQueue()
        pool = ThreadPoolExecutor(WORKERS, "upload")

        def start(task: Task) -> None:
            pool.submit(task).add_done_callback(finished.put)

        try:
            for task in tasks:
                start(task)
            under_way = len(tasks)
            while under_way:
                more = [*finished.get().result()]
                under_way += len(more) - 1
                for task in more:
                    start(task)
        finally:
            pool.shutdown(cancel_futures=True)

    def _of(self, file: File) -> Task:
        return lambda: self._bring(file)

    def _bring(self, file: File) -> Iterable[Task]:
        """Have `file` in the tree by the cheapest means there is."""
        if (file not in self._lacking and self._store.holds(self._digest, file)) or self._copied(file):
            self._progress.add(file.size, files=1)
        elif file.size > LARGE:
            return LargeUpload(self._directory, self._store, self._progress, file).tasks()
        else:
            self._send(file)
        return ()

    def _copied(self, file: File) -> bool:
        """Copy `file` on the server from a recent tree, if one has it."""
        key = self._there.get((file.sha256, file.size))
        if key is None:
            return False
        store = self._store
        source = {"Bucket": store.bucket, "Key": key}
        target = {"Bucket": store.bucket, "Key": store.key(self._digest, file.path)}
        try:
            with store.explained(f'copying "{file.path}"'):
                if file.size > COPY_LIMIT:
                    metadata = {"Metadata": {DIGEST_METADATA: file.sha256}, "MetadataDirective": "REPLACE"}
                    store.client.copy(source, **target, ExtraArgs=metadata)
                    return True
                said = store.client.copy_object(CopySource=source, **target)["CopyObjectResult"]
        except CaramlError as error:
            if isinstance(error.__cause__, ClientError) and is_missing(error.__cause__):
                return False
            raise
        whole = said.get("ChecksumSHA256", "-")
        if "-" in whole or whole == checksum(bytes.fromhex(file.sha256)):
            return True
        return file.size > LARGE and store.holds(self._digest, file)  # some answer with the checksum of the parts'

    def _send(self, file: File) -> None:
        """Upload a file in one request."""
        descriptor = self._directory.open(file)
        try:
            data = read(descriptor, 0, file.size)
        finally:
            os.close(descriptor)
        digest = sha256(data)
        if digest.hexdigest() != file.sha256:
            raise changed(file.path, "its content is another")
        store = self._store
        with store.explained(f'uploading "{file.path}"'):
            answer = store.client.put_object(
                Bucket=store.bucket,
                Key=store.key(self._digest, file.path),
                Body=data,
                ChecksumSHA256=checksum(digest.digest()),
                Metadata={DIGEST_METADATA: file.sha256},
            )
        self._progress.sent(file.size, files=1)
        if not confirms(answer, data, digest.digest()):
            store.read_back(self._digest, file)
