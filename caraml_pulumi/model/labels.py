"""Labels: what every object carries, and what users may add."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from caraml_pulumi.errors import CaramlError

DEFAULT_PREFIX: Final = "caraml.dev/"
"""The prefix of labels on a platform that names no other."""
LABEL_LENGTH: Final = 63
PREFIX_LENGTH: Final = 253
APP: Final = "app"
COMPONENT: Final = "component"
ENVIRONMENT: Final = "environment"
ORCHESTRATOR: Final = "orchestrator"
STREAM: Final = "stream"
TEAM: Final = "team"
VERSION: Final = "version"
PREFIXED: Final = (APP, COMPONENT, ENVIRONMENT, ORCHESTRATOR, STREAM, TEAM, VERSION)
"""Labels under the platform's prefix: Merlin's six, and the version."""
MANAGED: Final = "managed"
"""Merlin's label of a namespace that belongs to a project, under the platform's namespace prefix."""
ORCHESTRATOR_NAME: Final = "caraml"
MODEL_VERSION: Final = "model-version"
MODEL_ENDPOINT: Final = "model-endpoint"
IMAGE_BUILDER: Final = "image-builder"
MODEL_MONITORING: Final = "model-monitoring"
INFERENCE_SERVICE: Final = "serving.kserve.io/inferenceservice"
"""KServe's label for the version; log and monitoring queries select on it."""
KSERVE_COMPONENT: Final = "component"
PREDICTOR: Final = "predictor"
TRANSFORMER: Final = "transformer"
KNATIVE_VISIBILITY: Final = "networking.knative.dev/visibility"
RESERVED_DOMAINS: Final = ("knative.dev", "kserve.io")
ANNOTATION_DOMAINS: Final = ("knative.dev", "kserve.io", "kubernetes.io", "k8s.io", "pulumi.com")
"""Whose annotations the platform writes, or Kubernetes."""
SCRAPE_ANNOTATIONS: Final = ("prometheus.io/scrape", "prometheus.io/path", "prometheus.io/port")

_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_ALLOWED = f"letters, digits, - _ and ., at most {LABEL_LENGTH}; a letter or digit first and last"


def _is_dns_name(text: str) -> bool:
    return len(text) <= PREFIX_LENGTH and bool(_PREFIX.fullmatch(text))


def label_prefix(value: str) -> str:
    """The prefix of the platform's labels: a DNS name and a slash, such as ``caraml.dev/``."""
    if not value.endswith("/") or not _is_dns_name(value[:-1]):
        raise CaramlError(f'"{value}" is not a label prefix', allowed="a DNS name and a slash, such as caraml.dev/")
    return value


def label_value(value: str) -> str:
    """A label's value by Kubernetes' rule. Raises `CaramlError`."""
    if value and (len(value) > LABEL_LENGTH or not _NAME.fullmatch(value)):
        raise CaramlError(f'"{value}" is not a label value', allowed=_ALLOWED)
    return value


def label_key(value: str) -> str:
    """A label's key by Kubernetes' rule: a name, with an optional DNS prefix. Raises `CaramlError`.

    Merlin drops labels that it does not take, without a word; here they are refused.
    """
    prefix, slash, name = value.rpartition("/")
    if len(name) > LABEL_LENGTH or not _NAME.fullmatch(name) or (slash and not _is_dns_name(prefix)):
        raise CaramlError(
            f'"{value}" is not a label key', allowed=f"{_ALLOWED}; optionally a DNS name and a slash before"
        )
    return value


def labels_are_free(labels: Mapping[str, str], prefix: str) -> None:
    """Refuse user labels whose keys the platform, KServe or Knative keep for themselves."""
    for key in labels:
        if _is_of(key, RESERVED_DOMAINS) or key == KSERVE_COMPONENT or key in {prefix + name for name in PREFIXED}:
            raise CaramlError(
                f'label "{key}" is set by the platform',
                allowed=f"any but {KSERVE_COMPONENT}, those under {', '.join(RESERVED_DOMAINS)}, and {prefix}"
                f"{{{','.join(PREFIXED)}}}",
                fix="remove it, or choose another key",
            )


def labels_present(labels: Mapping[str, str], required: Iterable[str], prefix: str) -> None:
    """Refuse an object without one of the `required` labels, which are found under `label_names`.

    All that are missing are in one error. An empty value is none. Raises `CaramlError`, also for a value that
    Kubernetes would refuse.
    """
    found = {name: [labels.get(key) for key in label_names(name, prefix)] for name in required}
    for value in (value for values in found.values() for value in values if value):
        label_value(str(value))
    missing = [label_names(name, prefix)[0] for name, values in found.items() if not any(values)]
    if missing:
        raise CaramlError(
            f"missing label{'s' if len(missing) > 1 else ''}: {', '.join(missing)}",
            fix="add to the labels; components have team and stream from their ModelProject, others from labels",
        )


def label_names(name: str, prefix: str) -> tuple[str, ...]:
    """The keys under which a label is looked for, the best first: under the platform's prefix, then as it is.

    A name that has a prefix of its own is that key alone.
    """
    return (name,) if "/" in name else (prefix + name, name)


def _is_of(key: str, domains: Iterable[str]) -> bool:
    domain = key.rpartition("/")[0]
    return any(domain == name or domain.endswith(f".{name}") for name in domains)


def annotations_are_free(annotations: Mapping[str, str]) -> None:
    """Refuse user annotations that the platform decides, or that belong to Kubernetes, Knative or Pulumi."""
    for key in annotations:
        if _is_of(key, ANNOTATION_DOMAINS) or key in SCRAPE_ANNOTATIONS:
            raise CaramlError(
                f'annotation "{key}" is set by the platform',
                allowed=f"any but {', '.join(SCRAPE_ANNOTATIONS)} and those under {', '.join(ANNOTATION_DOMAINS)}",
                fix="use the argument that sets it, such as autoscalingPolicy or metrics",
            )


def platform_labels(
    prefix: str,
    *,
    component: str,
    model: str,
    environment: str,
    team: str | None,
    stream: str | None,
    version: int | None = None,
) -> dict[str, str]:
    """Merlin's labels under the platform's prefix, and the version; those that are known."""
    values = {
        APP: model,
        COMPONENT: component,
        ENVIRONMENT: environment,
        ORCHESTRATOR: ORCHESTRATOR_NAME,
        STREAM: stream,
        TEAM: team,
        VERSION: str(version) if version is not None else None,
    }
    return {prefix + name: value for name, value in values.items() if value}


def selector(name: str, component: str) -> dict[str, str]:
    """The labels that select a workload's pods: those that never change, since a selector is immutable.

    Merlin's log and monitoring queries select on both.
    """
    return {INFERENCE_SERVICE: name, KSERVE_COMPONENT: component}
