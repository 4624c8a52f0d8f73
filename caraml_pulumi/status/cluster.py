"""The objects of models in a cluster: a few lists for each namespace, taken at the same time."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from caraml_pulumi.kube import KubeError, NoSuchKind
from caraml_pulumi.model.labels import INFERENCE_SERVICE
from caraml_pulumi.observed.objects import Object, text_at
from caraml_pulumi.observed.pods import NODE_EVENTS
from caraml_pulumi.status.clusters import Clients
from caraml_pulumi.status.deployed import KNATIVE, ObjectRef

THREADS: Final = 8
_PODS: Final = ({"labelSelector": INFERENCE_SERVICE},)
_EVENTS: Final = tuple(
    {"fieldSelector": f"involvedObject.kind=Pod,{field}"}
    for field in ("type=Warning", *(f"reason={reason}" for reason in sorted(NODE_EVENTS)))
)


@dataclass(frozen=True, slots=True)
class ListKey:
    """A list of objects that is asked for."""

    provider: str
    api_version: str
    kind: str
    namespace: str


@dataclass(frozen=True)
class Live:
    """Objects as a cluster has them, by provider, apiVersion, kind and namespace."""

    lists: dict[ListKey, list[Object]] = field(default_factory=dict)
    gone: frozenset[tuple[str, str]] = frozenset()
    """Namespaces that do not exist, each with its provider."""

    @cached_property
    def events(self) -> dict[str, list[Object]]:
        """The events by the uid of what they are about, the newest first."""
        return newest_first(item for key, items in self.lists.items() if key.kind == "Event" for item in items)

    def all(self, provider: str, api_version: str, kind: str, namespace: str) -> Sequence[Object]:
        """The objects of a kind in a namespace."""
        return self.lists.get(ListKey(provider, api_version, kind, namespace), ())

    def one(self, ref: ObjectRef) -> Object | None:
        """An object; None if the cluster does not have it."""
        objects = self.all(ref.provider, ref.api_version, ref.kind, ref.namespace)
        return next((item for item in objects if text_at(item, "metadata", "name") == ref.name), None)

    def labelled(self, like: ObjectRef, api_version: str, kind: str, labels: Mapping[str, str]) -> list[Object]:
        """The objects of a kind beside `like` that have `labels`."""
        objects = self.all(like.provider, api_version, kind, like.namespace)
        return [
            item
            for item in objects
            if all(text_at(item, "metadata", "labels", key) == value for key, value in labels.items())
        ]


def look(clients: Clients, refs: Iterable[ObjectRef]) -> Live:
    """The objects in `refs`, and the pods, revisions and events that belong to them.

    Kinds that a cluster does not have are empty, events also where they may not be read. Raises `ClusterUnreachable`,
    and `KubeError` where another list is refused.
    """
    wanted = {one for ref in refs for one in _lists(ref)}
    with ThreadPoolExecutor(THREADS) as pool:
        found = dict(pool.map(lambda one: (one, _listed(clients, one)), sorted(wanted, key=str)))
        inhabited = {(one.provider, one.namespace) for one, items in found.items() if items}
        empty = {(one.provider, one.namespace) for one in wanted} - inhabited
        gone = pool.map(lambda place: (place, _is_gone(clients, *place)), sorted(empty))
        return Live(found, frozenset(place for place, is_gone in gone if is_gone))


def _lists(ref: ObjectRef) -> Iterable[ListKey]:
    kinds = [(ref.api_version, ref.kind), ("v1", "Pod"), ("v1", "Event")]
    if ref.api_version == KNATIVE and ref.kind == "Service":
        kinds += [(KNATIVE, "Revision"), ("apps/v1", "Deployment")]
    return [ListKey(ref.provider, api_version, kind, ref.namespace) for api_version, kind in kinds]


def _listed(clients: Clients, one: ListKey) -> list[Object]:
    client = clients[one.provider]
    selections = {"Pod": _PODS, "Event": _EVENTS}.get(one.kind, ({},)) if one.api_version == "v1" else ({},)
    try:
        path = client.path(one.api_version, one.kind, one.namespace)
        items = [item for params in selections for item in client.request("GET", path, params=params)["items"]]
    except NoSuchKind:
        return []
    except KubeError as error:
        if one.kind == "Event" and error.denied_by_rbac:
            return []
        raise
    return [{"apiVersion": one.api_version, "kind": one.kind, **item} for item in items]  # items of lists may lack both


def _is_gone(clients: Clients, provider: str, namespace: str) -> bool:
    """Whether a namespace does not exist; one that may not be asked for is taken to be there."""
    client = clients[provider]
    try:
        client.request("GET", client.path("v1", "Namespace", None, namespace))
    except KubeError as error:
        if not error.not_found and not error.denied_by_rbac:
            raise
        return error.not_found
    return False


def newest_first(events: Iterable[Object]) -> dict[str, list[Object]]:
    """Events by the uid of what they are about, the newest first."""
    found: dict[str, list[Object]] = {}
    for event in sorted(events, key=_time, reverse=True):
        found.setdefault(text_at(event, "involvedObject", "uid"), []).append(event)
    return found


def _time(event: Object) -> str:
    series = text_at(event, "series", "lastObservedTime")
    return series or text_at(event, "lastTimestamp") or text_at(event, "eventTime")
