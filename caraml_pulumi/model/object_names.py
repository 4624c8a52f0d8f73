"""Names and hosts of Kubernetes objects that no component made: what Kubernetes, Knative and DNS take."""

from collections.abc import Mapping
from typing import Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.names import (
    DNS_LABEL_LENGTH,
    DNS_NAME_LENGTH,
    REVISION_SUFFIX,
    dns_name,
    domain_name,
    host,
    host_length,
)

_LONGEST: Final[Mapping[str, tuple[int, str]]] = {
    "CronJob": (52, "Kubernetes adds 11 characters to name its Jobs"),
    "Job": (DNS_LABEL_LENGTH, "its pods carry it in a label"),
    "Namespace": (DNS_LABEL_LENGTH, "it is a label in DNS"),
    "Service": (DNS_LABEL_LENGTH, "it is a label in DNS"),
    "StatefulSet": (52, "Kubernetes adds 11 characters to name its revisions, which its pods carry in a label"),
}
_NO_DOTS: Final = frozenset({"Namespace", "Service"})


def object_fits(kind: str, name: str) -> None:
    """Refuse a name that Kubernetes does not take for an object of `kind`, or whose pods it could never make.

    DNS names of at most 253 characters; less where Kubernetes makes labels of a name, or names of it. Raises
    `CaramlError`.
    """
    longest, why = _LONGEST.get(kind, (DNS_NAME_LENGTH, "Kubernetes takes no more"))
    if len(name) > longest:
        raise CaramlError(
            f'{kind} "{name}" has {len(name)} characters', allowed=f"at most {longest}: {why}", fix="use a shorter name"
        )
    if kind in _NO_DOTS and "." in name:
        raise CaramlError(
            f'{kind} "{name}" has a dot', allowed="lower-case letters, digits and dashes: it is a label in DNS"
        )
    dns_name(name)


def knative_service_fits(name: str, namespace: str, domain: str | None) -> None:
    """Refuse a Knative Service whose revisions or whose host, `{name}.{namespace}.{domain}`, would have no name.

    Without a domain only the name is looked at. Raises `CaramlError`.
    """
    longest = DNS_LABEL_LENGTH - len(REVISION_SUFFIX)
    if len(name) > longest:
        raise CaramlError(
            f'Knative Service "{name}" has {len(name)} characters',
            allowed=f"at most {longest}, since Knative adds {REVISION_SUFFIX}",
            fix="use a shorter name",
        )
    object_fits("Service", name)
    if domain is not None:
        host(name, namespace, domain)


def host_fits(value: str) -> None:
    """Refuse a host of a route that DNS does not take. `*`, alone or as the first label, stands for any.

    Raises `CaramlError`.
    """
    host_length(value, fix="shorten it", fix_label="shorten it")
    if value != "*":
        domain_name(value.removeprefix("*."))
