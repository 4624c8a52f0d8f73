"""The objects a part brings, and creating many of them at once."""

import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from typing import Any

from caraml_pulumi.cluster.parts import Part
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube.client import KubeClient
from caraml_pulumi.kube.errors import KubeError

Manifest = dict[str, Any]
"""A Kubernetes object as its API has it."""
THREADS = 8
ESTABLISHED_SECONDS = 120
CRDS_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def read(part: Part, pattern: str = "*") -> list[Manifest]:
    """The objects in those manifest files of a part whose path (`<module>/<path>.json`) matches `pattern`, in order."""
    root = part.home / "manifests"
    files = sorted(file for file in root.rglob("*.json") if fnmatch(str(file.relative_to(root)), pattern))
    return [manifest for file in files for manifest in json.loads(file.read_text())]


def create(client: KubeClient, manifests: Iterable[Manifest]) -> None:
    """Create objects, several at a time in no order; those that exist already stay as they are.

    Raises:
        KubeError: the API server refuses one.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda manifest: _create(client, manifest), manifests))


def wait_established(client: KubeClient, manifests: Iterable[Manifest]) -> None:
    """Wait until the API server serves the kinds that the CustomResourceDefinitions among `manifests` define.

    Raises:
        CaramlError: one is still not served after two minutes.
    """
    deadline = time.monotonic() + ESTABLISHED_SECONDS
    for crd in (one for one in manifests if one["kind"] == "CustomResourceDefinition"):
        name = crd["metadata"]["name"]
        while not is_true(client.request("GET", f"{CRDS_PATH}/{name}"), "Established"):
            if time.monotonic() > deadline:
                raise CaramlError(f"the API server does not serve {name} after {ESTABLISHED_SECONDS} s")
            time.sleep(0.02)


def wait_described(client: KubeClient, api_version: str) -> None:
    """Wait until the API server's OpenAPI document describes `api_version`, shortly after it serves it.

    Raises:
        CaramlError: it still does not after two minutes.
    """
    deadline = time.monotonic() + ESTABLISHED_SECONDS
    while f"apis/{api_version}" not in client.request("GET", "/openapi/v3")["paths"]:
        if time.monotonic() > deadline:
            raise CaramlError(f"the API server does not describe {api_version} after {ESTABLISHED_SECONDS} s")
        time.sleep(0.02)


def is_true(manifest: Manifest, condition: str) -> bool:
    """Whether an object has a condition, and it is true."""
    conditions = manifest.get("status", {}).get("conditions") or []
    return any(one["type"] == condition and one["status"] == "True" for one in conditions)


def _create(client: KubeClient, manifest: Manifest) -> None:
    """Create one object unless it exists.

    That it exists is not always the answer: a webhook that is down, and is about to be started again, refuses first.
    """
    metadata = manifest["metadata"]
    path = client.path(manifest["apiVersion"], manifest["kind"], metadata.get("namespace"))
    try:
        client.request("POST", path, body=manifest)
    except KubeError as error:
        if not error.already_exists and not _exists(client, f"{path}/{metadata['name']}"):
            raise


def _exists(client: KubeClient, path: str) -> bool:
    """Whether there is an object at `path`."""
    try:
        client.request("GET", path)
    except KubeError as error:
        if error.not_found:
            return False
        raise
    return True
