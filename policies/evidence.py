"""Evidence: what rules about changes know besides the stack that is to be.

Pulumi shows a policy what resources shall be, not what they are, nor what will be deleted. Rules that need to know read
a file: the stack as it was, as `caraml stack export` and `pulumi stack export` print it or a backend keeps it; or the
environment before, as `caraml status --json` prints it. `caraml` names the first by itself.
"""

import gzip
import json
import os
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from pulumi_policy.proxy import UnknownValueError

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.promotion import digest_of, is_proven
from policies.pods import POD_TYPES, containers, pods
from policies.reading import at
from policies.resource import Resource
from policies.versions import READ, Versions, deployed_versions

STACK_VARIABLE: Final = "CARAML_STACK_BEFORE"
STATUS_VARIABLE: Final = "CARAML_STATUS_BEFORE"
RESTORED_VARIABLE: Final = "CARAML_STACK_RESTORED"
"""Names the state that an earlier update of the stack left, where `caraml rollback` goes back to it."""
STACK_BEFORE: Final = "stackBefore"
STATUS_BEFORE: Final = "statusBefore"
STACK_BEFORE_SCHEMA: Final = {
    "type": "string",
    "default": "",
    "description": (
        "The file with the state of the stack before the update, as `caraml stack export` or `pulumi stack export` "
        f"prints it; relative to the pack. The environment variable {STACK_VARIABLE} comes first; `caraml` sets it."
    ),
}
STATUS_BEFORE_SCHEMA: Final = {
    "type": "string",
    "default": "",
    "description": (
        "The file with what `caraml status --json` printed of the environment before; relative to the pack. The "
        f"environment variable {STATUS_VARIABLE} comes first."
    ),
}
_PACK: Final = Path(__file__).parent
_GZIP: Final = b"\x1f\x8b"


class NoEvidenceError(UnknownValueError):
    """A rule is not applicable, because no file was named."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)
        self.message = message


class Proven(NamedTuple):
    """A version of the environment before."""

    environment: str
    healthy: bool
    """Whether it answers, with what was asked for last."""
    digests: tuple[str, ...]
    """Those of its images."""


class StatusBefore(NamedTuple):
    """What `caraml status --json` said."""

    time: datetime | None
    versions: tuple[Proven, ...]


class StackBefore:
    """A stack before its update: of its components and Kubernetes objects those that tell of versions and routes."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.resources = resources
        self._versions: dict[str, Versions] = {}

    @property
    def name(self) -> str:
        """The stack, ``project/stack``; empty if it held nothing."""
        return _stack_of(self.resources[0].urn) if self.resources else ""

    @cached_property
    def digests(self) -> frozenset[str]:
        """The digests of the images that its versions and workloads ran."""
        images = [at(one.props, *path) for one in self.resources for path in (("image",), ("transformer", "image"))]
        workloads = [one for one in self.resources if one.type in POD_TYPES]
        images += [container.props.get("image") for one in workloads for container in containers(pods(one))]
        return frozenset(digest for image in images if isinstance(image, str) and (digest := digest_of(image)))

    def versions(self, prefix: str) -> Versions:
        """The versions that it deployed; `prefix` is that of the platform's labels."""
        if prefix not in self._versions:
            self._versions[prefix] = deployed_versions(self.resources, prefix)
        return self._versions[prefix]


def stack_before(settings: Mapping[str, Any], urn: str = "") -> StackBefore:
    """The stack before the update; `urn` is that of a resource that it is to have. The null device is an empty stack.

    Raises:
        NoEvidenceError: no file is named.
        CaramlError: it cannot be read, or is not the state of that stack.
    """
    path = _named(STACK_VARIABLE, settings.get(STACK_BEFORE))
    if path is None:
        raise NoEvidenceError(
            f"what the stack was before is not known: name its export with {STACK_VARIABLE} or {STACK_BEFORE}"
        )
    return StackBefore(()) if path == Path(os.devnull) else _same_stack(path, urn)


def stack_restored(urn: str) -> StackBefore:
    """The stack as the update left it that is gone back to; empty if none is. `urn` is that of a resource of the stack.

    Raises:
        CaramlError: it cannot be read, or is not the state of that stack.
    """
    path = _named(RESTORED_VARIABLE, None)
    return StackBefore(()) if path is None else _same_stack(path, urn)


def _same_stack(path: Path, urn: str) -> StackBefore:
    """The state in a file. Raises `CaramlError` if it is of another stack than the resource `urn`."""
    before = _stack(path, _stamp(path))
    if urn and before.name not in ("", _stack_of(urn)):
        raise CaramlError(
            f'the evidence is of stack "{before.name}"',
            where=str(path),
            allowed=f'the state of stack "{_stack_of(urn)}"',
            fix="export it before the update: caraml stack export "
            f"--stack {_stack_of(urn).rpartition('/')[2]} --file FILE",
        )
    return before


def _stack_of(urn: str) -> str:
    """The stack of a resource as people name it, ``project/stack``."""
    stack, project = urn.removeprefix("urn:pulumi:").split("::")[:2]
    return f"{project}/{stack}"


def status_before(settings: Mapping[str, Any]) -> StatusBefore | None:
    """The state of the environment before; None if no file is named.

    Raises:
        CaramlError: it cannot be read, or is not what `caraml status --json` prints.
    """
    path = _named(STATUS_VARIABLE, settings.get(STATUS_BEFORE))
    return None if path is None else _status(path, _stamp(path))


def _named(variable: str, setting: object) -> Path | None:
    """The file of the environment variable, else of the setting; that a new stack held nothing is said last."""
    variable, given = os.environ.get(variable, ""), setting if isinstance(setting, str) else ""
    named = given or variable if variable == os.devnull else variable or given
    return _PACK / named if named else None


def _stamp(path: Path) -> tuple[int, int]:
    """What tells a file from what it was before."""
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(path, error.strerror or "it is not there") from error
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=4)
def _stack(path: Path, _stamp: tuple[int, int]) -> StackBefore:
    document = _document(path)
    deployment = document.get("deployment")
    checkpoint = document.get("checkpoint")
    if isinstance(checkpoint, Mapping):
        deployment = checkpoint.get("latest") or {}
    if not isinstance(deployment, Mapping):
        raise CaramlError(
            "this is not the state of a stack",
            where=str(path),
            fix="write it with: caraml stack export --file FILE, or: pulumi stack export --file FILE",
        )
    found = deployment.get("resources") or []
    if not isinstance(found, list) or not all(map(_is_resource, found)):
        raise _unreadable(path, "it has something else among its resources")
    return StackBefore(
        [_resource(item) for item in found if item.get("type") in READ and not item.get("delete")],
    )


def _is_resource(item: object) -> bool:
    return isinstance(item, Mapping) and all(isinstance(item.get(key) or {}, Mapping) for key in ("inputs", "outputs"))


def _resource(item: Mapping[str, Any]) -> Resource:
    """A resource as it was asked for; of a component also what it said of itself."""
    inputs, outputs = item.get("inputs") or {}, item.get("outputs") or {}
    urn = str(item.get("urn"))
    props = {**inputs, **outputs} if item["type"].startswith("caraml:") else inputs
    return Resource(item["type"], urn.rpartition("::")[2], urn, str(item.get("parent") or ""), props)


@lru_cache(maxsize=4)
def _status(path: Path, _stamp: tuple[int, int]) -> StatusBefore:
    document = _document(path)
    versions = document.get("versions")
    if not isinstance(versions, list) or not all(
        isinstance(one, Mapping) and isinstance(one.get("images"), list) for one in versions
    ):
        raise CaramlError(
            "this is not the state of an environment with the images of its versions",
            where=str(path),
            fix=f"write it with: caraml status --json > {path}",
        )
    time = document.get("time")
    try:
        looked = datetime.fromisoformat(time) if isinstance(time, str) else None
    except ValueError:
        looked = None
    return StatusBefore(looked if looked and looked.tzinfo else None, tuple(map(_proven, versions)))


def _proven(version: Mapping[str, Any]) -> Proven:
    references = [str(image.get("image") or "") for image in version["images"] if isinstance(image, Mapping)]
    return Proven(
        str(version.get("environment")),
        is_proven(str(version.get("status")), str(version.get("phase"))),
        tuple(digest for reference in references if (digest := digest_of(reference))),
    )


def _document(path: Path) -> Mapping[str, Any]:
    try:
        data = path.read_bytes()
        document = json.loads(gzip.decompress(data) if data.startswith(_GZIP) else data)
    except OSError as error:
        raise _unreadable(path, error.strerror or "damaged") from error
    except RecursionError as error:
        raise _unreadable(path, "it is nested too deeply") from error
    except (ValueError, EOFError, zlib.error) as error:
        raise _unreadable(path, "it is not JSON") from error
    if not isinstance(document, dict):
        raise _unreadable(path, "it is not a JSON object")
    return document


def _unreadable(path: Path, reason: str) -> CaramlError:
    return CaramlError(
        f"the evidence cannot be read: {reason}", where=str(path), fix=f"look into {path}, or name another file"
    )
