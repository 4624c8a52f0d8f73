"""What is installed on this machine."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final

from caraml_pulumi.doctor.checks import Check, Finding, Level

AREA: Final = "this machine"
_SHOWN: Final = ("pulumi", "pulumi-kubernetes", "pulumi-policy")
_PIN: Final = re.compile(r"^([A-Za-z0-9][-A-Za-z0-9._]*)==([^\s;\\]+)", re.MULTILINE)
_PROGRAM_SECONDS: Final = 20


def checks(root: Path | None, *, cluster: bool) -> list[Check]:
    """The checks of this machine; `root` is the project's directory, `cluster` asks for the local control plane."""
    asked = [
        Check(AREA, "Python", _python),
        Check(AREA, "packages", lambda: _packages(root)),
        Check(AREA, "Pulumi CLI", _pulumi),
        Check(AREA, "git", lambda: _git(root)),
        Check(AREA, "terminal", _terminal),
    ]
    return asked + ([Check(AREA, "local control plane", _local_cluster)] if cluster else [])


def _python() -> Iterator[Finding]:
    found = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", Level.OK, f"{found}, in {sys.prefix}")


def _packages(root: Path | None) -> Iterator[Finding]:
    """Whether the packages are those that this one needs, and those that the project's lock file names."""
    problems = list(_unmet())
    shown = ", ".join(f"{name} {version(name)}" for name in _SHOWN if name not in " ".join(problems))
    again = "install them again: pip install --upgrade caraml-pulumi"
    if problems:
        yield Finding("packages", Level.FAILED, "; ".join(problems), again)
    else:
        yield Finding("packages", Level.OK, f"caraml-pulumi {version('caraml-pulumi')}, {shown}")
    for name in ("requirements.lock", "requirements.txt"):
        if root is not None and (root / name).is_file():
            differing = list(_differing((root / name).read_text("utf-8", errors="replace")))
            if differing:
                text = f"{_counted(len(differing))} not as it pins them: {', '.join(differing[:4])}"
                yield Finding(name, Level.WARNING, text, f"pip install --requirement {name}")
            else:
                yield Finding(name, Level.OK, "the packages are as it pins them")
            return


def _counted(packages: int) -> str:
    return "1 package is" if packages == 1 else f"{packages} packages are"


def _unmet() -> Iterator[str]:
    from packaging.requirements import Requirement

    for text in requires("caraml-pulumi") or []:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            yield f"{requirement.name} is missing"
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            yield f"{requirement.name} is {found}, and {requirement.specifier} is needed"


def _differing(lock: str) -> Iterator[str]:
    for name, pinned in _PIN.findall(lock):
        try:
            found = version(name)
        except PackageNotFoundError:
            continue  # of another platform, or of development alone
        if found != pinned:
            yield f"{name} is {found} and not {pinned}"


def _pulumi() -> Iterator[Finding]:
    if shutil.which("pulumi") is None:
        yield Finding("Pulumi CLI", Level.NOTE, "not on PATH: caraml uses its own engine")
        return
    said = _said("pulumi", "version")
    yield Finding("Pulumi CLI", Level.OK, f"{said}, at {shutil.which('pulumi')}")
    needed = version("pulumi-kubernetes")
    listed = json.loads(_said("pulumi", "plugin", "ls", "--json") or "[]")
    found = [one.get("version", "") for one in listed if one.get("name") == "kubernetes"]
    if needed in found:
        yield Finding("Kubernetes plugin", Level.OK, needed)
    else:
        have = f"{', '.join(found)} and not {needed}" if found else "not installed"
        fix = f"pulumi plugin install resource kubernetes v{needed}; or use caraml's own engine: --engine embedded"
        yield Finding("Kubernetes plugin", Level.WARNING, have, fix)


def _git(root: Path | None) -> Iterator[Finding]:
    if shutil.which("git") is None:
        yield Finding("git", Level.WARNING, "not on PATH: history cannot name commits", "install git")
        return
    inside = root is not None and bool(_said("git", "-C", str(root), "rev-parse", "--is-inside-work-tree"))
    if root is None or inside:
        yield Finding("git", Level.OK, _said("git", "--version").removeprefix("git version "))
    else:
        yield Finding("git", Level.NOTE, "the project is in no repository: history cannot name commits", "git init")


def _terminal() -> Iterator[Finding]:
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if encoding != "utf8":
        fix = "export PYTHONIOENCODING=utf-8, or LC_ALL=C.UTF-8"
        yield Finding("terminal", Level.WARNING, f"its encoding is {sys.stdout.encoding}: trees look odd", fix)
        return
    size = shutil.get_terminal_size()
    watched = f"{size.columns} x {size.lines}" if sys.stdout.isatty() else "none: questions need --yes"
    yield Finding("terminal", Level.OK, f"{watched}, TERM={os.environ.get('TERM', '')}")


def _local_cluster() -> Iterator[Finding]:
    from caraml_pulumi.cluster import golang
    from caraml_pulumi.cluster.parts import ALL
    from caraml_pulumi.cluster.paths import tools_home

    missing = [part.title for part in ALL if not part.home.is_dir()]
    if not missing:
        yield Finding("local control plane", Level.OK, f"built, in {tools_home()}")
        return
    golang.check(ALL[0].source)
    minutes, gib = sum(part.minutes for part in ALL), sum(part.gib for part in ALL if not part.home.is_dir())
    text = f"to be built by caraml cluster up, up to {minutes} min and {gib} GiB: {', '.join(missing)}"
    yield Finding("local control plane", Level.NOTE, text)


def _said(*command: str) -> str:
    """What a program prints; empty if it fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_PROGRAM_SECONDS, check=False, stdin=subprocess.DEVNULL
    )
    return done.stdout.strip() if done.returncode == 0 else ""
