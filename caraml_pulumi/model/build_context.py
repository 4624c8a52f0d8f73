"""Where an image is built from: the build contexts that Kaniko reads."""

import json
import posixpath
import re
from typing import Final

from caraml_pulumi.errors import CaramlError

WORKSPACE: Final = "/workspace"
"""Where a claim with the context is mounted; Kaniko's own default."""
MOUNTED: Final = ("dir", "tar")
"""Schemes of contexts in the container's own files, which a claim has to bring there."""
FORMS: Final = {
    "git": "git://host/repository.git[#reference[#commit]]",
    "s3": "s3://bucket/context.tar.gz",
    "gs": "gs://bucket/context.tar.gz",
    "https": "https://host/context.tar.gz",
    "dir": f"dir://{WORKSPACE}/path",
    "tar": f"tar://{WORKSPACE}/context.tar.gz",
}
"""The schemes that Kaniko takes, each with its form."""

_ALLOWED = ", ".join(FORMS.values())
_ELSEWHERE: Final = {
    "file": f"use dir://{WORKSPACE} with a claim that holds the files",
    "http": "use https",
    "ssh": "use git, with GIT_TOKEN or GIT_USERNAME and GIT_PASSWORD from a Secret",
}
_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def build_context(uri: str) -> str:
    """`uri` if Kaniko can build from it; a path may follow the address, as the scheme has it.

    Raises `CaramlError` for other schemes, for a context from standard input, and for an address with a password in it.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator or scheme not in FORMS:
        known = _ELSEWHERE.get(scheme if separator else ("ssh" if uri.startswith("git@") else "file"), "")
        raise CaramlError(f'"{_without_user(uri)}" is not a build context', allowed=_ALLOWED, fix=known)
    if "@" in rest.partition("/")[0]:
        raise CaramlError(
            f'the build context "{_without_user(uri)}" has a user or a password in its address',
            fix="take it out, and give GIT_TOKEN, or GIT_USERNAME and GIT_PASSWORD, in a Secret",
        )
    inside = scheme in MOUNTED and not (rest == WORKSPACE or rest.startswith(f"{WORKSPACE}/"))
    if not rest.strip("/") or re.search(r"\s", rest) or inside:
        raise CaramlError(f'"{uri}" is not a build context', allowed=FORMS[scheme])
    return uri


def _without_user(uri: str) -> str:
    return re.sub(r"(^|//)[^/@\s]*@", r"\1", uri)


def is_mounted(uri: str) -> bool:
    """Whether the context is in the container's own files."""
    return uri.partition("://")[0] in MOUNTED


def context_has_its_claim(uri: str, claim: str | None) -> str:
    """`uri` if what it names is there: a context in the container's files needs a claim, any other has no use for it.

    Raises `CaramlError`.
    """
    if is_mounted(uri) and claim is None:
        raise CaramlError(
            f'nothing is mounted at the build context "{uri}"',
            fix=f"name the PersistentVolumeClaim with the files in contextClaim: it is mounted at {WORKSPACE}",
        )
    if claim is not None and not is_mounted(uri):
        raise CaramlError(
            f'the claim "{claim}" is not used: the build context is "{uri}"',
            fix=f"remove contextClaim, or build from dir://{WORKSPACE}",
        )
    return uri


def relative_path(path: str) -> str:
    """`path` in a normal form if it stays below where it starts. Raises `CaramlError`."""
    normal = posixpath.normpath(path) if path else ""
    if not normal or normal[0] == "/" or normal.split("/")[0] == ".." or not path.isprintable():
        raise CaramlError(
            f'"{path}" is not a path in the build context', allowed="a path without / at its start and .. in it"
        )
    return normal


def build_argument(name: str) -> str:
    """The name of a build argument, as a Dockerfile's ARG has it. Raises `CaramlError`."""
    if not _ARGUMENT.fullmatch(name):
        raise CaramlError(
            f'"{name}" is not the name of a build argument', allowed="letters, digits and _; no digit first"
        )
    return name


def docker_config(text: str) -> str:
    """`text` if it is a Docker configuration with credentials: ``{"auths": {"registry": {"auth": "..."}}}``.

    Raises `CaramlError`, which never shows any of it.
    """
    try:
        config = json.loads(text)
    except ValueError:
        config = None
    if not isinstance(config, dict) or not {"auths", "credHelpers", "credsStore"}.intersection(config):
        raise CaramlError(
            "the registry's credentials are not a Docker configuration (not shown: they are secret)",
            allowed='JSON as in ~/.docker/config.json: {"auths": {"ghcr.io": {"auth": "..."}}}',
        )
    return text
