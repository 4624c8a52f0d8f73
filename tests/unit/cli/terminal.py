"""The command on a terminal on which somebody types."""

import os
import subprocess
import sys
from pathlib import Path

CARAML = Path(sys.executable).with_name("caraml")


def on_a_terminal(directory: Path, answers: str, *arguments: str) -> tuple[int, str]:
    """Run `caraml` on a terminal of its own, on which `answers` are typed. Returns its exit code and what it showed."""
    controller, terminal = os.openpty()
    with os.fdopen(controller, "r+b", buffering=0) as typed:
        environment = {**os.environ, "TERM": "xterm"}
        process = subprocess.Popen(
            [CARAML, *arguments], cwd=directory, env=environment, stdin=terminal, stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        typed.write(answers.encode())
        shown = b""
        while part := _read(typed.fileno()):
            shown += part
        return process.wait(timeout=60), shown.decode()


def _read(terminal: int) -> bytes:
    """What was written on the other side; nothing once that is closed."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
