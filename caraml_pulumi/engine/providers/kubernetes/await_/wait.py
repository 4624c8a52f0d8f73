"""Waits until an object is ready, with a status line that says what is missing."""

import time
from collections.abc import Callable
from typing import Final

from caraml_pulumi.engine.providers.base import Context
from caraml_pulumi.engine.providers.kubernetes.await_ import cluster, services, storage, workloads
from caraml_pulumi.engine.providers.kubernetes.await_.conditions import parse_wait_for
from caraml_pulumi.engine.providers.kubernetes.await_.knative import lasting_failure
from caraml_pulumi.engine.providers.kubernetes.await_.progress import READY, Progress
from caraml_pulumi.engine.providers.kubernetes.await_.reasons import explain
from caraml_pulumi.engine.providers.kubernetes.objects import (
    SKIP_AWAIT,
    TIMEOUT,
    WAIT_FOR,
    Object,
    annotation,
    group_kind,
    name_of,
    namespace_of,
    title,
)
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import KubeClient, KubeError

DEFAULT_SECONDS: Final = 600.0
"""How long anything may take to become ready or to go, unless custom timeouts or ``pulumi.com/timeoutSeconds`` say."""
FIRST_PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 0.5
EXPLAIN_EVERY: Final = 2.0
"""Seconds between two looks at revisions, pods and events while waiting."""
LASTING_SECONDS: Final = 20.0
"""How long a Knative failure may still go away by itself."""

Awaiter = Callable[[KubeClient, Object], Progress]

_AWAITERS: Final[dict[str, Awaiter]] = {
    "PersistentVolume": lambda client, obj: storage.volume(obj),
    "PersistentVolumeClaim": lambda client, obj: storage.claim(obj, _finder(client)),
    "Pod": lambda client, obj: workloads.pod(obj),
    "ResourceQuota": lambda client, obj: cluster.quota(obj),
    "Secret": lambda client, obj: cluster.secret(obj),
    "Service": lambda client, obj: services.service(obj, _lister(client)),
    "apiextensions.k8s.io/CustomResourceDefinition": lambda client, obj: cluster.definition(obj),
    "apps/DaemonSet": lambda client, obj: workloads.daemon_set(obj),
    "apps/Deployment": lambda client, obj: workloads.deployment(obj),
    "apps/StatefulSet": lambda client, obj: workloads.stateful_set(obj),
    "batch/Job": lambda client, obj: workloads.job(obj),
    "networking.k8s.io/Ingress": lambda client, obj: services.ingress(obj),
}


class NotReady(CaramlError):
    """The object `live` exists and did not become ready."""

    def __init__(self, live: Object, what: str, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.live = live


def seconds_allowed(obj: Object, context: Context) -> float:
    """How long to wait: the resource's custom timeout, its annotation ``pulumi.com/timeoutSeconds``, or 600 s."""
    return context.timeout or float(annotation(obj, TIMEOUT) or DEFAULT_SECONDS)


def wait_until_ready(client: KubeClient, live: Object, inputs: Object, context: Context) -> Object:
    """`live` once it is ready by the rules of its kind, or by ``pulumi.com/waitFor`` in `inputs`.

    Raises `NotReady` when it fails, takes too long, or the run is stopped.
    """
    progress_of = _awaiter(inputs)
    if progress_of is None:
        return live
    wait = _Wait(client, live, context, seconds_allowed(inputs, context))
    while not (progress := progress_of(client, wait.live)).ready:
        if progress.failed:
            raise wait.failure(f"{title(live)} has failed: {progress.message}")
        wait.pause(progress.message)
    return wait.live


def _awaiter(inputs: Object) -> Awaiter | None:
    if annotation(inputs, SKIP_AWAIT) == "true":
        return None
    if expressions := annotation(inputs, WAIT_FOR):
        checks = parse_wait_for(expressions, f"annotation {WAIT_FOR} of {title(inputs)}")
        return lambda client, obj: next((step for check in checks if not (step := check(obj)).ready), READY)
    return _AWAITERS.get(group_kind(inputs))


class _Wait:
    """The state of one wait: the object as last seen, the pause, the deadline, the last explanation."""

    def __init__(self, client: KubeClient, live: Object, context: Context, seconds: float) -> None:
        self.live = live
        self._client = client
        self._context = context
        self._seconds = seconds
        self._path = client.path(live["apiVersion"], live["kind"], namespace_of(live), name_of(live))
        self._started = self._explained_at = time.monotonic()
        self._pause = FIRST_PAUSE
        self._told = self._why = ""
        self._failing_since: float | None = None

    def pause(self, message: str) -> None:
        """Tell what is missing, sleep, and look again. Raises `NotReady` when there is no use or no time left."""
        now = time.monotonic()
        if now - self._explained_at >= EXPLAIN_EVERY:
            self._explained_at, self._why = now, explain(self._client, self.live)
        told = f"{message}: {self._why}" if self._why and self._why not in message else message
        self._report(told)
        self._check_lasting(now)
        left = self._started + self._seconds - now
        if left <= 0:
            raise self.failure(f"{title(self.live)} is not ready after {self._seconds:g} s: {message}")
        if self._context.cancelled.wait(min(self._pause, left)):
            raise NotReady(self.live, f"stopped while waiting for {title(self.live)}: {told}")
        self._pause = min(self._pause * 1.5, LONGEST_PAUSE)
        self._look()

    def failure(self, what: str) -> NotReady:
        """`what` with the reasons that pods and events give."""
        why = explain(self._client, self.live)
        annotated = f"the annotation {TIMEOUT}, of a model version the platform's deploymentTimeoutSeconds"
        more_time = "its custom timeouts" if self._context.timeout else annotated
        fix = f"mend that and run again, or allow more time: {more_time}"
        return NotReady(self.live, f"{what}\n{why}" if why and why not in what else what, fix)

    def _report(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._context.report(text)

    def _check_lasting(self, now: float) -> None:
        reason = lasting_failure(self.live)
        self._failing_since = (self._failing_since or now) if reason else None
        if self._failing_since is not None and now - self._failing_since >= LASTING_SECONDS:
            raise self.failure(f"{title(self.live)} has failed: {reason}")

    def _look(self) -> None:
        try:
            self.live = self._client.request("GET", self._path)
        except KubeError as error:
            if error.not_found:
                raise NotReady(self.live, f"{title(self.live)} was deleted while it became ready") from error
            raise NotReady(self.live, f"cannot tell whether {title(self.live)} is ready: {error.what}") from error
        except CaramlError as error:
            raise NotReady(self.live, f"cannot tell whether {title(self.live)} is ready: {error.what}") from error


def _finder(client: KubeClient) -> Callable[[str, str, str, str], Object | None]:
    def find(api_version: str, kind: str, namespace: str, name: str) -> Object | None:
        try:
            found: Object = client.request("GET", client.path(api_version, kind, namespace, name))
        except KubeError as error:
            if error.not_found:
                return None
            raise
        return found

    return find


def _lister(client: KubeClient) -> Callable[[str, str, str, str], list[Object]]:
    def find_all(api_version: str, kind: str, namespace: str, selector: str) -> list[Object]:
        path = client.path(api_version, kind, namespace)
        listed: list[Object] = client.request("GET", path, params={"labelSelector": selector})["items"]
        return listed

    return find_all
