"""Which settings of a release travel between environments, and which are an environment's own.

What is not listed here travels: image, artifact, protocol, mode, probes, command, timeouts and so on are what was
tested. This is the one list of the others.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final


class Own(Enum):
    """How far a setting is an environment's own."""

    ALWAYS = "always"
    """It never travels: the target keeps what it says, and where it says nothing, its platform decides."""
    ONCE_SET = "once set"
    """It travels to an environment that has no version of the model yet, and later as long as the target still says
    what was promoted to it: what was changed there since is its own."""
    BY_NAME = "by name"
    """A map whose entries are taken one by one: those that the target says otherwise than was promoted are its own, and
    what is new in the source comes."""


Scheme = Mapping[str, "Own | Scheme"]
"""How the settings of a map are taken, by their names in camelCase."""

WORKLOAD: Final[Scheme] = {
    "replicas": Own.ALWAYS,
    "initialScale": Own.ALWAYS,
    "nodeSelector": Own.ALWAYS,
    "tolerations": Own.ALWAYS,
    "affinity": Own.ALWAYS,
    "priorityClassName": Own.ALWAYS,
    "topologySpreadConstraints": Own.ALWAYS,
    "podDisruptionBudget": Own.ALWAYS,
    "instanceType": Own.ONCE_SET,
    "autoscalingPolicy": Own.ONCE_SET,
    "runtimeClassName": Own.ONCE_SET,
    "env": Own.BY_NAME,
    "secretRefs": Own.BY_NAME,
    "resourceRequest": {
        "minReplica": Own.ALWAYS,
        "maxReplica": Own.ALWAYS,
        "cpuRequest": Own.ONCE_SET,
        "cpuLimit": Own.ONCE_SET,
        "memoryRequest": Own.ONCE_SET,
        "gpuName": Own.ONCE_SET,
        "gpuRequest": Own.ONCE_SET,
    },
}
"""Settings of a predictor and of a transformer."""

VERSION: Final[Scheme] = {
    **WORKLOAD,
    "revision": Own.ALWAYS,
    "queueProxy": Own.ONCE_SET,
    "serviceAccountName": Own.ONCE_SET,
    "imagePullSecrets": Own.ONCE_SET,
    "labels": Own.BY_NAME,
    "annotations": Own.BY_NAME,
}
"""Settings of a version but for its transformer, whose settings are taken as those of a workload."""

_PARTS_OF_VERSION: Final[Scheme] = {"transformer": WORKLOAD}

ENDPOINT: Final[Scheme] = {
    "backend": Own.ALWAYS,
    "mirror": Own.ALWAYS,
    "access": Own.ONCE_SET,
    "cors": Own.ONCE_SET,
    "monitoring": Own.ONCE_SET,
    "labels": Own.BY_NAME,
}
"""Settings of an endpoint but for where its requests go."""


_PARTS: Final = ("model", "project", "versions", "endpoint", "promotedFrom")
"""What a release consists of that is taken otherwise than its other settings."""

Settings = Mapping[str, Any]
"""Properties in camelCase as plain values."""


def promoted_version(source: Settings, target: Settings | None, base: Settings | None) -> dict[str, Any]:
    """The version `source` as it is to be in an environment that has `target`, which was made from `base`.

    `target` is the version there whose settings are kept, this one or another of the model; None where there is none.
    `base` is what was promoted to that last; None where that is not known.
    """
    result = _workload({key: value for key, value in source.items() if key != "stopped"}, target, base, VERSION)
    result.pop("stopped", None)
    if (transformer := source.get("transformer")) is not None:
        there = (target or {}).get("transformer")
        result["transformer"] = _workload(transformer, there, (base or {}).get("transformer"), WORKLOAD)
    return result


def promoted_endpoint(source: Settings, target: Settings | None, base: Settings | None) -> dict[str, Any]:
    """The endpoint `source` as it is to be in an environment that has `target`, which was made from `base`."""
    return _merged(source, target, base, ENDPOINT)


def promoted_rest(source: Settings, target: Settings | None, base: Settings | None) -> dict[str, Any]:
    """What a release says besides its versions and its endpoint; all of it is its own `ONCE_SET`."""
    rests = [_rest(release) for release in (source, target, base)]
    return _merged(rests[0] or {}, rests[1], rests[2], dict.fromkeys({*source, *(target or {})}, Own.ONCE_SET))


def differences(source: Settings, target: Settings, scheme: Scheme, *prefix: str) -> list[str]:
    """The settings of `target` that are not those of `source`, as dotted names; entries of maps by name one by one."""
    found = []
    for name in [*source, *(name for name in target if name not in source)]:
        one, other, own = source.get(name), target.get(name), _PARTS_OF_VERSION.get(name, scheme.get(name))
        if own is Own.BY_NAME or isinstance(own, Mapping):
            parts = own if isinstance(own, Mapping) else {}
            found += differences(one or {}, other or {}, parts, *prefix, name)
        elif one != other:
            found.append(".".join((*prefix, name)))
    return found


def _rest(release: Settings | None) -> Settings | None:
    return None if release is None else {key: value for key, value in release.items() if key not in _PARTS}


def _workload(source: Settings, target: Settings | None, base: Settings | None, scheme: Scheme) -> dict[str, Any]:
    result = _merged(source, target, base, scheme)
    if "replicas" in result:  # a fixed number, which an autoscaler of the source would contradict
        result.pop("autoscalingPolicy", None)
    return result


def _merged(source: Settings, target: Settings | None, base: Settings | None, scheme: Scheme) -> dict[str, Any]:
    """The settings of `source` with those of `target` that are its own, in the order of the target and the source."""
    names = [*(target or {}), *(name for name in source if name not in (target or {}))]
    values = {name: _value(name, source, target, base, scheme.get(name)) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _value(
    name: str, source: Settings, target: Settings | None, base: Settings | None, own: Own | Scheme | None
) -> Any:  # noqa: ANN401 - any property of a release; None: it has none
    coming, there, before = source.get(name), (target or {}).get(name), (base or {}).get(name)
    if own is None:
        return coming
    if own is Own.ALWAYS:
        return there
    if own is Own.ONCE_SET:
        travels = target is None or (base is not None and there == before)
        return coming if travels else there
    if isinstance(own, Own):
        return _by_name(coming or {}, there or {}, before or {}) or None
    part = _merged(coming or {}, None if target is None else there or {}, None if base is None else before or {}, own)
    return part or None


def _by_name(coming: Settings, there: Settings, before: Settings) -> dict[str, Any]:
    """The entries of the target that are its own, and those of the source; what either took out stays out."""
    names = [*there, *(name for name in coming if name not in there and name not in before)]
    own = {name for name in there if there[name] != before.get(name)}
    return {name: there[name] if name in own else coming[name] for name in names if name in own or name in coming}
