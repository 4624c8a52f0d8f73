"""Large files: uploaded in parts at the same time, and continued where an interrupted upload stopped."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from threading import Lock
from typing import Any, Final

from botocore.exceptions import ClientError

from caraml_pulumi.artifacts.client import code_of
from caraml_pulumi.artifacts.directory import Directory, changed
from caraml_pulumi.artifacts.progress import Progress
from caraml_pulumi.artifacts.store import DIGEST_METADATA, Store, checksum, confirms
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.tree import File

LARGE: Final = 16 << 20
"""Files with more bytes are uploaded in parts of at least so many."""
_MOST_PARTS: Final = 10_000
"""S3's limit."""
_COMPLETION_SECONDS: Final = 10.0
"""How long another process may take from the end of an upload until the file can be seen."""
_MIB: Final = 1 << 20

Task = Callable[[], "Iterable[Task]"]
"""Work for a thread; it returns the work that can be done after it."""


def part_size(size: int) -> int:
    """The bytes of each part of a file, the last one's may be fewer: the same for the same size, so that it resumes."""
    least = -(-size // _MOST_PARTS)
    return max(LARGE, -(-least // _MIB) * _MIB)


def read(descriptor: int, start: int, length: int) -> bytes:
    """`length` bytes of an open file from `start`; fewer if it ends before."""
    data = os.pread(descriptor, length, start)
    while len(data) < length and (more := os.pread(descriptor, length - len(data), start + len(data))):
        data += more
    return data


class LargeUpload:
    """One large file under way."""

    def __init__(self, directory: Directory, store: Store, progress: Progress, file: File) -> None:
        self._directory = directory
        self._store = store
        self._progress = progress
        self._file = file
        self._target = {"Bucket": store.bucket, "Key": store.key(directory.tree.digest, file.path)}
        self._size = part_size(file.size)
        self._count = -(-file.size // self._size)
        self._lock = Lock()
        self._done: dict[int, dict[str, Any]] = {}
        self._confirmed = True
        self._sent = 0
        self._upload = ""
        self._found: dict[int, dict[str, Any]] = {}

    def tasks(self) -> list[Task]:
        """Begin or continue the upload: a task for each part, the last of which to end returns what completes it."""
        with self._or_completed_by_another():
            self._upload = self._unfinished() or self._begun()
        return [self._part(number) for number in range(1, self._count + 1)]

    def _unfinished(self) -> str:
        """The id of the latest unfinished upload of this file's key, whose parts are noted; empty if there is none."""
        client, key = self._store.client, self._target["Key"]
        pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=self._store.bucket, Prefix=key)
        uploads = [one for page in pages for one in page.get("Uploads", []) if one["Key"] == key]
        if not uploads:
            return ""
        upload = max(uploads, key=lambda one: one["Initiated"])["UploadId"]
        for page in client.get_paginator("list_parts").paginate(**self._target, UploadId=upload):
            self._found.update({part["PartNumber"]: part for part in page.get("Parts", [])})
        return str(upload)

    def _begun(self) -> str:
        answer = self._store.client.create_multipart_upload(
            **self._target, ChecksumAlgorithm="SHA256", Metadata={DIGEST_METADATA: self._file.sha256}
        )
        return str(answer["UploadId"])

    def _part(self, number: int) -> Task:
        def task() -> Iterable[Task]:
            data = self._read((number - 1) * self._size)
            digest = sha256(data).digest()
            found = self._found.get(number, {})
            if found.get("Size") == len(data) and confirms(found, data, digest):
                self._progress.add(len(data))
                answer = found
            else:
                answer = self._send(number, data, digest)
                self._progress.sent(len(data))
            known: dict[str, Any] = {key: answer[key] for key in ("ETag", "ChecksumSHA256") if key in answer}
            with self._lock:
                self._done[number] = {"PartNumber": number, **known}
                self._confirmed = self._confirmed and confirms(answer, data, digest)
                self._sent += answer is not found
                last = len(self._done) == self._count
            return [self._complete] if last else ()

        return task

    def _read(self, start: int) -> bytes:
        """The part from `start`, of the file that was hashed."""
        length = min(self._size, self._file.size - start)
        descriptor = self._directory.open(self._file)
        try:
            data = read(descriptor, start, length)
            self._directory.check(self._file, descriptor)
        finally:
            os.close(descriptor)
        if len(data) != length:
            raise changed(self._file.path, "it is shorter now")
        return data

    def _send(self, number: int, data: bytes, digest: bytes) -> dict[str, Any]:
        """S3's answer to a part; empty if another process has completed the file meanwhile."""
        answer: dict[str, Any] = {}
        with self._or_completed_by_another():
            answer = self._store.client.upload_part(
                **self._target,
                UploadId=self._upload,
                PartNumber=number,
                Body=data,
                ChecksumSHA256=checksum(digest),
            )
        return answer

    def _complete(self) -> Iterable[Task]:
        """Put the parts together, unless another process has."""
        parts = [self._done[number] for number in sorted(self._done)]
        if all("ETag" in part for part in parts):
            with self._or_completed_by_another():
                self._store.client.complete_multipart_upload(
                    **self._target, UploadId=self._upload, MultipartUpload={"Parts": parts}
                )
        if not self._confirmed:
            self._store.read_back(self._directory.tree.digest, self._file)
        count = self._progress.sent if self._sent else self._progress.add
        count(0, files=1)
        return ()

    @contextmanager
    def _or_completed_by_another(self) -> Iterator[None]:
        """A refusal is no failure if the file is there: another process uploads the same model, and was faster."""
        try:
            with self._store.explained(f'uploading "{self._file.path}"'):
                yield
        except CaramlError as error:
            if not (isinstance(error.__cause__, ClientError) and self._is_there_soon(code_of(error.__cause__))):
                raise

    def _is_there_soon(self, refusal: str) -> bool:
        """Whether the file is there; where its upload is gone, another process may be about to complete it."""
        deadline = time.monotonic() + (_COMPLETION_SECONDS if refusal == "NoSuchUpload" else 0)
        while not (there := self._store.holds(self._directory.tree.digest, self._file)):
            if time.monotonic() >= deadline:
                break
            time.sleep(0.2)
        return there
