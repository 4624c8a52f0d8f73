"""The lock that keeps two runs on one stack apart: a file per run, as the Pulumi CLI has it."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from getpass import getuser
from typing import Any
from uuid import uuid4

from caraml_pulumi.engine.state.bucket import Bucket
from caraml_pulumi.engine.state.names import StackName
from caraml_pulumi.engine.state.processes import has_ended, identity
from caraml_pulumi.engine.state.properties import compact_json
from caraml_pulumi.engine.state.times import ago, parse_timestamp, timestamp
from caraml_pulumi.errors import LOCKED, CaramlError


@contextmanager
def hold_lock(
    bucket: Bucket, directory: str, stack: StackName, command: str, note: Callable[[str], None]
) -> Iterator[None]:
    """Hold the lock of `stack`, whose lock files are in `directory`, while `command` runs.

    A lock that a process of this machine left behind when it was killed is removed, and `note` is told so.

    Raises:
        CaramlError: another run holds the lock (exit code `LOCKED`).
    """
    key = f"{directory}/{uuid4()}.json"
    _refuse_others(bucket, directory, stack, key, note)
    bucket.put(key, compact_json(_owner(command)).encode())
    try:
        # Two runs may both have found no lock: each looks again once its own is visible.
        _refuse_others(bucket, directory, stack, key, note)
        yield
    finally:
        bucket.delete(key)


def _owner(command: str) -> dict[str, Any]:
    return {**identity(os.getpid()), "username": username(), "timestamp": timestamp(), "command": command}


def username() -> str:
    """The name of the user who runs this, or the user's number."""
    try:
        return getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _refuse_others(bucket: Bucket, directory: str, stack: StackName, own: str, note: Callable[[str], None]) -> None:
    for key in bucket.list(directory):
        if key == own or not key.endswith(".json") or (data := bucket.get(key)) is None:
            continue
        owner = _parsed(data)
        if has_ended(owner):
            bucket.delete(key)
            note(f"removed the lock of a run that was killed on {stack}: {_described(owner)}")
            continue
        raise CaramlError(
            f"the stack {stack} is locked by another run: {_described(owner)}",
            where=f"{bucket.url}/{key}",
            fix="wait until it ends; if it no longer runs, remove that file",
            exit_code=LOCKED,
        )


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        owner = json.loads(data)
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}


def _described(owner: dict[str, Any]) -> str:
    who = f"{owner.get('username', 'an unknown user')} on {owner.get('hostname', 'an unknown host')}"
    what = f"'{owner['command']}', " if owner.get("command") else ""
    began = parse_timestamp(str(owner.get("timestamp", "")))
    when = f"since {began:%Y-%m-%d %H:%M:%S} UTC ({ago(began)})" if began else "since an unknown time"
    return f"{what}{who}, process {owner.get('pid', 'unknown')}, {when}"
