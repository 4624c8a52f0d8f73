"""The recorded updates of a stack, and those among them that changed a model."""

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from caraml_pulumi.engine.state.backend import RecordedUpdate
from caraml_pulumi.engine.state.history import author
from caraml_pulumi.engine.state.times import from_seconds
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.history.changes import ModelChange, changes
from caraml_pulumi.history.components import components
from caraml_pulumi.history.models import ModelName, ModelState, agree, models

DEFAULT_LIMIT: Final = 32
"""How many updates are told, as PrimeHub keeps them of a deployment."""
LATEST: Final = "latest"
_AT_A_TIME: Final = 16
"""How many checkpoints are read at a time: enough to hide the round trips of a backend that is far away."""

Models = Mapping[ModelName, ModelState]


class Recorder(Protocol):
    """Where the history of stacks is."""

    def recorded_updates(self, project: str, stack: str) -> list[RecordedUpdate]:
        """The recorded updates, the newest first."""


@dataclass(frozen=True, slots=True)
class Update:
    """An update as the history has it."""

    version: int
    entry: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """What was done: ``update``, ``refresh``, ``destroy``, ``import``."""
        return str(self.entry.get("kind", ""))

    @property
    def result(self) -> str:
        """How it ended: ``succeeded``, ``failed``, ``in-progress``."""
        return str(self.entry.get("result", ""))

    @property
    def succeeded(self) -> bool:
        """Whether all of it was done."""
        return self.result == "succeeded"

    @property
    def message(self) -> str:
        """What it was for."""
        return str(self.entry.get("message", ""))

    @property
    def author(self) -> str:
        """Who made it, as far as is known."""
        return author(self.entry)

    @property
    def commit(self) -> str:
        """The commit that it was made from; empty if there was none."""
        return str((self.entry.get("environment") or {}).get("git.head", ""))

    @property
    def start(self) -> datetime | None:
        """When it began."""
        return from_seconds(self.entry.get("startTime"))

    @property
    def end(self) -> datetime | None:
        """When it ended."""
        return from_seconds(self.entry.get("endTime"))


@dataclass(frozen=True, slots=True)
class ModelUpdate:
    """An update, and what it did to the models."""

    update: Update
    changes: Sequence[ModelChange]


class StackHistory:
    """The history of one stack. All methods raise `CaramlError` for an update whose record is damaged."""

    def __init__(self, recorder: Recorder, project: str, stack: str) -> None:
        self.stack = f"{project}/{stack}"
        self._records = recorder.recorded_updates(project, stack)
        self._by_version = {record.version: record for record in self._records}
        self._read: dict[int, Models | None] = {}

    @property
    def versions(self) -> list[int]:
        """The numbers of the updates, the newest first."""
        return [record.version for record in self._records]

    def number(self, text: str) -> int:
        """The number of an update: a number, ``latest``, or ``-1`` for the one before it, ``-2`` and so on.

        Raises `CaramlError` for an update that there is none of.
        """
        versions = self.versions
        if text == LATEST and versions:
            return versions[0]
        if re.fullmatch(r"-?\d{1,9}", text):
            number = int(text)
            if number in self._by_version:
                return number
            if number < 0 and -number < len(versions):
                return versions[-number]
        raise CaramlError(
            f'the stack {self.stack} has no update "{text}"',
            allowed=f"{_span(versions)}, {LATEST}, or -1 for the one before it" if versions else "it has none yet",
            fix="see which there are: caraml history",
        )

    def update(self, version: int) -> Update:
        """The update of that number, which there is."""
        return Update(version, self._by_version[version].entry())

    def models(self, version: int) -> Models:
        """The models as the update of that number left them; none if it recorded no checkpoint."""
        return self._models(self._by_version[version]) or {}

    def checkpoint(self, version: int) -> bytes | None:
        """The text of the checkpoint that the update of that number left; None if it recorded none."""
        return self._by_version[version].checkpoint()

    def before(self, version: int) -> Models:
        """The models as the update of that number found them."""
        earlier = (record for record in self._records if record.version < version)
        return next((found for record in earlier if (found := self._models(record)) is not None), {})

    def states(self) -> Iterator[tuple[int, Models]]:
        """The updates that recorded a checkpoint, the newest first, and the models that each left."""
        with ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="history") as pool:
            for begin in range(0, len(self._records), _AT_A_TIME):
                window = self._records[begin : begin + _AT_A_TIME]
                for record, found in zip(window, pool.map(self._models, window), strict=True):
                    if found is not None:
                        yield record.version, found

    def steps(self) -> Iterator[tuple[int, Models, Models]]:
        """The same, with the models that each found before them."""
        newer: tuple[int, Models] | None = None
        for version, found in self.states():
            if newer:
                yield newer[0], found, newer[1]
            newer = version, found
        if newer:
            yield newer[0], {}, newer[1]

    def changes_of(self, name: ModelName, limit: int = DEFAULT_LIMIT) -> list[ModelUpdate]:
        """The updates that changed the model, the newest first, at most `limit`."""
        found: list[ModelUpdate] = []
        for version, before, after in self.steps():
            if len(found) == limit:
                break
            if not agree(before.get(name), after.get(name)):
                found.append(ModelUpdate(self.update(version), [ModelChange(name, before.get(name), after.get(name))]))
        return found

    def change(self, version: int) -> ModelUpdate:
        """The update of that number, and what it did to each model."""
        after = self._models(self._by_version[version])
        found = [] if after is None else changes(self.before(version), after)
        return ModelUpdate(self.update(version), found)

    def model(self, name: str) -> ModelName:
        """The model that `name`, ``model`` or ``project/model``, means: the newest that any update has left.

        Raises `CaramlError` if no update has left such a model, or if several projects have one.
        """
        seen: set[ModelName] = set()
        for _, found in self.states():
            meant = [one for one in found if one.answers_to(name)]
            if len(meant) > 1:
                raise CaramlError(
                    f'the model "{name}" is of several projects', allowed=", ".join(str(one) for one in meant)
                )
            if meant:
                return meant[0]
            seen.update(found)
        if self._records and not any(found is not None for found in self._read.values()):
            raise CaramlError(
                f"no update of the stack {self.stack} has left its state: this backend does not keep it",
                allowed="backends on file:// and s3://, and Pulumi Cloud",
            )
        raise CaramlError(
            f'no update of the stack {self.stack} knows a model "{name}"',
            allowed=", ".join(sorted(str(one) for one in seen)) or "it has deployed no model yet",
        )

    def _models(self, record: RecordedUpdate) -> Models | None:
        if record.version not in self._read:
            text = record.checkpoint()
            try:
                self._read[record.version] = None if text is None else models(components(text))
            except (ValueError, KeyError, TypeError):
                raise CaramlError(
                    f"the checkpoint of update {record.version} of {self.stack} is damaged", fix="name other updates"
                ) from None
        return self._read[record.version]


def _span(versions: Sequence[int]) -> str:
    first, last = versions[-1], versions[0]
    return str(last) if first == last else f"{first}-{last}"
