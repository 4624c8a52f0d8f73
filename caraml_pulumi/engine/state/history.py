"""An entry of a stack's history, in the shape the Pulumi CLI writes and reads."""

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from caraml_pulumi.engine.state.locks import username
from caraml_pulumi.engine.values import PropertyValue

UpdateKind = Literal["update", "refresh", "destroy", "import"]
"""What was done; ``update`` is what `up` does."""
Result = Literal["succeeded", "failed", "in-progress"]

_GIT_TIMEOUT_SECONDS: Final = 2.0
_FORMAT: Final = "%H%n%an%n%ae%n%cn%n%ce%n%s"


def history_entry(
    kind: UpdateKind,
    start: datetime,
    end: datetime,
    message: str,
    result: Result,
    config: Mapping[str, PropertyValue],
    changes: Mapping[str, int],
    environment: Mapping[str, str],
) -> dict[str, Any]:
    """An update as history records it.

    `config` is `StackConfig.recorded()`, its secrets encrypted; `changes` counts resources by op; `environment` is
    what `update_environment` found. Times are kept in whole seconds.
    """
    return {
        "kind": kind,
        "startTime": int(start.timestamp()),
        "message": message,
        "environment": dict(environment),
        "config": dict(config),
        "version": 0,
        "result": result,
        "endTime": int(end.timestamp()),
        "resourceChanges": {op: count for op, count in sorted(changes.items()) if count},
    }


def update_environment(directory: Path) -> dict[str, str]:
    """The circumstances of an update, under Pulumi's names: the system, and what git knows of the project.

    Nothing of the process environment is recorded but who runs it. Outside a git repository, or without git, the
    ``git.*`` keys are missing.
    """
    from importlib.metadata import version

    return {
        "exec.kind": "caraml",
        "exec.agent": f"caraml-pulumi/{version('caraml-pulumi')}",
        "exec.user": username(),
        "pulumi.os": platform.system().lower(),
        "pulumi.arch": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        "runtime.name": "python",
        "runtime.version": platform.python_version(),
        **_git(directory),
    }


def default_message(environment: Mapping[str, str]) -> str:
    """The message of an update that is given none: the title of the commit it was made from, as Pulumi does."""
    return environment.get("git.headTitle", "")


def author(entry: Mapping[str, Any]) -> str:
    """Who made the update, as far as its entry tells: the author of the commit it was made from, else who ran it."""
    environment = entry.get("environment") or {}
    return next(
        (str(name) for key in ("git.author", "git.committer", "exec.user") if (name := environment.get(key))), ""
    )


def _git(directory: Path) -> dict[str, str]:
    if not any((parent / ".git").exists() for parent in (directory, *directory.parents)):
        return {}
    head = _run_git(directory, "log", "-1", f"--format={_FORMAT}")
    lines = head.splitlines()
    if len(lines) != _FORMAT.count("%n") + 1:
        return {}
    commit, author_name, author_email, committer, committer_email, title = lines
    found = {
        "git.head": commit,
        "git.headTitle": title,
        "git.author": author_name,
        "git.author.email": author_email,
        "git.committer": committer,
        "git.committer.email": committer_email,
        "git.headName": _run_git(directory, "symbolic-ref", "--quiet", "HEAD").strip(),
        "git.dirty": str(bool(_run_git(directory, "status", "--porcelain"))).lower(),
    }
    return {key: value for key, value in found.items() if value}


def _run_git(directory: Path, *arguments: str) -> str:
    """What git prints; nothing if it is missing, fails, or takes too long: history must not stop an update."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout if done.returncode == 0 else ""
