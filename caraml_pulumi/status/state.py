"""The resources of a stack as they are now: its checkpoint, and what an update under way has done since."""

from collections.abc import Iterable, Mapping
from typing import Any

from caraml_pulumi.engine.ledger import replay
from caraml_pulumi.engine.state.resources import resource_state
from caraml_pulumi.engine.state.snapshot import Snapshot, deployment_of
from caraml_pulumi.engine.values import Secret


def current_state(document: Mapping[str, Any], journal: Iterable[dict[str, Any]] = ()) -> Snapshot:
    """A checkpoint with the records of a journal applied; no passphrase is needed.

    Secrets stay closed: they have a ciphertext and no value. Raises `CaramlError` for a document that is none.
    """
    base = [resource_state(item, _closed) for item in deployment_of(document).get("resources") or []]
    return replay(Snapshot(resources=base), journal, lambda record: resource_state(record, _closed))


def _closed(sealed: dict[str, Any]) -> Secret:
    return Secret(None, sealed.get("ciphertext"))
