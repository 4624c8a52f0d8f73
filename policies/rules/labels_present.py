"""Versions, endpoints, projects, workloads, Services and namespaces say whom they belong to: team and stream.

Costs are told apart, and the people found who answer for a model, by labels. The setting `labels` names those that are
required. A name without a slash is looked for under the platform's label prefix, where components put it, then as it
is: `team` is `caraml.dev/team`, or else `team`. Team and stream of a component come from its ModelProject, or from the
arguments of these names. The platform has no label `owner` of its own: where it is required, add `caraml.dev/owner` to
the `labels` of projects, versions and endpoints. Labels count and annotations do not, since objects are found, and
costs are told apart, by labels alone.

A ModelProject whose namespace is made elsewhere is not judged: it has no labels to give.

Configured to remediate, the rule adds the labels of the setting `defaults` to what lacks them. A component and its
objects are mended each by itself, since its objects do not follow what a policy makes of the component's properties.

    # configuration of the pack
    {"labels-present": {"enforcementLevel": "remediate", "labels": ["owner"], "defaults": {"owner": "ml-platform"}}}
"""

from collections.abc import Iterator
from typing import Any

from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.labels import STREAM, TEAM, label_names, labels_present
from caraml_pulumi.model.spec import within
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA, label_prefix
from policies.pods import SERVER_TYPES
from policies.reading import (
    MODEL_ENDPOINT,
    MODEL_PROJECT,
    MODEL_VERSION,
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    POD_DISRUPTION_BUDGET,
    SERVICE,
    Properties,
    at,
    broken,
)
from policies.resource import Resource
from policies.rule import resource_rule

OBJECTS = (*SERVER_TYPES, SERVICE, NAMESPACE, PERSISTENT_VOLUME_CLAIM, POD_DISRUPTION_BUDGET)


def _of_component(component: Resource) -> Iterator[CaramlError]:
    yield from _missing(component, at(component.props, "labels"), "labels")


def _of_project(project: Resource) -> Iterator[CaramlError]:
    if _has_namespace(project):
        yield from _of_component(project)


def _has_namespace(component: Resource) -> bool:
    """Whether a project makes its namespace, which has its labels; true of other components."""
    return component.props.get("createNamespace") is not False


def _of_object(object_: Resource) -> Iterator[CaramlError]:
    yield from _missing(object_, at(object_.props, "metadata", "labels"), "metadata", "labels")


def _missing(resource: Resource, labels: Properties, *path: str) -> Iterator[CaramlError]:
    prefix = label_prefix(resource.settings)
    yield from broken(within(*path)(labels_present), labels, resource.settings["labels"], prefix)


def _label_component(component: Resource, draft: dict[str, Any]) -> None:
    if _has_namespace(component):
        _add(component, draft)


def _label_object(object_: Resource, draft: dict[str, Any]) -> None:
    metadata = draft.get("metadata") or {}
    if isinstance(metadata, dict):
        _add(object_, metadata)
    if metadata:
        draft["metadata"] = metadata


def _add(resource: Resource, labelled: dict[str, Any]) -> None:
    """Add the defaults of required labels that are not there; labels that are not known yet are left alone."""
    prefix, labels = label_prefix(resource.settings), labelled.get("labels") or {}
    for name, value in resource.settings["defaults"].items():
        keys = label_names(name, prefix)
        if name in resource.settings["labels"] and isinstance(labels, dict) and not any(map(labels.get, keys)):
            labels[keys[0]] = value
    if labels:
        labelled["labels"] = labels


policy = resource_rule(
    "labels-present",
    "What is deployed says whom it belongs to.",
    doc=__doc__,
    level=EnforcementLevel.ADVISORY,
    severity=Severity.LOW,
    tags=("labels",),
    steps="Give the ModelProject its team and stream, and other labels as `labels`.",
    settings={
        "labels": {
            "type": "array",
            "items": {"type": "string"},
            "default": [TEAM, STREAM],
            "description": "The labels that are required. Without a slash: under the label prefix, or as they are.",
        },
        "defaults": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "default": {},
            "description": "The values that required labels get where they are missing, at the level remediate.",
        },
        LABEL_PREFIX: LABEL_PREFIX_SCHEMA,
    },
    judges={
        MODEL_VERSION: _of_component,
        MODEL_ENDPOINT: _of_component,
        MODEL_PROJECT: _of_project,
        **dict.fromkeys(OBJECTS, _of_object),
    },
    remedies={
        **dict.fromkeys((MODEL_VERSION, MODEL_ENDPOINT, MODEL_PROJECT), _label_component),
        **dict.fromkeys(OBJECTS, _label_object),
    },
)
