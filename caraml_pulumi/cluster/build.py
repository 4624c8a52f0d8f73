"""Build a part of the local control plane once, and keep it outside the repository by the hash of what went in."""

import fcntl
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import yaml

from caraml_pulumi.cluster import golang
from caraml_pulumi.cluster.parts import Part
from caraml_pulumi.cluster.paths import tools_home
from caraml_pulumi.cluster.report import Report, Say
from caraml_pulumi.errors import CaramlError


def ensure(parts: Sequence[Part], report: Report) -> None:
    """Build those of `parts` that are not built yet.

    Safe to call at the same time from several processes: one builds, the others wait, and a part appears in one piece.

    Raises:
        CaramlError: no Go, too old a Go, modules that cannot be fetched, a full disk, or a failed compilation.
    """
    missing = [part for part in parts if not part.home.is_dir()]
    if not missing:
        return
    for part in missing:
        golang.check(part.source)
    try:
        tools_home().mkdir(parents=True, exist_ok=True)
        for number, part in enumerate(missing, 1):
            with report.step(_announced(number, missing)) as say, _lock(part, say):
                if not part.home.is_dir():
                    _build(part, say)
    except OSError as error:
        raise CaramlError(
            f"the tools of the local control plane cannot be stored: {error.strerror}",
            where=str(error.filename or tools_home()),
            fix="free some space, or set XDG_CACHE_HOME to a directory that you can write to",
        ) from error


def _announced(number: int, missing: Sequence[Part]) -> str:
    """What is built now, the how manyth it is, and how long the others after it will take."""
    part = missing[number - 1]
    task = f"build {part.title} {part.version}" if part.programs else f"fetch {part.title}"
    later = sum(other.minutes for other in missing[number:])
    then = f", the rest takes up to {later} min" if later else ""
    return f"{task} ({number} of {len(missing)}{then})"


def _build(part: Part, say: Say) -> None:
    """Build one part in a temporary directory beside its home and move it there."""
    log = tools_home() / f"{part.name}-{part.hash}.log"
    log.unlink(missing_ok=True)
    for left_over in tools_home().glob(f".{part.name}-*"):
        shutil.rmtree(left_over)
    _check_space(part)
    work = Path(tempfile.mkdtemp(prefix=f".{part.name}-", dir=tools_home()))
    try:
        module = work / "module"
        module.mkdir()
        for file in ("go.mod", "go.sum"):
            shutil.copy(part.source / file, module / file)
        done = work / "done"
        done.mkdir()
        _copy_manifests(part, module, done / "manifests", log, say)
        if part.programs:
            _compile(part, module, done / "bin", log, say)
        done.rename(part.home)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _copy_manifests(part: Part, module: Path, target: Path, log: Path, say: Say) -> None:
    """Copy the manifests of a part out of its modules as JSON lists of objects.

    Starting a cluster then needs no module cache, and none of the seconds that parsing 5 MB of YAML takes.
    """
    for manifests in part.manifests:
        say(f"fetching {manifests.module}")
        golang.run(["mod", "download", manifests.module], module, log, part.title, lambda _line: None)
        query = ["list", "-m", "-f", "{{.Dir}}", manifests.module]
        answer = golang.run(query, module, log, part.title, lambda _line: None)
        root = Path(answer[0])
        files = [file for pattern in manifests.patterns for file in sorted(root.glob(pattern))]
        for file in files:
            copy = (target / manifests.module / file.relative_to(root)).with_suffix(".json")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(json.dumps(_documents(file)))


def _documents(file: Path) -> list[object]:
    """The objects of a YAML file, read as Kubernetes does: no dates, no `=`, no `on` and `off` as booleans."""

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        yaml_implicit_resolvers: ClassVar = {
            first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] in ("null", "int", "float")]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))
    return [document for document in yaml.load_all(file.read_text(), Loader) if document]


def _compile(part: Part, module: Path, target: Path, log: Path, say: Say) -> None:
    """Compile the programs of a part: the tools its go.mod lists."""
    mode = "-mod=readonly"
    downloads = _counter("downloading module", say)
    if part.edits:
        golang.run(["mod", "vendor"], module, log, part.title, downloads)
        for edit in part.edits:
            _apply(edit.file, edit.old, edit.new, module)
        mode = "-mod=vendor"
    flags = [mode, "-trimpath", "-ldflags", part.ldflags]
    query = ["list", *flags, "-deps", "-f", "{{.Stale}} {{.ImportPath}}", "tool"]
    packages = golang.run(query, module, log, part.title, downloads)
    stale = {line.split()[1] for line in packages if line.startswith("true ")}
    cold_seconds = part.minutes * 60 * len(stale) / len(packages)
    target.mkdir()
    golang.run(
        ["build", "-v", *flags, "-o", f"{target}{os.sep}", "tool"],
        module,
        log,
        part.title,
        _estimate(stale, cold_seconds, len(part.programs), say),
    )
    for built, name in part.programs:
        (target / built).rename(target / name)


def _apply(file: str, old: str, new: str, module: Path) -> None:
    """Replace a literal text in a vendored file; that it is not there once means the pinned version was changed."""
    path = module / "vendor" / file
    text = path.read_text()
    if text.count(old) != 1:
        raise CaramlError(
            f"{file} has {text.count(old)} places that read {old!r}, expected one",
            fix="adapt the edits in caraml_pulumi/cluster/parts.py to the version in go.mod",
        )
    path.write_text(text.replace(old, new))


def _counter(what: str, say: Say) -> Callable[[str], None]:
    """Counts the modules that Go says it is downloading."""
    count = 0

    def on_line(line: str) -> None:
        nonlocal count
        if line.startswith("go: downloading "):
            count += 1
            say(f"{what} {count}: {line.split()[2]}")

    return on_line


def _estimate(stale: set[str], guess_seconds: float, programs: int, say: Say) -> Callable[[str], None]:
    """Says how many of the packages are compiled and how long the rest will take at the speed so far.

    Measured on two cores, packages come at an even pace and linking at the end takes no longer than they do.
    """
    started = time.monotonic()
    compiled = 0

    def on_line(line: str) -> None:
        nonlocal compiled
        compiled += line in stale
        elapsed = time.monotonic() - started
        enough = compiled > len(stale) / 50 or elapsed > 30
        rest = elapsed * (len(stale) - compiled) / compiled if enough and compiled else guess_seconds
        if compiled >= len(stale):
            say(f"linking {programs} programs")
        else:
            say(f"compiled {compiled} of {len(stale)} packages, about {_duration(rest)} left")

    return on_line


def _duration(seconds: float) -> str:
    """A remaining time as people say it, in steps of 10 s below 90 s."""
    return f"{max(10, round(seconds, -1)):.0f} s" if seconds < 90 else f"{round(seconds / 60):.0f} min"


def _check_space(part: Part) -> None:
    """Refuse to begin a build for which the disk is certainly too small."""
    free = shutil.disk_usage(tools_home()).free / 2**30
    if free < part.gib:
        raise CaramlError(
            f"{free:.1f} GiB are free on the disk, building {part.title} needs {part.gib} GiB",
            where=str(tools_home()),
            fix="free some space, or set XDG_CACHE_HOME (and GOCACHE, GOMODCACHE) to a larger disk",
        )


@contextmanager
def _lock(part: Part, say: Say) -> Iterator[None]:
    """Hold the lock of a part while building it; wait for another process that does."""
    with (tools_home() / f"{part.name}.lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                say("another process is building it, waiting")
                time.sleep(0.5)
        yield
