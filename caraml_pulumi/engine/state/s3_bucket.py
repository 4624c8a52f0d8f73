"""A backend's files as objects of an S3 bucket."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError

from caraml_pulumi.artifacts.client import (
    WORKERS,
    Endpoint,
    S3Client,
    code_of,
    explained,
    is_missing,
    is_not_implemented,
)
from caraml_pulumi.engine.state.bucket import Log
from caraml_pulumi.engine.state.s3_log import S3Log
from caraml_pulumi.engine.state.s3_url import S3Location
from caraml_pulumi.errors import CaramlError

_READ_SECONDS: Final = 30
"""How long an answer may take: the objects are small."""
_ACTIONS: Final = "s3:ListBucket of the bucket, and s3:GetObject, s3:PutObject and s3:DeleteObject of its objects"
_PAGE: Final = 1000
"""How many objects a server is asked to list at one time."""
_CONFLICTS: Final = 5
"""How often a conditional write is tried again that met another one at the same moment."""

Result = TypeVar("Result")


class S3Bucket:
    """A directory of a bucket. Objects are written whole; S3 shows each write to all who read after it."""

    def __init__(self, location: S3Location) -> None:
        self._location = location
        with self._explained("connecting to the bucket", ""):
            self._client = _client(location.endpoint, _settings())
        self._logs: dict[str, S3Log] = {}
        self._lock = Lock()
        self._conditional = False

    @property
    def url(self) -> str:
        """The URL that it was opened with."""
        return self._location.url

    def place(self, key: str) -> str:
        """``s3://`` and the path of the object."""
        return self._location.place(key)

    def get(self, key: str) -> bytes | None:
        """The content, None if there is no such object."""
        with self._explained(f"reading {key}", key):
            try:
                answer = self._client.get_object(**self._object(key))
            except ClientError as error:
                if is_missing(error) and code_of(error) != "NoSuchBucket":
                    return None
                raise
            content: bytes = answer["Body"].read()
            return content

    def get_all(self, keys: Iterable[str]) -> list[bytes | None]:
        """The contents, in the order of the keys; several are read at one time."""
        return _each(self.get, keys)

    def file(self, key: str) -> Path | None:
        """None: nothing is on this machine."""
        return None

    def put(self, key: str, data: bytes) -> None:
        """One request, which is carried out as a whole or not at all."""
        with self._explained(f"writing {key}", key):
            self._client.put_object(**self._object(key), **self._encryption, Body=data)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write the object unless it is there, by a conditional request; `data` must be nobody else's.

        A server that ignores the condition would let two runs hold one lock: the first success is put to the test.

        Raises:
            CaramlError: the server has no conditional requests.
        """
        if self._put_if_absent(key, data):
            if self._conditional:
                return True
            if self._put_if_absent(key, data):
                self.delete(key)
                raise self._unconditional(key)
            self._conditional = True
        return self.get(key) == data  # an answer may have been lost and the request sent again

    def _put_if_absent(self, key: str, data: bytes) -> bool:
        arguments = {**self._object(key), **self._encryption, "Body": data, "IfNoneMatch": "*"}
        with self._explained(f"writing {key}", key):
            for attempt in range(_CONFLICTS):
                try:
                    self._client.put_object(**arguments)
                except ClientError as error:
                    if code_of(error) in {"PreconditionFailed", "412"}:
                        return False
                    if is_not_implemented(error):
                        raise self._unconditional(key) from error
                    if code_of(error) != "ConditionalRequestConflict" or attempt == _CONFLICTS - 1:
                        raise
                else:
                    return True
        return False

    def log(self, key: str) -> Log:
        """Objects under that name, numbered in order."""
        with self._lock:
            return self._logs.setdefault(key, S3Log(self, key))

    def list(self, prefix: str) -> list[str]:
        """The keys of the objects under the directory `prefix`, at any depth, sorted."""
        root, directory = self._location.prefix, prefix.rstrip("/") + "/"
        with self._explained(f"listing {prefix}", prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._location.bucket, Prefix=root + directory, PaginationConfig={"PageSize": _PAGE}
            )
            found = [item["Key"].removeprefix(root) for page in pages for item in page.get("Contents", ())]
        return sorted(key for key in found if not key.endswith("/"))

    def delete(self, *keys: str) -> None:
        """Remove those of the objects that are there, several at one time."""
        _each(self._delete, keys)

    def _delete(self, key: str) -> None:
        with self._explained(f"removing {key}", key):
            self._client.delete_object(**self._object(key))

    def _object(self, key: str) -> dict[str, str]:
        return {"Bucket": self._location.bucket, "Key": self._location.prefix + key}

    @property
    def _encryption(self) -> dict[str, Any]:
        return dict(self._location.encryption)

    def _unconditional(self, key: str) -> CaramlError:
        return CaramlError(
            "the S3 server cannot write an object only if it is absent (If-None-Match), so locks would not be safe",
            where=self.place(key),
            fix="update the server, or choose one that can: Amazon S3, MinIO, Ceph, versitygw of 2025",
        )

    @contextmanager
    def _explained(self, doing: str, key: str) -> Iterator[None]:
        bucket = self._location.bucket
        try:
            with explained(f"{doing} of the state", self._location.endpoint, bucket):
                yield
        except CaramlError as error:
            cause, fix = error.__cause__, error.fix
            if isinstance(cause, ClientError):
                if code_of(cause) == "NoSuchBucket":
                    fix = "create it, or mend PULUMI_BACKEND_URL (backend.url in Pulumi.yaml)"
                elif cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 403 and "grant" in fix:
                    fix = f"grant {_ACTIONS}, or use other credentials"
            raise CaramlError(error.what, where=error.where or self.place(key), fix=fix) from cause


def _each(work: Callable[[str], Result], keys: Iterable[str]) -> list[Result]:
    """The results of `work` on each key, several at one time."""
    keys = list(keys)
    if len(keys) <= 1:
        return [work(key) for key in keys]
    with ThreadPoolExecutor(min(WORKERS, len(keys))) as pool:
        return list(pool.map(work, keys))


def _settings() -> frozenset[tuple[str, str]]:
    """What boto3 reads from the environment."""
    return frozenset((name, value) for name, value in os.environ.items() if name.startswith("AWS_"))


@lru_cache(maxsize=4)
def _client(endpoint: Endpoint, _settings: frozenset[tuple[str, str]]) -> S3Client:
    """One client for all backends of a process: making one takes longer than most requests."""
    return endpoint.client(read_seconds=_READ_SECONDS, sign_content=True)
