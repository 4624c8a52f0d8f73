"""The journal of an update: what was done since the checkpoint was written, so that a killed run loses nothing."""

import json
from collections.abc import Mapping
from typing import Any, Final

from caraml_pulumi.engine.state.bucket import Log
from caraml_pulumi.engine.state.properties import compact_json
from caraml_pulumi.errors import CaramlError

_SAVED: Final = "saved"


class Journal:
    """Lines of JSON, to which records are only added. Records must not hold secrets in the clear.

    `place` says where it is, for messages.
    """

    def __init__(self, log: Log, place: str) -> None:
        self._log = log
        self._place = place

    def append(self, record: dict[str, Any]) -> None:
        """Add `record`, from any thread; `flush` makes it last."""
        self._log.append(compact_json(record).encode() + b"\n")

    def flush(self) -> None:
        """Wait until neither the end of this process nor a power failure loses what was added."""
        self._log.flush()

    def close(self, document: Mapping[str, Any]) -> None:
        """Say that the checkpoint `document`, which is saved next, has the records: they need not be replayed over it.

        Between saving it and `clear` the process may be killed.
        """
        if self.exists():
            self.append({"do": _SAVED, "in": saved_at(document)})
            self.flush()

    def read(self, document: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The records in order that the checkpoint `document` lacks.

        A last line that was being written when the process ended is left out.

        Raises:
            CaramlError: another line is damaged.
        """
        lines = self._log.read().split(b"\n")
        records: list[dict[str, Any]] = []
        for number, line in enumerate(lines[:-1], start=1):
            try:
                records.append(json.loads(line))
            except ValueError:
                raise CaramlError(
                    "the journal of an interrupted update is damaged",
                    where=f"{self._place}:{number}",
                    fix="move the file away, then run refresh to find out what the interrupted update did",
                ) from None
        saved = [number for number, record in enumerate(records, start=1) if record.get("do") == _SAVED]
        if saved and document is not None and records[saved[-1] - 1].get("in") == saved_at(document):
            return records[saved[-1] :]
        return [record for record in records if record.get("do") != _SAVED]

    def clear(self) -> None:
        """Remove the records: the checkpoint has them."""
        self._log.clear()

    def exists(self) -> bool:
        """Whether an update left records behind."""
        return self._log.exists()


def saved_at(document: Mapping[str, Any]) -> str | None:
    """When the checkpoint was made, to the microsecond: no two have the same time."""
    latest = (document.get("checkpoint") or {}).get("latest") or {}
    time: str | None = (latest.get("manifest") or {}).get("time")
    return time
