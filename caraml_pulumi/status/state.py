"""The resources of a stack as they are now: its checkpoint, and what an update under way has done since."""

from collections.abc import Iterable, Mapping
from typing import Any

from caraml_pulumi.engine.ledger import replay
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.state.resources import resource_state
from caraml_pulumi.engine.state.snapshot import Snapshot, deployment_of
from caraml_pulumi.engine.values import Secret


def current_resources(document: Mapping[str, Any], journal: Iterable[dict[str, Any]] = ()) -> list[ResourceState]:
    """The resources in a checkpoint with the records of a journal applied; no passphrase is needed.

    Secrets stay closed: they have a ciphertext and no value. Raises `CaramlError` for a document that is none.
    """
    base = [resource_state(item, _closed) for item in deployment_of(document).get("resources") or []]
    return replay(Snapshot(resources=base), journal, lambda record: resource_state(record, _closed)).resources


def _closed(sealed: dict[str, Any]) -> Secret:
    return Secret(None, sealed.get("ciphertext"))
