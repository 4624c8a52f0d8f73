"""The `pulumi` that the Automation API runs, in a session of its own, so that a signal reaches it through us alone.

In ours, Ctrl-C at a terminal would reach it, but not what a supervisor sends to `caraml`; and if we passed that on, a
Ctrl-C would arrive twice, which it takes for the wish to end at once.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any, Final

from pulumi.automation import CommandResult, PulumiCommand
from pulumi.automation.errors import create_command_error

from caraml_pulumi.errors import INTERRUPTED, CaramlError

OnOutput = Callable[[str], Any]
_OPERATIONS: Final = frozenset({"preview", "up", "refresh", "destroy"})


class OwnSessionCommand(PulumiCommand):
    """Runs `pulumi` as `PulumiCommand` does."""

    def __init__(self) -> None:
        super().__init__()
        self.interrupted = False
        """Whether it was interrupted; no operation is begun then."""
        self._process: subprocess.Popen[str] | None = None

    def interrupt(self) -> None:
        """Ask what runs now to end in order; a second time, to end at once."""
        self.interrupted = True
        process = self._process
        if process is not None and process.poll() is None:
            with suppress(ProcessLookupError):  # it ended just now
                os.kill(process.pid, signal.SIGINT)

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run `pulumi` with `args`.

        Raises:
            CommandError: it fails.
            CaramlError: it was interrupted before the operation began.
        """
        if self.interrupted and args[0] in _OPERATIONS:
            raise CaramlError("stopped before it began", exit_code=INTERRUPTED)
        with subprocess.Popen(
            [self.command, "--non-interactive", *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"},
            encoding="utf-8",
            start_new_session=True,
        ) as process:
            self._process = process
            try:
                stdout, stderr = _read(process.stdout, on_output), _read(process.stderr, on_error)
                result = CommandResult(stdout=stdout(), stderr=stderr(), code=process.wait())
            except KeyboardInterrupt:
                self.interrupt()
                raise
        if result.code:
            raise create_command_error(result)
        return result


def _read(stream: IO[str] | None, on_line: OnOutput | None) -> Callable[[], str]:
    """Read a stream on a thread of its own; what is returned waits for its end, and gives all that was said."""
    assert stream is not None  # noqa: S101 - a pipe was asked for
    lines: list[str] = []

    def read() -> None:
        for line in stream:
            lines.append(line.rstrip())
            if on_line is not None:
                on_line(lines[-1])

    thread = threading.Thread(target=read, daemon=True)
    thread.start()

    def all_lines() -> str:
        thread.join()
        return "\n".join(lines)

    return all_lines
