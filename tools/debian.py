"""Programs that only tests need, from Debian's packages: ``python -m tools.debian`` fetches all of them.

A program on PATH is taken as it is. Otherwise its package is downloaded with apt and unpacked into the cache of the
built tools; nothing is installed, and root is not needed. Debian and its derivatives alone have such packages;
elsewhere a person installs the program.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from caraml_pulumi.cli.main import report
from caraml_pulumi.cli.steps import Steps
from caraml_pulumi.cluster.paths import tools_home
from caraml_pulumi.errors import CaramlError

PROGRAMS: Final = {"prometheus": "prometheus", "promtool": "prometheus", "nginx": "nginx"}
"""The programs that tests run, and the package of each."""

_OS_RELEASE: Final = Path("/etc/os-release")


def program(name: str) -> Path:
    """The path of a program of `PROGRAMS`, which is fetched if need be.

    Safe to call at the same time from several processes.

    Raises:
        CaramlError: it is not on PATH and cannot be fetched.
    """
    if installed := shutil.which(name) or shutil.which(name, path="/usr/sbin"):
        return Path(installed)
    return package_home(PROGRAMS[name]) / "bin" / name


def package_home(package: str) -> Path:
    """Where the programs of `package` are, in ``bin``. It appears in one piece. Raises `CaramlError` as `program`."""
    for needed in ("apt-get", "dpkg-deb"):
        if shutil.which(needed) is None:
            raise CaramlError(
                f"{package} is not on PATH, and there is no {needed} to fetch it with",
                fix=f"install {package} (macOS: brew install {package}; Fedora: dnf install {package})",
            )
    system = _OS_RELEASE.read_bytes() if _OS_RELEASE.exists() else b""
    home = tools_home() / f"{package}-debian-{hashlib.sha256(system).hexdigest()[:12]}"
    tools_home().mkdir(parents=True, exist_ok=True)
    with (tools_home() / f"{package}-debian.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.is_dir():
            with Steps().step(f"fetch {package} from Debian"):
                _fetch(package, home)
    return home


def _fetch(package: str, home: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{package}-", dir=tools_home()) as directory:
        done = Path(directory) / "done"
        files = done / "files"
        _unpack([package], files, Path(directory))
        programs = [file for place in ("usr/bin", "usr/sbin") for file in (files / place).glob("*")]
        if any(_missing_libraries(file) for file in programs):
            _unpack(_libraries_of(package), files, Path(directory))
        (done / "bin").mkdir()
        for file in programs:
            _make_runnable(file, done / "bin", home / "files" / file.relative_to(files))
        done.rename(home)


def _unpack(packages: Sequence[str], target: Path, scratch: Path) -> None:
    """Download `packages` and unpack them into `target`; as root, with fresh lists if those that are there fail."""
    downloads = Path(tempfile.mkdtemp(dir=scratch))
    download = ["-o", "APT::Sandbox::User=root", "download", *packages]
    said = _apt(download, downloads)
    if said and os.geteuid() == 0:
        said = _apt(["update"], downloads) or _apt(download, downloads)
    if said:
        raise CaramlError(
            f"{', '.join(packages)} cannot be downloaded: {said}",
            fix=f"refresh the lists of packages (sudo apt-get update), or install it (sudo apt install {packages[0]})",
        )
    target.mkdir(parents=True, exist_ok=True)
    for archive in downloads.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", archive, target], check=True)


def _apt(arguments: Sequence[str], directory: Path) -> str:
    """Run apt-get in `directory`; the first of its errors, or nothing if all went well."""
    result = subprocess.run(
        ["apt-get", "-q", *arguments], cwd=directory, env=_plain(), capture_output=True, text=True, check=False
    )
    if result.returncode == 0:
        return ""
    errors = re.findall(r"^E: (.+)$", result.stderr, re.MULTILINE)
    return str(errors[0]) if errors else f"apt-get ended with {result.returncode}"


def _missing_libraries(file: Path) -> bool:
    linked = subprocess.run(["ldd", file], env=_plain(), capture_output=True, text=True, check=False)
    return "not found" in linked.stdout


def _libraries_of(package: str) -> list[str]:
    """The packages of libraries that `package` depends on; that of C is part of every system."""
    listed = subprocess.run(
        ["apt-cache", "depends", "--important", package], env=_plain(), capture_output=True, text=True, check=True
    )
    return re.findall(r"Depends: ((?!libc6)(?:lib|zlib)[^\s<>]+)", listed.stdout)


def _make_runnable(file: Path, directory: Path, final: Path) -> None:
    """Put a program that will be at `final` into `directory`, so that it finds the libraries it came with."""
    libraries = sorted({library.parent for library in file.parents[2].rglob("*.so.*")})
    start = final.parents[2]
    places = ":".join(str(start / place.relative_to(file.parents[2])) for place in libraries)
    setting = f'LD_LIBRARY_PATH="{places}" ' if places else ""
    script = directory / file.name
    script.write_text(f'#!/bin/sh\n{setting}exec "{final}" "$@"\n')
    script.chmod(0o755)


def _plain() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C"}


def main() -> int:
    """Fetch every program, and say where it is."""
    try:
        for name in PROGRAMS:
            print(f"{name:<11} {program(name)}")
    except CaramlError as error:
        report(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
