"""The Go toolchain: found, checked, run with progress, and its failures explained."""

import os
import re
import select
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from caraml_pulumi.errors import CaramlError

OnLine = Callable[[str], None]
"""Called with each line a Go command writes to standard error, and with an empty one after each second of silence."""

DISK_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
UNREACHABLE = re.compile(
    r"dial tcp|proxyconnect|no such host|connection (refused|reset)|i/o timeout|TLS handshake|x509:|unexpected EOF|"
    r"module lookup disabled|toolchain not available|: [45]\d\d [A-Z]\w+"
)
TAMPERED = re.compile(r"checksum mismatch|SECURITY ERROR|missing go\.sum entry")


def check(source: Path) -> None:
    """Make sure that a Go new enough for the module in `source` is on PATH.

    Raises:
        CaramlError: Go is missing, or older than the module's `go` line and cannot fetch a newer toolchain itself.
    """
    least = _go_line(source)
    fix = f"install Go {least[0]}.{least[1]} or newer and put `go` on PATH"
    try:
        answer = subprocess.run(
            ["go", "env", "GOVERSION"], cwd=source, env=environment(), capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise CaramlError("the local control plane is built with Go, and `go` is not on PATH", fix=fix) from error
    found = re.match(r"go(\d+)\.(\d+)", answer.stdout)
    if answer.returncode != 0 or found is None or (int(found[1]), int(found[2])) < least:
        shown = found[0] if found else _installed_version()
        raise CaramlError(
            f"{shown} is too old to build the local control plane",
            allowed=f"Go {least[0]}.{least[1]} or newer",
            fix=fix,
        )


def environment() -> dict[str, str]:
    """The user's environment without what would change the outcome: static binaries for this machine, as pinned."""
    kept = {name: value for name, value in os.environ.items() if name not in {"GOOS", "GOARCH"}}
    return {**kept, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-buildvcs=false"}


def run(arguments: Sequence[str], cwd: Path, log: Path, title: str, on_line: OnLine) -> list[str]:
    """Run `go` with `arguments` in `cwd` and return the lines of its standard output.

    What it writes to standard error goes to the end of `log` and to `on_line`. An interrupt (Ctrl-C) ends it too.

    Raises:
        CaramlError: the command failed; names `title`, the cause as far as it is known, and the log.
    """
    said: list[str] = []
    with log.open("a") as record, tempfile.TemporaryFile("w+") as output:
        record.write(f"$ go {' '.join(arguments)}\n")
        process = subprocess.Popen(
            ["go", *arguments], cwd=cwd, env=environment(), stdout=output, stderr=subprocess.PIPE
        )
        assert process.stderr is not None  # noqa: S101  (a pipe, as asked)
        try:
            for line in _lines(process.stderr):
                if line:
                    said.append(line)
                    record.write(f"{line}\n")
                    record.flush()
                on_line(line)
            code = process.wait()
        finally:
            process.terminate()
            process.wait()
            process.stderr.close()
        if code != 0:
            raise _explained(said, title, log)
        output.seek(0)
        return output.read().splitlines()


def _explained(said: list[str], title: str, log: Path) -> CaramlError:
    """Why a Go command failed, told by what it said last."""
    text = "\n".join(said[-50:])
    last = next((line.strip() for line in reversed(said) if line.strip()), "it said nothing")
    if DISK_FULL.search(text):
        return CaramlError(
            f"the disk is full: {title} cannot be built", where=str(log), fix="free about 10 GB and try again"
        )
    if TAMPERED.search(text):
        return CaramlError(
            f"a downloaded module of {title} is not the pinned one: {last}",
            where=str(log),
            fix="ask who runs your module proxy; do not build what it served",
        )
    if UNREACHABLE.search(text):
        return CaramlError(
            f"the Go modules of {title} cannot be downloaded: {last}",
            where=str(log),
            fix="check the network, or set GOPROXY to a module proxy that you can reach, and try again",
        )
    return CaramlError(f"building {title} failed: {last}", where=str(log), fix="the log has the compiler's messages")


def _lines(stream: IO[bytes]) -> Iterator[str]:
    """The lines of a stream as they come, and an empty string after each second without one."""
    rest = b""
    while True:
        if not select.select([stream], [], [], 1.0)[0]:
            yield ""
            continue
        chunk = os.read(stream.fileno(), 65536)
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in lines)
        if not chunk:
            if rest:
                yield rest.decode(errors="replace")
            return


def _go_line(source: Path) -> tuple[int, int]:
    """The Go version that `go.mod` asks for."""
    found = re.search(r"^go (\d+)\.(\d+)", (source / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(f"{source / 'go.mod'} has no go line")
    return int(found[1]), int(found[2])


def _installed_version() -> str:
    """What the installed Go calls itself outside any module, for a message."""
    answer = subprocess.run(["go", "version"], cwd="/", capture_output=True, text=True, check=False)
    found = re.search(r"go\d+(\.\d+)*", answer.stdout)
    return found[0] if found else "the installed Go"
