"""Nobody sets the environment variables that the platform sets.

A server reads its name, its ports and where its artifacts are from these variables (seed: Custom Model, Environment
Variables). Set by hand, they say something else than the rest of the platform, and the server answers to a name that
nobody asks for, or on a port that nobody knows.

Judged are the variables and secrets of a version, of its transformer and of a build: the names of the contract, those
that Merlin set before, in SERVERLESS those of Knative (PORT and K_*), and of SELDON those of a predictive unit. Around
the components: pods that carry a version's labels though no component made them, whose contract nobody fills in; and
Knative's names in a Knative Service, which Knative refuses. The setting `reserved` adds names of the platform team's.

    # refused
    env: {CARAML_MODEL_NAME: iris}
    # passes
    env: {LOG_LEVEL: debug}
"""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from pulumi_policy import Severity

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import env
from caraml_pulumi.model.modes import DeploymentMode, Protocol
from caraml_pulumi.model.spec import within
from policies.platform_config import LABEL_PREFIX, LABEL_PREFIX_SCHEMA, label_prefix
from policies.pods import PATCH_TYPES, POD_TYPES, containers, pods
from policies.reading import MODEL_VERSION, at, broken, version_of_object
from policies.resource import Resource
from policies.rule import resource_rule
from policies.workloads import IMAGE_BUILD, KNATIVE_TYPES, is_of_component, workloads


def _of_version(version: Resource) -> Iterator[CaramlError]:
    mode = DeploymentMode(version.props["deploymentMode"])
    protocol = Protocol(version.props.get("protocol") or Protocol.HTTP_JSON)
    for path, props in workloads(version):
        names = [*at(props, "env"), *at(props, "secrets")]
        place = within(*path, "env")
        yield from _names(names, path, version.settings)
        yield from broken(place(env.env_names_free_in_mode), names, mode)
        yield from broken(place(env.env_names_free_in_protocol), names, protocol)


def _of_build(build: Resource) -> Iterator[CaramlError]:
    names = [*at(build.props, "env"), *at(build.props, "secrets"), *at(build.props, "secretRefs")]
    yield from _names(names, (), build.settings)


def _of_pods(workload: Resource) -> Iterator[CaramlError]:
    is_part = is_of_component(workload)
    labelled = not is_part and version_of_object(workload.props, label_prefix(workload.settings)) is not None
    on_knative = workload.type.startswith(KNATIVE_TYPES)
    mode = DeploymentMode.SERVERLESS if on_knative else DeploymentMode.RAW_DEPLOYMENT
    for container in containers(pods(workload), init=True):
        names = [str(variable.get("name")) for variable in at(container.props, "env")]
        place = within(*container.path, "env")
        if labelled:
            yield from broken(place(env.env_names_free), names, {*env.CONTRACT_NAMES, *env.LEGACY_NAMES})
        yield from broken(place(env.env_names_free_in_mode), names, mode)
        if not is_part:
            yield from broken(place(_not_reserved), names, workload.settings)


def _names(names: Iterable[str], path: Iterable[str | int], settings: Mapping[str, Any]) -> Iterator[CaramlError]:
    names = list(names)
    for name in names:
        yield from broken(within(*path, "env", name)(env.env_name), name)
    yield from broken(within(*path, "env")(_not_reserved), names, settings)


def _not_reserved(names: Iterable[str], settings: Mapping[str, Any]) -> None:
    patterns = settings["reserved"]
    env.env_names_free(names, [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)])


policy = resource_rule(
    "reserved-env-names",
    "Nobody sets the environment variables that the platform sets.",
    doc=__doc__,
    severity=Severity.MEDIUM,
    tags=("containers",),
    steps="Remove the variable, or give it another name.",
    settings={
        LABEL_PREFIX: LABEL_PREFIX_SCHEMA,
        "reserved": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "Further names that only the platform team sets, or patterns with *: DD_*.",
        },
    },
    judges={MODEL_VERSION: _of_version, IMAGE_BUILD: _of_build, **dict.fromkeys((*POD_TYPES, *PATCH_TYPES), _of_pods)},
)
