"""Releases as `caraml init` and `caraml add` make them: a model's first, and one with another version."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.modes import DeploymentMode
from caraml_pulumi.scaffold.texts import scalar, text

MOST_DEPLOYED: Final = 2
"""How many versions of a model may be deployed at a time (seed: Deploying a Model Version)."""
_OF_ONE_VERSION: Final = ("version", "image", "revision", "stopped")
"""What a version does not take over from the one before."""
_MODES: Final = {
    DeploymentMode.SERVERLESS: {
        "mode_means": "a Knative Service, which may scale to zero; RAW_DEPLOYMENT is a Deployment",
        "metric": "concurrency",
        "metric_means": "requests in flight for each replica",
        "target": "2",
    },
    DeploymentMode.RAW_DEPLOYMENT: {
        "mode_means": "a Deployment with a HorizontalPodAutoscaler; SERVERLESS is a Knative Service",
        "metric": "cpu_utilization",
        "metric_means": "percent of the CPU request",
        "target": "60",
    },
}


def first_release(
    project: str, model: str, image: str, environment: str, mode: DeploymentMode, *, endpoint: bool = True
) -> str:
    """The file of a new model's release: version 1, which gets all requests if there is an `endpoint`."""
    names = {"project": scalar(project), "model": scalar(model), "image": scalar(image)}
    versions = text("stacks/release.yaml", environment=environment, mode=mode.value, **names, **_MODES[mode])
    return versions + (text("stacks/endpoint.yaml", **names) if endpoint else "")


def next_version(release: Mapping[str, Any]) -> int:
    """The number of the next version."""
    return max(int(version["version"]) for version in release["versions"]) + 1


def with_version(
    release: Mapping[str, Any], number: int, image: str, *, weight: int | None = None, replace: int | None = None
) -> dict[str, Any]:
    """`release` with another version, which has the settings of the newest one.

    It gets `weight` percent of the requests, and the others the rest in their proportions. Without a weight it gets
    none, or those of the version that it is to `replace`, which goes.

    Raises:
        CaramlError: the version is there already, the one to replace is not, two versions are deployed already, there
            is no endpoint to get requests from, or nobody is left to get the rest of them.
    """
    changed = deepcopy(dict(release))
    versions: list[dict[str, Any]] = changed["versions"]
    listed = [version["version"] for version in versions]
    if number in listed:
        raise CaramlError(
            f"version {number} of {release['model']} is there already",
            fix=f"leave --version out for {max(listed) + 1}, the next one, or edit the file",
        )
    if replace is not None and replace not in listed:
        raise CaramlError(
            f"there is no version {replace} to replace", allowed=", ".join(map(str, listed)), where="--replace"
        )
    newest = max(versions, key=lambda version: int(version["version"]))
    settings = {key: value for key, value in newest.items() if key not in _OF_ONE_VERSION}
    changed["versions"] = [version for version in versions if version["version"] != replace]
    changed["versions"].append({"version": number, "image": image, **settings})
    _check_deployed(release["model"], changed["versions"])
    if changed.get("endpoint"):
        traffic = changed["endpoint"].get("traffic") or []
        changed["endpoint"]["traffic"] = _divided(traffic, number, weight, replace)
    elif weight is not None:
        raise CaramlError(
            f"the release of {release['model']} has no endpoint, so that no version has a weight",
            where="--weight",
            fix="leave --weight out, or give the release an endpoint first",
        )
    return changed


def _check_deployed(model: str, versions: Sequence[Mapping[str, Any]]) -> None:
    deployed = [version["version"] for version in versions if not version.get("stopped")]
    if len(deployed) > MOST_DEPLOYED:
        older = ", ".join(map(str, deployed[:-1]))
        raise CaramlError(
            f"{model} would have {len(deployed)} deployed versions",
            allowed=f"at most {MOST_DEPLOYED}; deployed are {older}",
            fix=f"name the one that goes: --replace {deployed[0]}",
        )


def _divided(
    traffic: Sequence[Mapping[str, Any]], number: int, weight: int | None, replace: int | None
) -> list[dict[str, Any]]:
    """The weights with the new version's; a version without any is left out."""
    others = [dict(share) for share in traffic if share["version"] != replace]
    if weight is None:
        weight = sum(int(share["weight"]) for share in traffic if share["version"] == replace)
    rest, total = 100 - weight, sum(int(share["weight"]) for share in others)
    if rest and not total:
        raise CaramlError(
            f"{rest} percent of the requests would go to no version",
            where="--weight",
            allowed="100, as no other version gets any",
        )
    before = 0
    for share in others:  # each gets the part between two rounded sums, so that nothing is lost
        upto = before + int(share["weight"])
        share["weight"] = (upto * rest + total // 2) // total - (before * rest + total // 2) // total
        before = upto
    return [share for share in (*others, {"version": number, "weight": weight}) if share["weight"]]
