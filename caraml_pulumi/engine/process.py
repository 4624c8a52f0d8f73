"""The engine's side processes: Python servers of Pulumi's SDK (policy packs, dynamic providers) on loopback.

Each prints the port it listens on. What else it prints is kept, because it is what an error message has to show.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Generic, TypeVar

from google.protobuf.message import Message

from caraml_pulumi.engine.secrecy import mask, secret_texts
from caraml_pulumi.engine.values import PropertyValue
from caraml_pulumi.errors import CaramlError

if TYPE_CHECKING:
    import grpc

READY_TIMEOUT: Final = 60.0
"""Seconds a process may take until it prints its port: ten times what heavy imports take on a busy machine."""
GRACE: Final = 2.0
"""Seconds between SIGTERM and SIGKILL."""
_KEPT_LINES: Final = 200
_SHOWN_LINES: Final = 8
_LAG: Final = 0.1
"""Seconds that what a process printed before its answer may come after it, through another pipe."""

_NOT_THE_USERS: Final = rf"/site-packages/|/lib/python3\.\d+/|^{re.escape(str(Path(__file__).parents[1]))}/"
_TRACEBACK: Final = "Traceback (most recent call last):"

_BOOTSTRAP: Final = """
import logging, os, runpy, sys, threading

def end_with_parent(pipe):
    os.read(pipe, 1)
    os._exit(1)

threading.Thread(target=end_with_parent, args=(int(sys.argv[1]),), daemon=True).start()
server = logging.getLogger("grpc._server")
server.addHandler(logging.StreamHandler())
server.propagate = False
sys.argv = sys.argv[2:]
if os.path.isabs(sys.argv[0]):
    runpy.run_path(sys.argv[0], run_name="__main__")
else:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Runs a module, or the program at an absolute path, that ends when our end of a pipe closes: so it dies with us,
however we die.

The kernel's own means (PR_SET_PDEATHSIG) hangs on the thread that started the process, and threads come and go here.
The tracebacks of user code, which gRPC logs and by default drops, go to stderr.
"""


Answer = TypeVar("Answer", bound=Message)
Made = TypeVar("Made")


class Once(Generic[Made]):
    """Calls `make` at the first call, and gives what it returned, or raises what it raised, to every caller.

    Of several threads the others wait.
    """

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: list[Made] = []
        self._failure: CaramlError | None = None

    def __call__(self) -> Made:
        """What `make` made. Raises `CaramlError` as `make` does."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if not self._made:
                try:
                    self._made.append(self._make())
                except CaramlError as error:
                    self._failure = error
                    raise
            return self._made[0]


class SideProcessError(CaramlError):
    """The process ended, or did not answer: what it was asked to do may have been done."""

    outcome_unknown = True


class SideProcess:
    """A Python program run as a server: started at once, waited for at its first use, ended by `close`.

    `module` is a module's name or the absolute path of a program.

    `name` is what it is called in messages (``policy pack "guardrails"``). `environment` is added to ours, and `search`
    to where Python finds modules. `on_line` gets each line of its stdout, on a thread of its own; what is secret in
    `secrets` is masked in all that it prints. It runs in a session of its own, so that Ctrl-C reaches us alone and we
    end it in order.

    Raises:
        CaramlError: the interpreter cannot be run.
    """

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str] = (),
        *,
        directory: Path,
        environment: Mapping[str, str],
        python: Path = Path(sys.executable),
        search: Sequence[Path] = (),
        on_line: Callable[[str], None] = lambda line: None,
        secrets: Sequence[PropertyValue] = (),
    ) -> None:
        self.name = name
        self._secrets = secret_texts(secrets)
        self._on_line = on_line
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._port = 0
        self._ready = threading.Event()
        self._channel: grpc.Channel | None = None
        self._lock = threading.Lock()
        watched, self._held = os.pipe()
        path = [*map(str, search), *filter(None, [os.environ.get("PYTHONPATH")])]
        try:
            self._process = subprocess.Popen(
                [str(python), "-u", "-c", _BOOTSTRAP, str(watched), module, *arguments],
                cwd=directory,
                env={**os.environ, **({"PYTHONPATH": os.pathsep.join(path)} if path else {}), **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(watched,),
                start_new_session=True,
            )
        except OSError as error:
            os.close(self._held)
            raise CaramlError(
                f"{name} cannot be started: {error.strerror}",
                where=str(python),
                fix="check that this Python interpreter exists and may be executed",
            ) from error
        finally:
            os.close(watched)
        self._readers = [
            threading.Thread(target=reader, args=(stream,), name=name, daemon=True)
            for reader, stream in ((self._read_stdout, self._process.stdout), (self._read_stderr, self._process.stderr))
        ]
        for thread in self._readers:
            thread.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def channel(self, timeout: float = READY_TIMEOUT) -> "grpc.Channel":
        """The connection to the server; waits at most `timeout` seconds for it to be ready, the first time.

        Raises:
            CaramlError: it ended before, or did not get ready in time.
        """
        import grpc

        self._ready.wait(timeout)
        if not self._port:
            raise self._not_ready(timeout)
        with self._lock:
            if self._channel is None:
                self._channel = grpc.insecure_channel(
                    f"127.0.0.1:{self._port}",
                    options=[
                        ("grpc.enable_http_proxy", 0),  # a proxy of the environment is not for loopback
                        ("grpc.max_receive_message_length", -1),
                        ("grpc.max_send_message_length", -1),
                    ],
                )
            return self._channel

    def ask(
        self,
        call: Callable[..., Answer],
        request: Message,
        doing: str,
        *,
        timeout: float | None = None,
        secrets: Sequence[PropertyValue] = (),
    ) -> Answer:
        """The answer of the server to `request`; `doing` says for messages what it is asked to do.

        What is secret in `secrets` is masked in all that it prints from then on. Without `timeout`, in seconds, it may
        take for ever.

        Raises:
            SideProcessError: it ended, or did not answer in time.
            CaramlError: it failed; with the exception in the user's code, and where that was raised.
        """
        import grpc

        with self._lock:
            self._secrets |= secret_texts(secrets)
        try:
            return call(request, timeout=timeout)
        except grpc.RpcError as error:
            raise self._failure(error, doing, timeout) from None

    def _failure(self, error: "grpc.RpcError", doing: str, timeout: float | None) -> CaramlError:
        import grpc

        code = error.code() if hasattr(error, "code") else None
        details = error.details() or "" if hasattr(error, "details") else ""
        time.sleep(_LAG)
        printed = details if _TRACEBACK in details else "\n".join(self._lines)
        said = self.masked(last_words(printed))
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return SideProcessError(f"{self.name} did not answer within {timeout:g} s while {doing}{said}")
        if code is grpc.StatusCode.UNAVAILABLE or self._process.poll() is not None:
            return SideProcessError(f"{self.name} ended while {doing} ({self._how_it_ended()}){said}")
        return CaramlError(f"{self.name} failed while {doing}{said}", where=last_user_frame(printed))

    def close(self) -> None:
        """End the process: SIGTERM, and SIGKILL if it is still there after `GRACE` seconds. May be called again."""
        with self._lock:
            if self._channel is not None:
                self._channel.close()
                self._channel = None
            if self._held >= 0:
                self._process.terminate()
                try:
                    self._process.wait(GRACE)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
                os.close(self._held)
                self._held = -1
        for thread in self._readers:
            thread.join(GRACE)

    def _read_stdout(self, stream: IO[bytes]) -> None:
        """The port is the first line that is a number: user code may print before it."""
        while not self._port and (line := stream.readline()):
            if line.strip().isdigit():
                self._port = int(line)
                self._ready.set()
            else:
                self._on_line(self._keep(line))
        for line in stream:
            self._on_line(self._keep(line))
        stream.close()
        self._ready.set()

    def _read_stderr(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._keep(line)
        stream.close()

    def masked(self, text: str) -> str:
        """`text` with all secrets that the process was given as ``[secret]``."""
        return mask(text, self._secrets)

    def _keep(self, line: bytes) -> str:
        text = self.masked(line.decode(errors="replace").rstrip())
        self._lines.append(text)
        return text

    def _not_ready(self, timeout: float) -> CaramlError:
        if not self._ready.is_set():
            said = last_words("\n".join(self._lines))
            return CaramlError(f"{self.name} was not ready within {timeout:g} s{said}")
        for thread in self._readers:
            thread.join(GRACE)  # what it said last comes just after its end
        printed = "\n".join(self._lines)
        return CaramlError(
            f"{self.name} ended before it was ready ({self._how_it_ended()}){last_words(printed)}",
            where=last_user_frame(printed),
        )

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            return "its connection broke"
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def last_words(printed: str) -> str:
    """The last lines in `printed`, indented, on lines of their own: of a traceback the exception alone."""
    lines = [line for line in printed.splitlines() if line.strip()]
    if any(line.startswith(_TRACEBACK) for line in lines):
        body = max(number for number, line in enumerate(lines) if line.startswith(("  ", _TRACEBACK)))
        lines = lines[body + 1 :]
    return "".join(f"\n    {line}" for line in lines[-_SHOWN_LINES:])


def last_user_frame(text: str) -> str:
    """The last ``file:line`` of a traceback in `text` that is not of an installed package or ours; empty if none."""
    frames = re.findall(r'File "([^"<]+)", line (\d+)', text)
    own = [f"{file}:{line}" for file, line in frames if not re.search(_NOT_THE_USERS, file)]
    return own[-1] if own else ""
