"""How a model endpoint divides its traffic over versions."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.routing import RoutingBackend

MAX_DEPLOYED_VERSIONS: Final = 2
"""Seed: Deploying a Model Version: "only a maximum of 2 model versions can be deployed"."""


def at_most_two_deployed_versions(versions: Iterable[int], *, model: str, environment: str) -> None:
    """Refuse a third deployed version of a model in an environment (seed: Deploying a Model Version)."""
    deployed = sorted(set(versions))
    if len(deployed) > MAX_DEPLOYED_VERSIONS:
        listed = ", ".join(str(version) for version in deployed)
        raise CaramlError(
            f'{len(deployed)} versions of model "{model}" would be deployed in environment "{environment}": {listed}',
            allowed=f"at most {MAX_DEPLOYED_VERSIONS} deployed versions of a model",
            fix="remove a version before another is deployed",
        )


def weights_sum_to_100(weights: Sequence[float]) -> None:
    """Refuse weights that are not whole percentages which sum to exactly 100."""
    outside = [weight for weight in weights if not 0 <= weight <= 100 or weight % 1]
    if outside:
        raise CaramlError(f"weight {outside[0]:g} is not a percentage", allowed="whole numbers from 0 to 100")
    if sum(weights) != 100:
        listed = " + ".join(f"{weight:g}" for weight in weights)
        raise CaramlError(f"the weights sum to {sum(weights):g}: {listed}", allowed="weights that sum to 100")


def canary_weight_within(weight: str, total: str) -> None:
    """Refuse a canary's weight that is no share of the requests: ingress-nginx counts to 100, or to its own total."""
    whole = int(total) if total.isdecimal() else 100
    if not (weight.isdecimal() and int(weight) <= whole):
        raise CaramlError(
            f'canary weight "{weight}" is no share of the requests', allowed=f"a whole number from 0 to {whole}"
        )


def versions_are_unique(versions: Sequence[int], noun: str) -> None:
    """Refuse a version that is listed twice."""
    twice = [version for index, version in enumerate(versions) if version in versions[:index]]
    if twice:
        raise CaramlError(f"version {twice[0]} is {noun} twice", fix="list each version once")


def no_version_is_stopped(stopped: Iterable[int]) -> None:
    """Refuse traffic for a version that is stopped: nothing would answer."""
    for version in stopped:
        raise CaramlError(
            f"traffic goes to version {version}, which is stopped", fix="start it, or give its traffic to another"
        )


def version_exists(version: int, deployed: Collection[int], *, model: str, project: str) -> None:
    """Refuse traffic for a version that is not deployed; `deployed` are those of the model that are."""
    if version not in deployed:
        listed = ", ".join(str(one) for one in sorted(deployed))
        raise CaramlError(
            f'traffic goes to version {version} of model "{model}" in {project}, which the stack does not deploy',
            allowed=f"versions that are deployed: {listed}",
            fix="deploy it, or give its traffic to one of these",
        )


def backend_exists(kind: str, name: str, known: Collection[str], *, namespace: str) -> None:
    """Refuse a route of a model to an object that is not among those of its namespace, `known`."""
    if name not in known:
        raise CaramlError(
            f'requests go to the {kind} "{name}" in {namespace}, which the stack does not have',
            fix="name that of a version that is deployed",
        )


def match_says_what(says: bool) -> None:
    """Refuse a match that takes every request: no other route would get any."""
    if not says:
        raise CaramlError("a match without headers and path takes every request", fix="add headers or a path")


def match_is_reached(index: int, first: int) -> None:
    """Refuse a match that is the same as an earlier one, `first`: no request would get to it."""
    if first < index:
        raise CaramlError(
            f"match {index + 1} is for the same requests as match {first + 1}", fix="remove one of them, or merge them"
        )


def a_try_fits(one: int | None, all_tries: int) -> None:
    """Refuse a try that may take longer than the request with all its tries."""
    if one and one > all_tries:
        raise CaramlError(
            f"one try may take {one} s, and the request with all its tries {all_tries} s",
            allowed="at most timeoutSeconds",
        )


def mirror_is_apart(mirrored: int, weighted: Iterable[int]) -> None:
    """Refuse copies for a version that answers requests: it would get them twice."""
    if mirrored in weighted:
        raise CaramlError(
            f"version {mirrored} answers requests already, and would get them twice",
            fix="mirror to a version that has no weight",
        )


def copies_are_apart(target: str, answering: Iterable[str]) -> None:
    """Refuse copies of a route's requests for what answers them already: it would get them twice."""
    if target in answering:
        raise CaramlError(
            f"{target} answers the requests already, and would get them twice",
            fix="mirror to what has no weight in the route",
        )


def backend_reaches_versions(backend: RoutingBackend, of_versions: RoutingBackend) -> None:
    """Refuse an Istio endpoint where versions have no VirtualService, through which it reaches their own paths."""
    if backend is RoutingBackend.ISTIO and of_versions is not RoutingBackend.ISTIO:
        raise CaramlError(
            f"backend ISTIO leads to the VirtualServices of versions, which backend {of_versions} does not make",
            fix="set routing.backend of the platform to ISTIO, or choose another backend",
        )


def mode_is_the_versions(said: DeploymentMode | None, deployed: DeploymentMode) -> None:
    """Refuse a deployment mode of traffic that is not the one that the version has."""
    if said and said is not deployed:
        raise CaramlError(f"the version is deployed as {deployed}, not as {said}", fix="leave it out: it is known")


def one_protocol(protocols: Iterable[Protocol]) -> None:
    """Refuse an endpoint over versions that speak different protocols (Merlin)."""
    distinct = sorted({protocol.value for protocol in protocols})
    if len(distinct) > 1:
        raise CaramlError(
            f"the versions of an endpoint speak {' and '.join(distinct)}", allowed="versions of one protocol"
        )
