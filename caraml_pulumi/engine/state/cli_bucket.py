"""The files of a backend that only the Pulumi CLI reaches (Pulumi Cloud, azblob, gs, postgres), as it tells them.

The CLI has no files to give, but knows stacks, their state and their history: these are answered under the names that
they would have in a self-managed backend, so that all that reads a backend reads these as well. Nothing is written.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from caraml_pulumi.engine.state.bucket import Log
from caraml_pulumi.engine.state.names import ORGANIZATION
from caraml_pulumi.engine.state.urls import without_credentials
from caraml_pulumi.errors import CaramlError

_ROOT: Final = ".pulumi"
_HISTORY_SUFFIX: Final = ".history.json"
_CHECKPOINT_SUFFIX: Final = ".checkpoint.json"
_NO_STACK: Final = 6
"""Exit code of the CLI where there is no such stack."""
_TIMEOUT_SECONDS: Final = 120.0
_ALL: Final = "1000000"


class CliBucket:
    """What `pulumi` on PATH tells of the backend at `url`. All raise `CaramlError` where it fails."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._exports: dict[str, bytes | None] = {}
        self._histories: dict[str, list[dict[str, Any]]] = {}

    @property
    def url(self) -> str:
        """As PULUMI_BACKEND_URL takes it."""
        return self._url

    def place(self, key: str) -> str:
        """The backend; its files have no places of their own."""
        return self._url

    def get(self, key: str) -> bytes | None:
        """A checkpoint, an entry of the history, or a checkpoint that one led to; None for all else."""
        kind, _, rest = key.removeprefix(f"{_ROOT}/").partition("/")
        if key == f"{_ROOT}/meta.yaml":
            return b"version: 1\n"
        if kind == "stacks" and rest.endswith(".json"):
            return self._checkpoint(rest.removesuffix(".json"))
        if kind == "history":
            return self._recorded(rest)
        return None

    def file(self, key: str) -> Path | None:
        """None: there are no files on this machine."""
        return None

    def put(self, key: str, data: bytes) -> None:
        """Refused."""
        raise self._read_only()

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Refused."""
        raise self._read_only()

    def delete(self, *keys: str) -> None:
        """Refused, if there is anything to remove."""
        if keys:
            raise self._read_only()

    def log(self, key: str) -> Log:
        """An empty log: the CLI keeps none."""
        return _NoLog(self._read_only())

    @property
    def _keeps_checkpoints(self) -> bool:
        """Whether the CLI gives the state that an earlier update led to: of Pulumi Cloud alone."""
        return self._url.startswith(("https://", "http://"))

    @cached_property
    def _organization(self) -> str:
        if not self._keeps_checkpoints:
            return ORGANIZATION
        answer = self._run("org", "get-default").strip()
        return answer if answer and " " not in answer else self._run("whoami").strip()

    def _stack_names(self, project: str) -> list[str]:
        """``PROJECT/STACK`` of all stacks, or of one project's."""
        chosen = ["--project", project] if project else []
        stacks = json.loads(self._run("stack", "ls", "--all", "--output", "json", *chosen))
        parts = [str(stack["name"]).split("/") for stack in stacks]
        return ["/".join(name[-2:]) if len(name) > 2 else f"{project}/{name[-1]}" for name in parts]

    def _checkpoint(self, name: str) -> bytes | None:
        """The state of the stack ``PROJECT/STACK``."""
        if name not in self._exports:
            self._exports[name] = self._export(name)
        return self._exports[name]

    def _export(self, name: str, *arguments: str) -> bytes | None:
        text = self._run_on(name, "stack", "export", *arguments)
        if text is None:
            return None
        exported = json.loads(text)
        stack = f"{self._organization}/{name}"
        checkpoint = {"stack": stack, "latest": exported.get("deployment") or {}}
        return json.dumps({"version": exported.get("version", 3), "checkpoint": checkpoint}).encode()

    def _history(self, name: str) -> list[dict[str, Any]]:
        """The updates of the stack ``PROJECT/STACK``, the oldest first."""
        if name not in self._histories:
            text = self._run_on(name, "stack", "history", "--output", "json", "--page-size", _ALL)
            self._histories[name] = json.loads(text or "[]")[::-1]
        return self._histories[name]

    def _recorded(self, key: str) -> bytes | None:
        name, _, file = key.rpartition("/")
        number = int(file.rpartition("-")[2].partition(".")[0])
        if file.endswith(_CHECKPOINT_SUFFIX):
            return self._led_to(name, number)
        return json.dumps(_entry(self._history(name)[number - 1])).encode()

    def _led_to(self, name: str, number: int) -> bytes | None:
        """The checkpoint that an update led to; of the newest one it is the state as it is now."""
        if self._keeps_checkpoints:
            return self._export(name, "--version", str(number))
        if number == len(self._history(name)):
            return self._checkpoint(name)
        raise CaramlError(
            f"what update {number} of {name} led to cannot be seen: the Pulumi CLI tells that of Pulumi Cloud alone",
            where=without_credentials(self._url),
            allowed="caraml history, which lists the updates, without the name of a model",
            fix="keep the state in file://, s3:// or Pulumi Cloud to see and restore models as they were",
        )

    def _run_on(self, name: str, *arguments: str) -> str | None:
        """What `pulumi` prints about a stack, None if there is no such stack."""
        return self._ran(*arguments, "--stack", f"{self._organization}/{name}", missing=_NO_STACK)

    def _run(self, *arguments: str) -> str:
        text = self._ran(*arguments)
        assert text is not None  # noqa: S101 - only a stack may be missing
        return text

    def _ran(self, *arguments: str, missing: int | None = None) -> str | None:
        environment = {**os.environ, "PULUMI_BACKEND_URL": self._url, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        try:
            done = subprocess.run(
                ["pulumi", *arguments, "--non-interactive", "--color", "never"],
                cwd=tempfile.gettempdir(),  # outside of any project, so that names are whole
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = "it did not answer" if isinstance(error, subprocess.TimeoutExpired) else str(error)
            raise CaramlError(
                f"the Pulumi CLI cannot be asked: {reason}", where=without_credentials(self._url)
            ) from None
        if done.returncode == missing:
            return None
        if done.returncode:
            said = done.stderr.strip().removeprefix("error: ").replace(self._url, without_credentials(self._url))
            raise CaramlError(
                f"the Pulumi CLI cannot read the backend: {said}",
                where=without_credentials(self._url),
                fix="log in: pulumi login",
            )
        return done.stdout

    def _read_only(self) -> CaramlError:
        return CaramlError(
            f"the backend {without_credentials(self._url)!r} is of a kind that only the Pulumi CLI locks and writes to",
            where="PULUMI_BACKEND_URL, Pulumi.yaml or pulumi login",
            allowed="file:///DIRECTORY and s3://BUCKET for the embedded engine, and for locks and new stacks",
            fix="use the CLI: --engine pulumi, pulumi stack init, import and rm, pulumi cancel",
        )

    def list(self, prefix: str) -> list[str]:
        """The keys of stacks, or of the history of one. Locks are refused: the CLI does not tell of them."""
        kind, _, rest = prefix.removeprefix(f"{_ROOT}/").partition("/")
        if kind == "locks":
            raise self._read_only()
        if kind == "stacks":
            names = self._stack_names(rest)
            return sorted(f"{_ROOT}/stacks/{name}.json" for name in names)
        if kind == "history":
            stack = rest.rpartition("/")[2]
            numbers = range(1, len(self._history(rest)) + 1)
            suffixes = (_HISTORY_SUFFIX, _CHECKPOINT_SUFFIX)
            return sorted(f"{prefix}/{stack}-{number}{suffix}" for number in numbers for suffix in suffixes)
        return []


class _NoLog:
    """A log that nothing was added to."""

    def __init__(self, refusal: CaramlError) -> None:
        self._refusal = refusal

    def append(self, data: bytes) -> None:
        raise self._refusal

    def flush(self) -> None:
        """There is nothing to wait for."""

    def exists(self) -> bool:
        return False

    def read(self) -> bytes:
        return b""

    def clear(self) -> None:
        """There is nothing to remove."""


def _entry(update: Mapping[str, Any]) -> dict[str, Any]:
    """An update as history records it, from what ``pulumi stack history`` prints: times in seconds, secrets hidden."""
    return {
        **update,
        "startTime": _seconds(update.get("startTime")),
        "endTime": _seconds(update.get("endTime")),
        "config": {key: _config(value) for key, value in (update.get("config") or {}).items()},
    }


def _seconds(time: object) -> int | None:
    try:
        return int(datetime.fromisoformat(str(time)).timestamp())
    except ValueError:
        return None


def _config(value: Mapping[str, Any]) -> Any:  # noqa: ANN401 - what a configuration holds
    if value.get("secret"):
        return {"secure": "[secret]"}
    return value["objectValue"] if "objectValue" in value else value.get("value")
