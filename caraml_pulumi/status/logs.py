"""Reads the logs of replicas: merged by time where they end, or followed, also those of replicas that come later."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from heapq import merge
from queue import SimpleQueue
from typing import Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import KubeClient, KubeError
from caraml_pulumi.status.log_sources import CONTAINERS, Replicas, Source, sources_in

LOOK_SECONDS: Final = 1.0
"""How often new replicas, and restarted ones, are looked for."""
THREADS: Final = 8


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What is read of each container.

    `tail` is the number of last lines, `since_seconds` how far back; None is all. `previous` reads what the container
    said before its last restart.
    """

    containers: frozenset[str] = CONTAINERS
    tail: int | None = None
    since_seconds: int | None = None
    previous: bool = False

    def params(self, *, follow: bool) -> dict[str, str]:
        """The parameters of the API; lines come with their time."""
        found = {
            "tailLines": self.tail,
            "sinceSeconds": self.since_seconds,
            "previous": "true" if self.previous else None,
            "follow": "true" if follow else None,
        }
        return {"timestamps": "true", **{name: str(value) for name, value in found.items() if value is not None}}


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """A line of a container's log."""

    time: str
    """When it was written, in RFC 3339."""
    text: str = field(compare=False)
    source: Source = field(compare=False)


def read_logs(replicas: Sequence[Replicas], options: LogOptions) -> list[Line]:
    """What the containers have said until now, merged by time. Raises `KubeError` for a log that may not be read."""
    params = options.params(follow=False)
    found = [(one.client, source) for one in replicas for source in _sources(one, options)]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(merge(*pool.map(lambda pair: list(_lines(pair[0], pair[1], params)), found)))


def follow_logs(replicas: Sequence[Replicas], options: LogOptions, note: Callable[[str], None]) -> Iterator[Line]:
    """What the containers say, as they say it; without end. `note` is told what becomes of replicas.

    Raises `CaramlError` where replicas may not be listed, or logs not be read.
    """
    lines: SimpleQueue[Line | CaramlError] = SimpleQueue()
    followed = _Followed(replicas, options, lines, note)
    threading.Thread(target=followed.run, daemon=True).start()
    while True:
        item = lines.get()
        if isinstance(item, CaramlError):
            raise item
        yield item


class _Followed:
    """Looks for containers that start, and reads each in a thread of its own."""

    def __init__(
        self,
        replicas: Sequence[Replicas],
        options: LogOptions,
        lines: "SimpleQueue[Line | CaramlError]",
        note: Callable[[str], None],
    ) -> None:
        self._replicas = replicas
        self._options = options
        self._lines = lines
        self._note = note
        self._reading: set[Source] = set()
        self._last: dict[Source, str] = {}
        """The time of the last line of each."""
        self._noted: set[str] = set()
        self._over = threading.Event()

    def run(self) -> None:
        """Go on until something fails for good."""
        params = self._options.params(follow=True)
        try:
            while True:
                self._look(params)
                params = LogOptions().params(follow=True)  # what comes later is read from its beginning
                if self._over.wait(LOOK_SECONDS):
                    return
        except CaramlError as error:
            self._lines.put(error)

    def _look(self, params: dict[str, str]) -> None:
        """Read the containers that are not read yet, and again those that go on though their log has ended."""
        for one in self._replicas:
            for source in _sources(one, self._options):
                if source in self._reading or (source in self._last and not source.runs):
                    continue
                self._reading.add(source)
                last = self._last.setdefault(source, "")
                since = {"sinceTime": last} if last else {}
                reader = threading.Thread(
                    target=self._read, args=(one.client, source, {**params, **since}), daemon=True
                )
                reader.start()
        if not self._last:
            self._note_once("no replica runs yet; waiting for one")

    def _read(self, client: KubeClient, source: Source, params: dict[str, str]) -> None:
        before = self._last[source]
        try:
            for line in _lines(client, source, params):
                if line.time > before:
                    self._last[source] = line.time
                    self._lines.put(line)
        except KubeError as error:
            if error.status in (401, 403):
                self._over.set()
                self._lines.put(error)
            elif not error.not_found:
                self._note_once(error.what)
        except CaramlError as error:
            self._note_once(error.what)
        finally:
            self._reading.discard(source)

    def _note_once(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self._note(text)


def _sources(replicas: Replicas, options: LogOptions) -> Iterator[Source]:
    for pod in replicas.pods():
        yield from sources_in(pod, options.containers, previous=options.previous)


def _lines(client: KubeClient, source: Source, params: dict[str, str]) -> Iterator[Line]:
    path = f"{client.path('v1', 'Pod', source.namespace, source.pod)}/log"
    rest = b""
    try:
        with client.stream(path, {"container": source.container, **params}) as parts:
            for part in parts:
                *whole, rest = (rest + part).split(b"\n")
                yield from (_line(text, source) for text in whole)
    except KubeError as error:
        if error.status >= 500 and "/containerLogs/" in error.message:
            reason = error.message.rpartition('": ')[2]
            raise CaramlError(
                f"the kubelet of {source.pod} gives no logs: {reason}",
                fix="ask again once its node is well; a node of the local control plane that kwok plays has no logs",
            ) from error
        raise
    if rest:
        yield _line(rest, source)


def _line(data: bytes, source: Source) -> Line:
    time, _, text = data.decode(errors="replace").rstrip("\r").partition(" ")
    return Line(time, text, source)
