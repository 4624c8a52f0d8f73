"""Pods as the kubelet, the scheduler and the API server write them, cut down to what is read."""

from typing import Any

Object = dict[str, Any]
IMAGE = "registry.example.com/team/iris:9"
INSUFFICIENT = (
    "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to deallocate, "
    "preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found "
    "for incoming pod."
)
PULL_EVENT = (
    f'Failed to pull image "{IMAGE}": rpc error: code = NotFound desc = failed to pull and unpack image "{IMAGE}": '
    f'failed to resolve reference "{IMAGE}": {IMAGE}: not found'
)


def pod(*containers: Object, init: list[Object] | None = None, name: str = "iris-1-abc", **status: Any) -> Object:
    """A pod of the model with container statuses; its model may use 256Mi."""
    model = {"name": "model", "image": IMAGE, "resources": {"limits": {"memory": "256Mi"}}}
    more = {"initContainerStatuses": init} if init else {}
    return {
        "metadata": {"name": name, "namespace": "iris-team", "uid": f"uid-of-{name}"},
        "spec": {"containers": [model], "initContainers": [{"name": "storage-initializer", "image": "init:1"}]},
        "status": {"phase": "Pending", "containerStatuses": list(containers), **more, **status},
    }


def waiting(reason: str, message: str = "", name: str = "model", **more: Any) -> Object:
    """The status of a container that waits."""
    return {"name": name, "ready": False, "state": {"waiting": {"reason": reason, "message": message}}, **more}


def running(ready: bool = True, restarts: int = 0, name: str = "model", **more: Any) -> Object:
    """The status of a container that runs."""
    state = {"running": {"startedAt": "2026-11-22T10:00:00Z"}}
    return {"name": name, "ready": ready, "restartCount": restarts, "state": state, **more}


def ended(code: int, message: str = "", reason: str = "Error") -> Object:
    """How a container ended."""
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}


def told(type_: str, status: str, reason: str = "", message: str = "", **more: Any) -> Object:
    """A condition."""
    return {"type": type_, "status": status, "reason": reason, "message": message, **more}


def event(reason: str, message: str) -> Object:
    """A warning about an object."""
    return {"reason": reason, "message": message, "type": "Warning"}
