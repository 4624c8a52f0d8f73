"""Kubernetes objects that no component made, for tests of rules that judge them."""

from collections.abc import Mapping
from typing import Any

from caraml_pulumi.engine.values import Properties
from policies.pods import CRON_JOB, POD
from policies.rule import ResourceRule, StackRule

Resources = list[tuple[str, str, Properties]]


def pod(container: dict[str, Any] | None = None, /, **spec: Any) -> dict[str, Any]:
    """The specification of pods with one container, `model`."""
    return {"containers": [{"name": "model", "image": "ghcr.io/team/iris:1", **(container or {})}], **spec}


def workload(
    type_: str, pod_spec: dict[str, Any], *, pod_labels: Mapping[str, str] | None = None, **spec: Any
) -> Properties:
    """A workload of `type_`, or a patch of one, in the namespace iris-team, whose pods are as `pod_spec` says."""
    labels = dict(pod_labels or {"app": "raw"})
    metadata: dict[str, Any] = {"name": "raw", "namespace": "iris-team"}
    template: dict[str, Any] = {"metadata": {"labels": labels}, "spec": pod_spec}
    if type_.removesuffix("Patch") == POD:
        return {"metadata": {**metadata, **template["metadata"]}, "spec": pod_spec}
    if type_.removesuffix("Patch") == CRON_JOB:
        return {"metadata": metadata, "spec": {"jobTemplate": {"spec": {"template": template}}, **spec}}
    selector = {"selector": {"matchLabels": labels}} if ":apps/" in type_ else {}
    return {"metadata": metadata, "spec": {**selector, "template": template, **spec}}


def settings_of(rule: ResourceRule | StackRule) -> dict[str, Any]:
    """The JSON Schemas of the settings of a rule."""
    schema = rule.config_schema
    return dict(schema.properties) if schema else {}


def first_lines(messages: list[str]) -> list[str]:
    """What the messages say, without the lines below that tell where, what is allowed and how to mend it."""
    return [message.splitlines()[0] for message in messages]


def places(messages: list[str]) -> list[str]:
    """Where what the messages are about is."""
    lines = [line.strip() for message in messages for line in message.splitlines()]
    return [line.removeprefix("where:").strip() for line in lines if line.startswith("where:")]
