"""The lock that keeps two runs on one stack apart: a file per run, as the Pulumi CLI has it."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import getuser
from typing import Any, Final
from uuid import uuid4

from caraml_pulumi.engine.state.bucket import Bucket
from caraml_pulumi.engine.state.names import StackName
from caraml_pulumi.engine.state.processes import has_ended, identity, is_running
from caraml_pulumi.engine.state.properties import compact_json
from caraml_pulumi.engine.state.times import ago, parse_timestamp, timestamp
from caraml_pulumi.errors import LOCKED, CaramlError

_FIRST: Final = "caraml"
"""The name of the file of a lock that takes the place of none."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file that was found, and who it says holds it."""

    key: str
    place: str
    owner: dict[str, Any]

    @property
    def ended(self) -> bool:
        """Whether its holder has surely ended."""
        return has_ended(self.owner)

    @property
    def at_work(self) -> bool:
        """Whether its holder is a process of this machine that is there."""
        return is_running(self.owner)

    @property
    def command(self) -> str:
        """What its holder does; empty where the lock does not say, such as those of the Pulumi CLI."""
        return str(self.owner.get("command") or "")

    def __str__(self) -> str:
        """Who holds it, and since when."""
        who = f"{self.owner.get('username', 'an unknown user')} on {self.owner.get('hostname', 'an unknown host')}"
        what = f"'{self.command}', " if self.command else ""
        began = parse_timestamp(str(self.owner.get("timestamp", "")))
        when = f"since {began:%Y-%m-%d %H:%M:%S} UTC ({ago(began)})" if began else "since an unknown time"
        return f"{what}{who}, process {self.owner.get('pid', 'unknown')}, {when}"


@contextmanager
def hold_lock(
    bucket: Bucket, directory: str, stack: StackName, command: str, note: Callable[[str], None]
) -> Iterator[Callable[[], bool]]:
    """Hold the lock of `stack`, whose lock files are in `directory`, while `command` runs.

    What is given says whether the lock is still held: somebody may have removed it.

    Of several runs that begin at the same time exactly one gets it. A lock that a process of this machine left behind
    when it was killed is removed, and `note` is told so.

    Raises:
        CaramlError: another run holds the lock (exit code `LOCKED`).
    """
    _refuse_others(bucket, directory, stack, own="")
    owner = compact_json(_owner(command)).encode()
    key = _claim(bucket, directory, stack, owner)
    try:
        # The Pulumi CLI writes its lock unconditionally and then looks for others: so must we, once ours is visible.
        for ended in _refuse_others(bucket, directory, stack, own=key):
            bucket.delete(ended.key)
            note(f"removed the lock of a run that was killed on {stack}: {ended}")
        yield lambda: bucket.get(key) == owner
    finally:
        try:
            if bucket.get(key) == owner:
                bucket.delete(key)
            else:
                note(f"the lock on {stack} was removed while '{command}' was at work")
        except CaramlError as error:  # what the run came to must be told all the same
            note(f"the lock on {stack} was not removed: {error.what}; its file is {bucket.place(key)}")


def find_locks(bucket: Bucket, directory: str) -> list[Lock]:
    """The locks in `directory`, whoever wrote them."""
    keys = [key for key in bucket.list(directory) if key.endswith(".json")]
    return [lock for key in keys if (lock := _read(bucket, key)) is not None]


def _claim(bucket: Bucket, directory: str, stack: StackName, owner: bytes) -> str:
    """Write a lock that only one of several runs can write, and return its key.

    The lock of a run that was killed cannot be removed first: another run may have put its own there since. It is left,
    and the name of the lock that takes its place is made of its content, so that again only one run can.
    """
    name = _FIRST
    while True:
        key = f"{directory}/{name}.json"
        if bucket.put_if_absent(key, owner):
            return key
        data = bucket.get(key)
        if data is None:  # released in between
            name = _FIRST
            continue
        lock = Lock(key, bucket.place(key), _parsed(data))
        if not lock.ended:
            raise _locked(stack, lock)
        name = hashlib.sha256(data).hexdigest()


def _owner(command: str) -> dict[str, Any]:
    owner = {"username": username(), "timestamp": timestamp(), "command": command, "id": str(uuid4())}
    return {**identity(os.getpid()), **owner}


def username() -> str:
    """The name of the user who runs this, or the user's number."""
    try:
        return getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _refuse_others(bucket: Bucket, directory: str, stack: StackName, own: str) -> list[Lock]:
    """The locks besides `own` whose holders have ended. Raises `CaramlError` for any other."""
    others = [lock for lock in find_locks(bucket, directory) if lock.key != own]
    for lock in others:
        if not lock.ended:
            raise _locked(stack, lock)
    return others


def _locked(stack: StackName, lock: Lock) -> CaramlError:
    return CaramlError(
        f"the stack {stack} is locked by another run: {lock}",
        where=lock.place,
        fix=f"wait until it ends; if it surely no longer runs: caraml cancel --stack {stack.stack}",
        exit_code=LOCKED,
    )


def _read(bucket: Bucket, key: str) -> Lock | None:
    data = bucket.get(key)
    return None if data is None else Lock(key, bucket.place(key), _parsed(data))


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        owner = json.loads(data)
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}
