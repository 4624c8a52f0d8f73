"""The release of an environment after a promotion: what was promoted, and what the environment says itself."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.model.traffic import MAX_DEPLOYED_VERSIONS
from caraml_pulumi.promotion.settings import (
    ENDPOINT,
    VERSION,
    Settings,
    differences,
    promoted_endpoint,
    promoted_rest,
    promoted_version,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is promoted: one version, with percent of the requests if that is said, or all that answers requests."""

    version: int | None = None
    weight: int | None = None

    def numbers(self, source: ReleaseSpec, environment: str) -> list[int]:
        """The versions of `source`, deployed in `environment`, that are promoted. Raises `CaramlError` for none."""
        deployed = [one.version for one in source.versions if not one.stopped]
        if self.version is not None and self.version not in deployed:
            raise CaramlError(
                f"version {self.version} of {source.project}/{source.model} is not deployed in {environment}",
                allowed=", ".join(f"version {number}" for number in deployed) or "no version is",
                fix=f"deploy it there first: caraml up --stack {environment}",
            )
        if self.version is not None:
            return [self.version]
        answering = sorted(source.endpoint.weighted) if source.endpoint else deployed
        if not answering:
            raise CaramlError(
                f"all versions of {source.project}/{source.model} are stopped in {environment}",
                fix=f"deploy one there first: caraml up --stack {environment}",
            )
        return answering


@dataclass(frozen=True, slots=True)
class Environments:
    """The release of a model where it comes from, and where it goes; all as declared, in camelCase."""

    source: Settings
    target: Settings | None
    """None where the model is not released there."""
    base: Settings | None
    """What the source was when it was promoted last; None if it never was, or that is not known."""
    source_name: str
    target_name: str
    project: str
    """The project of the target."""


def promoted_release(among: Environments, numbers: Sequence[int], choice: Choice) -> dict[str, Any]:
    """The release of the target when versions `numbers` of the source have come.

    Versions of the target that answer requests stay deployed, so that they can take the requests back; those that do
    not make room where a model would have more than two. Raises `CaramlError` where there is none, and where the target
    is ahead of the source.
    """
    source, target = among.source, among.target or {}
    name = f"{source['project']}/{source['model']}"
    there = _by_number(target.get("versions"))
    answering = _answering(target)
    if choice.version is None and answering and max(answering) > max(numbers):
        raise CaramlError(
            f"{among.target_name} serves version {max(answering)} of {name}, "
            f"which is newer than {_listed(numbers)} of {among.source_name}",
            fix=f"promote the old version beside it by its number: --version {max(numbers)}; "
            "or go back in that environment: caraml rollback",
        )
    kept = _kept(there, numbers, answering)
    if len(numbers) + len(_running(there, kept)) > MAX_DEPLOYED_VERSIONS:
        raise CaramlError(
            f"there is no room for {_listed(numbers)} of {name} in {among.target_name}: "
            f"in use are {_listed(_running(there, kept))}",
            allowed=f"at most {MAX_DEPLOYED_VERSIONS} deployed versions of a model",
            fix=f"end the rollout in {among.target_name} first, or promote one version: --version N",
        )
    versions = {number: there[number] for number in kept} | {
        number: _version(among, there, answering, number) for number in numbers
    }
    release = {
        "model": source["model"],
        "project": among.project,
        "versions": [versions[number] for number in sorted(versions)],
    }
    endpoint = _endpoint(among, numbers, choice, versions)
    return {
        **release,
        **({"endpoint": endpoint} if endpoint else {}),
        **promoted_rest(source, among.target, among.base),
    }


def own_settings(source: Settings, release: Settings, numbers: Collection[int]) -> list[str]:
    """What the release says otherwise than the source of what was promoted: settings that are the environment's own."""
    before, after = _by_number(source.get("versions")), _by_number(release.get("versions"))
    found = []
    for number in numbers:
        found += differences(before[number], after[number], VERSION, f"versions[{number}]")
    if source.get("endpoint") and release.get("endpoint"):
        ends = [{name: one for name, one in side["endpoint"].items() if name in ENDPOINT} for side in (source, release)]
        found += differences(ends[0], ends[1], ENDPOINT, "endpoint")
    return found


def _version(
    among: Environments, there: Mapping[int, Settings], answering: Mapping[int, int], number: int
) -> dict[str, Any]:
    """A version of the source; its own settings are those of the same version in the target, or of the one in use."""
    before = _by_number((among.base or {}).get("versions"))
    like = number if number in there else _in_use(there, answering)
    base = before.get(like) if like is not None else None
    coming = _by_number(among.source["versions"])[number]
    version = promoted_version(coming, None if like is None else there[like], base)
    if like == number:
        return version
    names = [*coming, *(name for name in version if name not in coming)]
    return {name: version[name] for name in names if name in version and name != "revision"}


def _in_use(there: Mapping[int, Settings], answering: Mapping[int, int]) -> int | None:
    """The version of the target that new ones are deployed like: that with the most requests, else the newest."""
    return max(there, key=lambda number: (answering.get(number, 0), number), default=None)


def _kept(there: Mapping[int, Settings], numbers: Collection[int], answering: Collection[int]) -> list[int]:
    """The versions of the target that stay beside the promoted ones: those without requests go first, by age."""
    kept = sorted(number for number in there if number not in numbers)
    idle = [number for number in _running(there, kept) if number not in answering]
    while idle and len(numbers) + len(_running(there, kept)) > MAX_DEPLOYED_VERSIONS:
        kept.remove(idle.pop(0))
    return kept


def _endpoint(
    among: Environments, numbers: Sequence[int], choice: Choice, versions: Collection[int]
) -> dict[str, Any] | None:
    """The endpoint of the target: its requests go where those of the source go, or one version joins."""
    source, target = among.source.get("endpoint"), (among.target or {}).get("endpoint")
    if target is not None and (source is None or choice.version is not None):
        return {**target, "traffic": _joined(target["traffic"], choice)}
    if source is None:
        return None
    endpoint = promoted_endpoint(source, target, (among.base or {}).get("endpoint"))
    if choice.version is not None:
        endpoint["traffic"] = [{"version": choice.version, "weight": 100}]
    endpoint["traffic"] = _weighted(endpoint["traffic"])
    matches = [{**match, "traffic": _weighted(match["traffic"])} for match in endpoint.pop("matches", [])]
    if led := [match for match in matches if all(share["version"] in numbers for share in match["traffic"])]:
        endpoint["matches"] = led
    if "mirror" in endpoint and endpoint["mirror"]["version"] not in {*versions} - {*numbers}:
        del endpoint["mirror"]
    return endpoint


def _weighted(shares: Sequence[Settings]) -> list[Settings]:
    """The shares of the requests that are any."""
    return [share for share in shares if share["weight"]]


def _joined(traffic: Sequence[Settings], choice: Choice) -> list[Settings]:
    """The traffic of an endpoint that a version joins: unchanged, unless a weight is given."""
    if choice.version is None or choice.weight is None:
        return list(traffic)
    others = [share for share in traffic if share["version"] != choice.version and share["weight"]]
    if choice.weight == 100:
        others = []
    elif len(others) != 1:
        raise CaramlError(
            f"version {choice.version} cannot have {choice.weight} % of the requests: "
            f"{'no other version has' if not others else 'several others have'} the rest",
            fix="leave out --weight; afterwards move the requests with caraml rollout",
        )
    shares = [{**share, "weight": 100 - choice.weight} for share in others]
    shares += [{"version": choice.version, "weight": choice.weight}] if choice.weight else []
    return sorted(shares, key=lambda share: int(share["version"]))


def _answering(release: Settings) -> dict[int, int]:
    """The versions of a release that get requests, or copies of them; with the weight on the default route.

    Without an endpoint those are all that run, at their own addresses.
    """
    if not (endpoint := release.get("endpoint")):
        there = _by_number(release.get("versions"))
        return dict.fromkeys(_running(there, there), 0)
    shares = [share for match in endpoint.get("matches") or [] for share in match["traffic"]]
    reached = {share["version"]: 0 for share in shares if share["weight"]}
    if mirror := endpoint.get("mirror"):
        reached[mirror["version"]] = 0
    return reached | {share["version"]: share["weight"] for share in endpoint["traffic"] if share["weight"]}


def _running(there: Mapping[int, Settings], numbers: Iterable[int]) -> list[int]:
    """Which of the versions are not stopped."""
    return [number for number in numbers if not there[number].get("stopped")]


def _by_number(versions: Any) -> dict[int, Settings]:  # noqa: ANN401 - a list of versions, or nothing
    return {version["version"]: version for version in versions or []}


def _listed(numbers: Collection[int]) -> str:
    return f"version{'s' if len(numbers) > 1 else ''} {' and '.join(map(str, sorted(numbers)))}"
