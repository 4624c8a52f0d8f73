"""What is promoted: what a stack has deployed of a model, once it proves to be healthy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caraml_pulumi.engine.state.snapshot import Snapshot
from caraml_pulumi.errors import UNHEALTHY, CaramlError
from caraml_pulumi.model.labels import PREDICTOR, TRANSFORMER
from caraml_pulumi.model.modes import VersionStatus
from caraml_pulumi.model.promotion import is_proven
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.promotion.digests import pinned_images
from caraml_pulumi.promotion.document import Choice
from caraml_pulumi.releases.recorded import RecordedRelease, recorded_releases
from caraml_pulumi.status.cluster import look
from caraml_pulumi.status.clusters import connected
from caraml_pulumi.status.deployed import read_deployed
from caraml_pulumi.status.derive import report
from caraml_pulumi.status.report import Report, VersionReport


@dataclass(frozen=True, slots=True)
class Proven:
    """The release of a model that is deployed and healthy."""

    environment: str
    spec: ReleaseSpec
    declared: dict[str, Any]
    """It as it was declared, with the digests of its images."""
    numbers: Sequence[int]
    """The versions that are promoted."""
    status: dict[str, Any]
    """What `caraml status --json` says of all models of the stack, with the digests of the promoted images."""


def find_recorded(state: Snapshot, model: str, stack: str) -> RecordedRelease:
    """The release of a model, ``[PROJECT/]MODEL``, in the state of `stack`. Raises `CaramlError`."""
    releases = recorded_releases(state)
    found = [one for one in releases if model in (one.name, one.model)]
    if not found:
        raise CaramlError(
            f'the stack {stack} has deployed no release of a model "{model}"',
            allowed=", ".join(one.name for one in releases) or "it has deployed no release",
            fix="name the version with --version"
            if model.rpartition("/")[2].isdecimal()
            else f"correct the name, or deploy it there first: caraml up --stack {stack}",
        )
    if len(found) > 1:
        raise CaramlError(f'the model "{model}" is of several projects', allowed=", ".join(one.name for one in found))
    return found[0]


def prove(
    document: Mapping[str, Any], state: Snapshot, recorded: RecordedRelease, choice: Choice, stack: str
) -> Proven:
    """Look at a recorded release, and what of it is promoted, in the cluster; `document` is the stack's checkpoint.

    Raises:
        CaramlError: it is not healthy (exit code `UNHEALTHY`), a digest is not known, or the cluster does not answer.
    """
    spec = recorded.spec()
    numbers = choice.numbers(spec, recorded.environment)
    deployed = read_deployed(state)
    with connected(document, state, deployed.objects) as clients:
        live = look(clients, deployed.objects)
    found = report(deployed, live)
    versions = {one.version.version: one for one in found.versions if _is_of(one.version, spec)}
    for number in numbers:
        _hold_version(versions.get(number), spec, number, recorded.environment, stack)
    if choice.version is None and spec.endpoint is not None:
        _hold_endpoint(found, spec, recorded.environment, stack)
    images = {number: pinned_images(versions[number].version, live) for number in numbers}
    return Proven(
        recorded.environment,
        spec,
        {**spec.declared(), "versions": [_pinned(one, images) for one in spec.declared()["versions"]]},
        numbers,
        _status(found, spec, images),
    )


def _hold_version(found: VersionReport | None, spec: ReleaseSpec, number: int, environment: str, stack: str) -> None:
    name = f"{spec.project}/{spec.model}"
    if found is None:
        raise CaramlError(
            f"version {number} of {name} is not deployed in {environment}: its update has not come that far",
            fix=f"deploy it there first: caraml up --stack {stack}",
            exit_code=UNHEALTHY,
        )
    state = found.state
    if not is_proven(state.status, state.phase):
        why = f": {state.reason}" if state.reason else ""
        raise CaramlError(
            f"version {number} of {name} is not healthy in {environment}, but {state.status} and {state.phase}{why}",
            allowed="running or serving, and Deployed",
            fix=f"see caraml status {name}/{number} --stack {stack}",
            exit_code=UNHEALTHY,
        )


def _hold_endpoint(found: Report, spec: ReleaseSpec, environment: str, stack: str) -> None:
    name = f"{spec.project}/{spec.model}"
    endpoint = next((one for one in found.endpoints if _is_of(one.endpoint, spec)), None)
    if endpoint is None or endpoint.status is not VersionStatus.SERVING:
        why = endpoint.reason or endpoint.status.value if endpoint else "it is not deployed"
        raise CaramlError(
            f"the endpoint of {name} is not healthy in {environment}: {why}",
            fix=f"see caraml status {name} --stack {stack}, or promote one version: --version N",
            exit_code=UNHEALTHY,
        )


def _is_of(one: Any, spec: ReleaseSpec) -> bool:  # noqa: ANN401 - a deployed version or endpoint
    return (one.project, one.model) == (spec.project, spec.model)


def _pinned(version: dict[str, Any], images: Mapping[int, Mapping[str, str]]) -> dict[str, Any]:
    """A declared version with the digests of its images, as far as they are known."""
    known = images.get(version["version"], {})
    result = {**version, "image": known.get(PREDICTOR, version["image"])}
    if (transformer := version.get("transformer")) and "image" in transformer:
        result["transformer"] = {**transformer, "image": known.get(TRANSFORMER, transformer["image"])}
    return result


def _status(found: Report, spec: ReleaseSpec, images: Mapping[int, Mapping[str, str]]) -> dict[str, Any]:
    props = found.props()
    for one in props["versions"]:
        known = images.get(one["version"], {}) if (one["project"], one["model"]) == (spec.project, spec.model) else {}
        for image in one["images"]:
            image["image"] = known.get(image["component"], image["image"])
            image["digest"] = image["image"].partition("@")[2]
    return props
