"""The properties of versions, endpoints and monitoring as people compare them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from caraml_pulumi.engine.display.values import COMPUTED, SECRET, is_secret, is_unknown, plain_value
from caraml_pulumi.engine.values import PropertyValue
from caraml_pulumi.review.document import NamesChange, PropertyChange
from caraml_pulumi.review.subjects import whole

Props = Mapping[str, Any]
Words = Callable[[Props], str | None]
"""A property in words; None if it is not set."""
_DIGEST: Final = re.compile(r"@(sha256:[0-9a-f]{12})[0-9a-f]+")
_UNSHOWN: Final = "[not shown]"


def shown(value: PropertyValue) -> str | None:
    """A value in words: text as it is, lists and maps without quotes and braces, nothing for what is empty."""
    value = plain_value(value)
    if value is None or value in ("", [], {}):
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {words}" for key in sorted(value) if (words := shown(value[key])) is not None) or None
    if isinstance(value, list):
        return ", ".join(words for item in value if (words := shown(item)) is not None) or None
    return str(value)


def of(*path: str) -> Words:
    """The property at `path` in words."""
    return lambda props: shown(_at(props, *path))


def image(*path: str) -> Words:
    """An image, the digest in it shortened."""

    def words(props: Props) -> str | None:
        reference = shown(_at(props, *path))
        return None if reference is None else _DIGEST.sub(r"@\1", reference)

    return words


def hidden(*path: str) -> Words:
    """Something that may have a secret in it: how long it is, and no more."""

    def words(props: Props) -> str | None:
        value = plain_value(_at(props, *path))
        if value in (SECRET, COMPUTED):
            return str(value)
        if not value:
            return None
        items = len(value) if isinstance(value, list) else 1
        return f"{items} item{'s' if items != 1 else ''} {_UNSHOWN}"

    return words


def replicas(*path: str) -> Words:
    """``0 to 2``, or ``2`` where they do not change."""

    def words(props: Props) -> str | None:
        request = _at(props, *path)
        if _opaque(request):
            return shown(request)
        least, most = shown(_at(request, "minReplica")), shown(_at(request, "maxReplica"))
        return most if least == most else f"{least or '?'} to {most or '?'}"

    return words


def amount(name: str, *path: str) -> Words:
    """``100m, at most 200m``: the request and the limit of CPU or memory."""

    def words(props: Props) -> str | None:
        request = _at(props, *path)
        if _opaque(request):
            return shown(request)
        asked, limit = shown(_at(request, f"{name}Request")), shown(_at(request, f"{name}Limit"))
        if asked is None:
            return None
        return f"{asked}, limit {limit}" if limit else f"{asked}, no limit"

    return words


def gpu(*path: str) -> Words:
    """``1 nvidia.com/gpu``."""

    def words(props: Props) -> str | None:
        request = _at(props, *path)
        if _opaque(request):
            return shown(request)
        count = shown(_at(request, "gpuRequest"))
        return f"{count} {shown(_at(request, 'gpuResource')) or 'GPU'}" if count else None

    return words


def autoscaling(*path: str) -> Words:
    """``concurrency, target 2``: the metric, its target, and what else the policy says."""

    def words(props: Props) -> str | None:
        policy = _at(props, *path)
        if _opaque(policy) or not isinstance(policy, Mapping):
            return shown(policy)
        rest = {key: value for key, value in policy.items() if key != "metric"}
        return ", ".join(filter(None, (shown(policy.get("metric")), shown(rest)))) or None

    return words


def division(shares: object) -> str | None:
    """``90 % to version 1, 10 % to version 2``."""
    if not isinstance(shares, Sequence) or isinstance(shares, str):
        return shown(shares)
    ordered = sorted(shares, key=lambda share: whole(_at(share, "version")) or 0)
    parts = [f"{shown(_at(share, 'weight'))} % to version {shown(_at(share, 'version'))}" for share in ordered]
    return ", ".join(parts) or None


def matches(props: Props) -> str | None:
    """``x-group exact beta: 100 % to version 2``, each route on its own."""
    routes = _at(props, "matches")
    if not isinstance(routes, Sequence) or isinstance(routes, str):
        return shown(routes)
    texts = []
    for route in routes:
        asked = ", ".join(filter(None, (shown(_at(route, "headers")), shown(_at(route, "path")))))
        texts.append(f"{asked}: {division(_at(route, 'traffic'))}")
    return "; ".join(texts) or None


def mirror(props: Props) -> str | None:
    """``10 % copied to version 2``."""
    copied = _at(props, "mirror")
    if not isinstance(copied, Mapping):
        return shown(copied)
    return f"{shown(copied.get('percentage'))} % copied to version {shown(copied.get('version'))}"


def objective(props: Props) -> str | None:
    """The objective of a model in words."""
    return shown(_at(props, "objective"))


def _workload(prefix: str, *path: str) -> list[tuple[str, Words]]:
    return [
        (f"{prefix}image", image(*path, "image")),
        (f"{prefix}replicas", replicas(*path, "resourceRequest")),
        (f"{prefix}CPU", amount("cpu", *path, "resourceRequest")),
        (f"{prefix}memory", amount("memory", *path, "resourceRequest")),
        (f"{prefix}GPU", gpu(*path, "resourceRequest")),
        (f"{prefix}autoscaling", autoscaling(*path, "autoscalingPolicy")),
        (f"{prefix}command", hidden(*path, "command")),
        (f"{prefix}args", hidden(*path, "args")),
    ]


_IMAGE, *_REST = _workload("")
OF_VERSION: Final[Sequence[tuple[str, Words]]] = (
    _IMAGE,
    ("artifact", of("storageUri")),
    ("mode", of("deploymentMode")),
    ("protocol", of("protocol")),
    *_REST,
    *_workload("transformer ", "transformer"),
    ("timeout (s)", of("timeoutSeconds")),
    ("service account", of("serviceAccountName")),
    ("revision", of("revision")),
)
"""The properties of a version, in the order in which they are read."""
QUIET: Final = frozenset({"labels", "protocol"})
"""What an added or removed version does not tell of itself."""
NAMED_OF_VERSION: Final[Mapping[str, tuple[str, ...]]] = {
    "env": ("env",),
    "secrets": ("secrets",),
    "transformer env": ("transformer", "env"),
    "transformer secrets": ("transformer", "secrets"),
    "labels": ("labels",),
}
OF_ENDPOINT: Final[Sequence[tuple[str, Words]]] = (
    ("traffic", lambda props: division(_at(props, "traffic"))),
    ("matches", matches),
    ("mirror", mirror),
    ("access", of("access")),
    ("backend", of("backend")),
    ("protocol", of("protocol")),
    ("timeout (s)", of("timeoutSeconds")),
    ("retries", of("retries")),
    ("CORS", of("cors")),
    ("request size", of("maxRequestSize")),
)
"""The properties of an endpoint."""
NAMED_OF_ENDPOINT: Final[Mapping[str, tuple[str, ...]]] = {"clients": ("clients",), "labels": ("labels",)}
OF_MONITORING: Final[Sequence[tuple[str, Words]]] = (
    ("monitoring", of("enabled")),
    ("objective", objective),
    ("dashboard", of("dashboard")),
)
"""The properties of a model's monitoring."""


def changed(table: Iterable[tuple[str, Words]], old: Props | None, new: Props | None) -> list[PropertyChange]:
    """The properties of `table` that differ; of what is added or removed, those that are set."""
    found = []
    for name, words in table:
        before = None if old is None else words(old)
        after = None if new is None else words(new)
        if before != after and not (name in QUIET and None in (old, new)):
            found.append(PropertyChange(name=name, before=before, after=after))
    return found


def names_changed(table: Mapping[str, tuple[str, ...]], old: Props | None, new: Props | None) -> list[NamesChange]:
    """The names that come, go, or get another value, by property."""
    found = []
    for name, path in table.items():
        if name in QUIET and None in (old, new):
            continue
        values = _at(old or {}, *path), _at(new or {}, *path)
        if values[0] != values[1] and (closed := [shown(value) or "" for value in values if _opaque(value)]):
            found.append(NamesChange(name=name, added=[], removed=[], changed=closed[-1:]))
            continue
        before, after = (_named(value) for value in values)
        change = NamesChange(
            name=name,
            added=sorted(after.keys() - before.keys()),
            removed=sorted(before.keys() - after.keys()),
            changed=sorted(key for key in before.keys() & after.keys() if before[key] != after[key]),
        )
        if change.added or change.removed or change.changed:
            found.append(change)
    return found


def alerts_changed(old: Props | None, new: Props | None) -> list[NamesChange]:
    """The alerts of a model that come, go or change, by their metrics."""
    return names_changed({"alerts": ("alerts",)}, _alerts(old), _alerts(new))


def _alerts(props: Props | None) -> Props | None:
    """`alerts` as a map from what an alert is about to the whole of it."""
    listed = _at(props or {}, "alerts")
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        return None
    named: dict[str, list[Any]] = {}
    for alert in listed:
        if isinstance(alert, Mapping):
            named.setdefault(shown(alert.get("name") or alert.get("metric")) or "?", []).append(alert)
    return {"alerts": named}


def _named(value: object) -> dict[str, Any]:
    """Names and their values, of a map or a list of names."""
    if isinstance(value, Mapping):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return {str(shown(item)): None for item in value}
    return {}


def _opaque(value: object) -> bool:
    """Whether nothing is known of what is in `value`."""
    return is_secret(value) or is_unknown(value)


def _at(value: object, *path: str) -> Any:  # noqa: ANN401 - whatever the inputs have there
    """The value at `path` through maps; what is not known, or secret, further up is that further down."""
    for name in path:
        if _opaque(value):
            return value
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
