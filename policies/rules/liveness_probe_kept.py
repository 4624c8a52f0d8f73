"""A server has a liveness probe, or somebody has said why it has none.

Without one, a server that hangs is never restarted: it goes on being asked, and never answers. Where a probe would do
harm, as while a model of minutes is loaded, switching it off is right, and the reason belongs beside it: in the
annotation `liveness-disabled-reason` under the platform's label prefix, of the version or of the pods.

Judged are a version and its transformer (`disableLivenessProbe`, or `CARAML_DISABLE_LIVENESS_PROBE` or
`MERLIN_DISABLE_LIVENESS_PROBE` set to true; seed: Deploying a Model Version), and the containers of everything that
makes pods to run for ever. Containers that bring a check of their own, such as Knative's queue-proxy, are named in the
setting `sidecars`.

    # advised against
    disableLivenessProbe: true
    # passes
    disableLivenessProbe: true
    annotations: {caraml.dev/liveness-disabled-reason: "Loads for ten minutes; see the runbook."}
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from pulumi_policy import EnforcementLevel, Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.env import liveness_wanted
from caraml_pulumi.model.probes import liveness_kept
from caraml_pulumi.model.spec import within
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA, label_prefix
from policies.pods import SERVER_TYPES, containers, pods
from policies.reading import MODEL_VERSION, Properties, at, broken
from policies.resource import Resource
from policies.rule import resource_rule
from policies.workloads import workloads

REASON: Final = "liveness-disabled-reason"
"""The annotation with the reason, under the platform's label prefix."""


def _of_version(version: Resource) -> Iterator[CaramlError]:
    annotation = label_prefix(version.settings) + REASON
    reason = _text(version.props.get("annotations") or {}, annotation)
    for path, props in workloads(version):
        off = props.get("disableLivenessProbe") or not liveness_wanted(at(props, "env"))
        said = "the liveness probe is disabled" if off else ""
        yield from broken(within(*path, "disableLivenessProbe")(liveness_kept), said, reason, annotation)


def _of_pods(workload: Resource) -> Iterator[CaramlError]:
    found, annotation = pods(workload), label_prefix(workload.settings) + REASON
    reason = _text(found.annotations, annotation) or _text(at(workload.props, "metadata", "annotations"), annotation)
    for container in containers(found):
        name = str(at(container.props, "name"))
        if not any(fnmatchcase(name, sidecar) for sidecar in workload.settings["sidecars"]):
            said = "" if container.props.get("livenessProbe") else f'container "{name}" has no liveness probe'
            yield from broken(within(*container.path)(liveness_kept), said, reason, annotation)


def _text(annotations: Properties, name: str) -> str:
    return str(annotations.get(name) or "")


policy = resource_rule(
    "liveness-probe-kept",
    "A server has a liveness probe, or somebody has said why it has none.",
    doc=__doc__,
    level=EnforcementLevel.ADVISORY,
    severity=Severity.MEDIUM,
    tags=("availability",),
    steps="Keep the liveness probe, or say why not in the annotation liveness-disabled-reason.",
    settings={
        LABEL_PREFIX: LABEL_PREFIX_SCHEMA,
        "sidecars": {
            "type": "array",
            "items": {"type": "string"},
            "default": ["queue-proxy", "istio-proxy"],
            "description": "Names of containers that need no probe, or patterns with *.",
        },
    },
    judges={MODEL_VERSION: _of_version, **dict.fromkeys(SERVER_TYPES, _of_pods)},
)
