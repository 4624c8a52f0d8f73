"""The least that could do the work: eight threads and one kept-alive pool, no plan, no state, nothing shown.

Run as a process of its own: `python -m bench.bare KUBECONFIG OPERATION OBJECTS`, where OBJECTS is a JSON file of
``{collection, item, body}`` and OPERATION is preview (create as a dry run), up (create, wait until ready), refresh
(read) or destroy (delete, wait until gone).
"""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from urllib3 import HTTPConnectionPool

from caraml_pulumi.kube.connection import connection_pool
from caraml_pulumi.kube.credentials import CredentialSource
from caraml_pulumi.kube.kubeconfig import load_cluster_config

THREADS: Final = 8
POLL_SECONDS: Final = 0.1
DEADLINE_SECONDS: Final = 300.0

Object = dict[str, Any]


def _connect(kubeconfig: str) -> tuple[HTTPConnectionPool, dict[str, str]]:
    config = load_cluster_config(kubeconfig)
    credentials = CredentialSource(config).get()
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if credentials.authorization:
        headers["Authorization"] = credentials.authorization
    return connection_pool(config, credentials), headers


def _ready(live: Object) -> bool:
    """Whether a Deployment or Knative Service is ready; anything else always is."""
    status = live.get("status", {})
    if "replicas" in live["spec"] and live.get("kind") != "HorizontalPodAutoscaler":
        current = status.get("observedGeneration") == live["metadata"]["generation"]
        return bool(current and status.get("availableReplicas", 0) >= live["spec"]["replicas"])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", []))


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit(f"not done within {DEADLINE_SECONDS:g} s")
        time.sleep(POLL_SECONDS)


def run(kubeconfig: str, operation: str, objects: list[Object]) -> None:
    """Do `operation` on all `objects`; any answer that is a failure ends the process."""
    pool, headers = _connect(kubeconfig)

    def send(method: str, path: str, body: Object | None = None) -> Object:
        answer = pool.request(method, path, body=json.dumps(body) if body else None, headers=headers)
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {answer.data.decode()}")
        parsed: Object = json.loads(answer.data)
        return parsed

    def each(do: Callable[[Object], Any]) -> None:
        list(threads.map(do, objects))

    by_collection: defaultdict[str, set[str]] = defaultdict(set)
    for one in objects:
        by_collection[one["collection"]].add(one["body"]["metadata"]["name"])

    def ours(collection: str) -> list[Object]:
        items: list[Object] = send("GET", collection)["items"]
        return [item for item in items if item["metadata"]["name"] in by_collection[collection]]

    with ThreadPoolExecutor(THREADS) as threads:
        if operation == "preview":
            each(lambda one: send("POST", f"{one['collection']}?dryRun=All", one["body"]))
        elif operation == "up":
            each(lambda one: send("POST", one["collection"], one["body"]))
            for collection in by_collection:
                if collection.endswith("/deployments") or "/serving.knative.dev/" in collection:
                    _until(lambda collection=collection: all(map(_ready, ours(collection))))  # type: ignore[misc]
        elif operation == "refresh":
            each(lambda one: send("GET", one["item"]))
        else:
            each(lambda one: send("DELETE", one["item"], {"propagationPolicy": "Background"}))
            for collection in by_collection:
                _until(lambda collection=collection: not ours(collection))  # type: ignore[misc]


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], json.loads(Path(sys.argv[3]).read_text()))
