"""Histories of a stack for tests: checkpoints with models in them, as a backend records them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from caraml_pulumi.engine.resource import STACK_TYPE
from caraml_pulumi.engine.state.backend import RecordedUpdate
from caraml_pulumi.history.components import Resource, components_of
from caraml_pulumi.history.models import ModelName, ModelState, models
from caraml_pulumi.history.updates import StackHistory

IRIS = ModelName("iris-team", "iris")
VERSION = "caraml:index:CustomModelVersion"
ENDPOINT = "caraml:index:ModelEndpoint"
RELEASE = "caraml:index:ModelRelease"


def urn(type_: str, name: str, stack: str = "dev") -> str:
    """The URN of a component of the stack."""
    return f"urn:pulumi:{stack}::shop::{type_}::{name}"


def component(type_: str, name: str, inputs: Mapping[str, Any], stack: str = "dev") -> dict[str, Any]:
    """A component as a checkpoint has it."""
    return {"urn": urn(type_, name, stack), "custom": False, "type": type_, "inputs": dict(inputs)}


def version(number: int, name: ModelName = IRIS, stack: str = "dev", **settings: Any) -> dict[str, Any]:
    """A version of a model."""
    settings = {"image": f"reg.io/iris:{number}.0", **settings}
    inputs = {"project": name.project, "model": name.model, "environment": "dev", "version": number, **settings}
    return component(VERSION, f"{name.project}-{name.model}-{number}", inputs, stack)


def endpoint(weights: Mapping[int, int], name: ModelName = IRIS, stack: str = "dev", **settings: Any) -> dict[str, Any]:
    """The endpoint of a model."""
    inputs = {"project": name.project, "model": name.model, "environment": "dev", "traffic": shares(weights)}
    return component(ENDPOINT, f"{name.project}-{name.model}", {**inputs, **settings}, stack)


def release(
    images: Mapping[int, str], weights: Mapping[int, int], name: ModelName = IRIS, **settings: Any
) -> dict[str, Any]:
    """The record of a release."""
    versions = [{"version": number, "image": image} for number, image in images.items()]
    inputs = {"project": name.project, "model": name.model, "environment": "dev", "versions": versions}
    declared = {**inputs, "endpoint": {"traffic": shares(weights)}, **settings}
    return component(RELEASE, f"{name.project}-{name.model}", declared)


def deployed(images: Mapping[int, str], weights: Mapping[int, int], **settings: Any) -> list[dict[str, Any]]:
    """A release of iris, its versions and its endpoint."""
    versions = [version(number, image=image) for number, image in images.items()]
    return [release(images, weights, **settings), *versions, endpoint(weights)]


def shares(weights: Mapping[int, int]) -> list[dict[str, int]]:
    """The division of the traffic."""
    return [{"version": number, "weight": weight} for number, weight in weights.items()]


def checkpoint(resources: Sequence[Mapping[str, Any]], **latest: Any) -> dict[str, Any]:
    """A checkpoint of the stack."""
    stack = {"urn": urn(STACK_TYPE, "shop-dev"), "custom": False, "type": STACK_TYPE}
    return {"version": 3, "checkpoint": {"stack": "shop", "latest": {"resources": [stack, *resources], **latest}}}


def text(document: Mapping[str, Any]) -> bytes:
    """A checkpoint as engines write it."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def state(resources: Sequence[Resource], name: ModelName = IRIS) -> ModelState:
    """The model among the resources."""
    return models(components_of(checkpoint(resources)))[name]


@dataclass
class Recorder:
    """A history in memory; `reads` are the numbers of the checkpoints that were read."""

    updates: list[RecordedUpdate] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)

    def add(self, resources: Sequence[Mapping[str, Any]] | None, result: str = "succeeded", **entry: Any) -> int:
        """Record an update that left these resources; None records no checkpoint. Returns its number."""
        number = len(self.updates) + 1
        recorded = {"kind": "update", "result": result, "message": "", "startTime": 0, "endTime": 5, **entry}

        def read() -> bytes | None:
            self.reads.append(number)
            return None if resources is None else text(checkpoint(resources))

        self.updates.insert(0, RecordedUpdate(number, lambda: recorded, read))
        return number

    def recorded_updates(self, project: str, stack: str) -> list[RecordedUpdate]:
        """The updates, the newest first."""
        assert (project, stack) == ("shop", "dev")
        return list(self.updates)

    def history(self) -> StackHistory:
        """The history of the stack."""
        return StackHistory(self, "shop", "dev")
