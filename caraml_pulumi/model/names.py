"""Names, and the lengths that Kubernetes, Knative and DNS leave for them."""

import re
from typing import Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.labels import PREDICTOR, TRANSFORMER
from caraml_pulumi.model.modes import DeploymentMode

MODEL_NAME_LENGTH: Final = range(3, 26)
"""Merlin: a model's name has 3 to 25 characters."""
PROJECT_NAME_LENGTH: Final = range(3, 51)
"""CaraML: a project's name has 3 to 50 characters."""
DNS_LABEL_LENGTH: Final = 63
DNS_NAME_LENGTH: Final = 253
REVISION_SUFFIX: Final = "-00001"
"""What Knative adds to a Service's name to name its revisions, whose names are label values too."""
SERVICE_PORT: Final = 80
"""KServe's and Knative's: the port of a workload's Service, whatever the container's."""
HOST_TEMPLATE: Final = "{name}.{project}.{domain}"
"""The host of a model or version (seed: Deploying a Model Version)."""
MODEL_CONTAINER: Final = "model"
"""Seed: Model Deployment, Replicas Log."""
RESERVED_NAMESPACES: Final = frozenset({"default", "istio-system", "knative-serving"})

LETTER_FIRST: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
"""The names of models and projects."""
DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""A name that may be a part of a host."""
_LABEL_ALLOWED = "lower-case letters, digits and dashes; a letter first, no dash at the end"


def _name(value: str, noun: str, lengths: range) -> str:
    allowed = f"{lengths.start} to {lengths.stop - 1} characters: {_LABEL_ALLOWED}"
    if len(value) not in lengths:
        raise CaramlError(f'{noun} "{value}" has {len(value)} characters', allowed=allowed)
    if not LETTER_FIRST.fullmatch(value):
        lower = value.lower().replace("_", "-").strip("-")
        fix = f'use "{lower}"' if LETTER_FIRST.fullmatch(lower) else ""
        raise CaramlError(f'{noun} "{value}" is not a name that Kubernetes takes', allowed=allowed, fix=fix)
    return value


def model_name(value: str) -> str:
    """A model's name: 3 to 25 characters, a DNS label that starts with a letter.

    Merlin allows capitals, which Kubernetes then refuses; here they are refused at once.
    """
    return _name(value, "model name", MODEL_NAME_LENGTH)


def project_name(value: str) -> str:
    """A project's name, which is its namespace's: 3 to 50 characters, not one that Kubernetes or Knative keeps."""
    name = _name(value, "project name", PROJECT_NAME_LENGTH)
    if name in RESERVED_NAMESPACES or name.startswith("kube-"):
        raise CaramlError(
            f'project name "{name}" is a namespace of the cluster itself',
            allowed="any but kube-*, " + ", ".join(sorted(RESERVED_NAMESPACES)),
        )
    return name


def environment_name(value: str) -> str:
    """An environment's name, used as a label value: ``dev``, ``id-staging``."""
    if len(value) > DNS_LABEL_LENGTH or not DNS_LABEL.fullmatch(value):
        raise CaramlError(
            f'environment name "{value}" is not a label value',
            allowed=f"at most {DNS_LABEL_LENGTH} lower-case letters, digits and dashes",
        )
    return value


def version_number(value: int) -> int:
    """A version: a whole number from 1, as Merlin counts them."""
    if value < 1:
        raise CaramlError(f"version {value} is not a version", allowed="whole numbers from 1")
    return value


def domain_name(value: str) -> str:
    """A DNS domain of lower-case labels, such as ``models.example.com``."""
    if len(value) > DNS_NAME_LENGTH or not all(
        len(label) <= DNS_LABEL_LENGTH and DNS_LABEL.fullmatch(label) for label in value.split(".")
    ):
        raise CaramlError(
            f'domain "{value}" is not a DNS name', allowed="lower-case labels with dots between: models.example.com"
        )
    return value


def dns_name(value: str) -> str:
    """The name of a Kubernetes object: a DNS subdomain of at most 253 characters. Raises `CaramlError`."""
    if len(value) > DNS_NAME_LENGTH or not all(DNS_LABEL.fullmatch(label) for label in value.split(".")):
        raise CaramlError(
            f'"{value}" is not a name of a Kubernetes object',
            allowed=f"at most {DNS_NAME_LENGTH} lower-case letters, digits, dashes and dots",
        )
    return value


def gateway_name(value: str) -> str:
    """A Gateway of Istio, as ``namespace/name``. Raises `CaramlError`."""
    namespace, _, name = value.partition("/")
    if not DNS_LABEL.fullmatch(namespace) or not all(DNS_LABEL.fullmatch(label) for label in name.split(".")):
        raise CaramlError(f'"{value}" is not a Gateway', allowed="namespace/name")
    return value


def full_name(model: str, version: int) -> str:
    """`{model}-{version}`, a version's `CARAML_MODEL_FULL_NAME` and its label in DNS (seed: Custom Model)."""
    return f"{model}-{version}"


def object_name(full_name: str, revision: int | None) -> str:
    """The name of a version's objects: its full name, with `-r{revision}` for a version that counts its revisions."""
    return full_name if revision is None else f"{full_name}-r{revision}"


def workload_name(object_name: str, component: str) -> str:
    """The name of a workload: the predictor's is that of the version's objects, another's ends with what it is.

    Raises `CaramlError` where Knative's revision suffix would no longer fit into a label.
    """
    name = object_name if component == PREDICTOR else f"{object_name}-{component}"
    limit = DNS_LABEL_LENGTH - len(REVISION_SUFFIX)
    if len(name) > limit:
        raise CaramlError(
            f'"{name}", the name of the version\'s objects, has {len(name)} characters',
            allowed=f"at most {limit}, since Knative adds {REVISION_SUFFIX}",
            fix="use a shorter model name or version",
        )
    return name


def container_name(component: str) -> str:
    """The name of a workload's container: `model`, another's is what it is (seed: Model Deployment, Replicas Log)."""
    return MODEL_CONTAINER if component == PREDICTOR else component


def raw_service_name(workload: str) -> str:
    """The name of a RAW_DEPLOYMENT workload's Service: a predictor's is `{workload}-predictor`, as KServe names it.

    Knative makes a Service with the workload's own name; with another name here the two modes never meet.
    """
    return f"{workload}-service" if workload.endswith(f"-{TRANSFORMER}") else f"{workload}-{PREDICTOR}"


def service_name(workload: str, mode: DeploymentMode) -> str:
    """The name of a workload's Service; Knative gives it the workload's own."""
    return workload if mode is DeploymentMode.SERVERLESS else raw_service_name(workload)


def service_host(workload: str, project: str, mode: DeploymentMode) -> str:
    """Where a workload is reached inside the cluster: `{service}.{project}:80` (Merlin's `CARAML_PREDICTOR_HOST`)."""
    return f"{service_name(workload, mode)}.{project}:{SERVICE_PORT}"


def revision_number(value: int) -> int:
    """A revision of a version: a whole number from 1, as Merlin counts its deployments. Raises `CaramlError`."""
    if value < 1:
        raise CaramlError(f"revision {value} is not a revision", allowed="whole numbers from 1")
    return value


def host(name: str, project: str, domain: str, *, environment: str = "", template: str = HOST_TEMPLATE) -> str:
    """The host of a version or of a model (seed: Deploying a Model Version); `template` is the platform's.

    Raises `CaramlError` if it is longer than DNS allows, or one of its labels is.
    """
    text = template.format(name=name, project=project, domain=domain, environment=environment)
    host_length(
        text, fix="shorten the domain", fix_label="put a dot between the fields of the platform's host template"
    )
    return text


def host_length(text: str, *, fix: str, fix_label: str) -> None:
    """Refuse a host that is longer than DNS allows, or has a label that is; the fixes say how to shorten either."""
    if len(text) > DNS_NAME_LENGTH:
        raise CaramlError(f'host "{text}" has {len(text)} characters', allowed=f"at most {DNS_NAME_LENGTH}", fix=fix)
    for label in text.split("."):
        if len(label) > DNS_LABEL_LENGTH:
            raise CaramlError(
                f'"{label}" in host "{text}" has {len(label)} characters',
                allowed=f"at most {DNS_LABEL_LENGTH}",
                fix=fix_label,
            )
