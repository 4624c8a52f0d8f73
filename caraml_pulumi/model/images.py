"""Image references: registry, repository, tag and digest, by the grammar that registries and container runtimes use."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from caraml_pulumi.errors import CaramlError

NAME_LENGTH: Final = 255
DIGEST_HEX_LENGTHS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}
MOVING_TAG: Final = "latest"
DEFAULT_REGISTRY: Final = "docker.io"
_DEFAULT_REGISTRY_NAMES: Final = (DEFAULT_REGISTRY, "index.docker.io", "registry-1.docker.io")
KNATIVE_REPOSITORY_LENGTH: Final = 2
"""Knative's parser refuses a shorter repository."""

_DOMAIN = re.compile(
    r"(?:[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])"
    r"(?::[0-9]+)?"
)
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_ALLOWED = "[registry[:port]/]repository[:tag][@sha256:digest]; for example ghcr.io/team/iris:1.4"


@dataclass(frozen=True, slots=True)
class Image:
    """The parts of an image reference; a part that was not given is empty."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""


def parse_image(reference: str) -> Image:
    """The parts of `reference`. Raises `CaramlError` naming the part that is malformed."""
    if not reference:
        raise CaramlError("the image is empty", allowed=_ALLOWED)
    rest, at, digest = reference.partition("@")
    last = rest.rpartition("/")[2]
    tag = last.partition(":")[2]
    name = rest.removesuffix(f":{tag}") if ":" in last else rest
    first, slash, path = name.partition("/")
    has_registry = bool(slash) and (
        first == "localhost" or any(char in first for char in ".:[") or first != first.lower()
    )
    registry, repository = (first, path) if has_registry else ("", name)
    if registry and not _DOMAIN.fullmatch(registry):
        raise _malformed(reference, f'registry "{registry}"')
    if not _REPOSITORY.fullmatch(repository):
        hint = "repositories are in lower case" if repository != repository.lower() else ""
        raise _malformed(reference, f'repository "{repository}"', hint)
    if len(name) > NAME_LENGTH:
        raise _malformed(reference, f"name of {len(name)} characters", f"at most {NAME_LENGTH}")
    if ":" in last and not _TAG.fullmatch(tag):
        raise _malformed(reference, f'tag "{tag}"', "1 to 128 letters, digits, _ . and -")
    if at:
        algorithm, _, value = digest.partition(":")
        length = DIGEST_HEX_LENGTHS.get(algorithm)
        if length is None or not re.fullmatch(rf"[0-9a-f]{{{length}}}", value):
            raise _malformed(reference, f'digest "{digest}"', "sha256: and 64 hexadecimal digits")
    return Image(registry, repository, tag, digest)


def _malformed(reference: str, part: str, fix: str = "") -> CaramlError:
    return CaramlError(f'image "{reference}" has a malformed {part}', allowed=_ALLOWED, fix=fix)


def image_reference(reference: str) -> str:
    """`reference` itself if it is well formed. Raises `CaramlError`."""
    parse_image(reference)
    return reference


def image_doubts(reference: str) -> list[str]:
    """What a person should know of a reference that is taken: that it moves, or where it comes from."""
    image = parse_image(reference)
    doubts = []
    if not image.digest and image.tag in ("", MOVING_TAG):
        named = f'the tag "{MOVING_TAG}"' if image.tag else f'no tag, which means "{MOVING_TAG}"'
        doubts.append(
            f'image "{reference}" has {named}: what runs can change without an update; name a version, or a digest'
        )
    if not image.registry:
        doubts.append(
            f'image "{reference}" names no registry, so nodes pull it from their default, mostly {DEFAULT_REGISTRY}'
        )
    return doubts


def image_from_allowed_registry(reference: str, registries: Iterable[str]) -> None:
    """Refuse an image from elsewhere than one of `registries`; without any, all are allowed.

    A registry may have a path, ``ghcr.io/team``, which then covers what is below it. An image without a registry is
    from docker.io, and there below library if its repository has no slash, as container runtimes resolve it. Raises
    `CaramlError`, also for a malformed reference.
    """
    allowed = [registry.rstrip("/") for registry in registries]
    location = image_location(reference) + "/"
    if allowed and not any(location.startswith(f"{_resolved(registry)}/") for registry in allowed):
        raise CaramlError(
            f'image "{reference}" is from {location.partition("/")[0]}, which is not an allowed registry',
            allowed=", ".join(allowed),
            fix="push the image to an allowed registry, and name it there",
        )


def image_location(reference: str) -> str:
    """The registry and repository that `reference` is pulled from, without tag and digest. Raises `CaramlError`."""
    image = parse_image(reference)
    if not image.registry and "/" not in image.repository:
        return f"{DEFAULT_REGISTRY}/library/{image.repository}"
    return _resolved(f"{image.registry or DEFAULT_REGISTRY}/{image.repository}")


def _resolved(location: str) -> str:
    """`location` with the one name of a registry that has several, and hosts in lower case."""
    host, slash, path = location.partition("/")
    host = host.lower()
    return f"{DEFAULT_REGISTRY if host in _DEFAULT_REGISTRY_NAMES else host}{slash}{path}"


def image_pinned_by_digest(reference: str) -> None:
    """Refuse an image without a digest: its tag can be pushed again, and what runs then changes without an update."""
    if not parse_image(reference).digest:
        raise CaramlError(
            f'image "{reference}" is not pinned by digest',
            allowed="repository[:tag]@sha256:digest",
            fix="add the digest that the registry gave the pushed image",
        )


def image_tag_not_moving(reference: str, moving: Iterable[str] = (MOVING_TAG,)) -> None:
    """Refuse an image whose tag is one of `moving`, tags that are pushed again and again; no tag means ``latest``.

    An image with a digest is what its digest says, whatever the tag. Raises `CaramlError`.
    """
    image = parse_image(reference)
    if not image.digest and (image.tag or MOVING_TAG) in set(moving):
        named = f'the tag "{image.tag}"' if image.tag else f'no tag, which means "{MOVING_TAG}"'
        raise CaramlError(
            f'image "{reference}" has {named}: what runs can change without an update',
            allowed="the tag of one version, or a digest",
            fix="name a version, or add the digest",
        )


def image_that_knative_parses(reference: str) -> str:
    """`reference` itself if Knative's webhook can parse it: its repository has at least two characters."""
    image = parse_image(reference)
    if image.registry and len(image.repository) < KNATIVE_REPOSITORY_LENGTH:
        raise CaramlError(
            f'Knative does not take image "{reference}": its repository "{image.repository}" is too short',
            allowed=f"a repository of at least {KNATIVE_REPOSITORY_LENGTH} characters",
        )
    return reference
