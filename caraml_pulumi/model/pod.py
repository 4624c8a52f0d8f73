"""What a workload's pods run as: service account, pull secrets, security context."""

from typing import Annotated

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import names
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.spec import Spec, as_validation_error, each_once, rule


def capability(value: str) -> str:
    """A Linux capability as Kubernetes writes it: ``NET_BIND_SERVICE``, without CAP_. Raises `CaramlError`."""
    if not value.isascii() or not value.replace("_", "").isalnum() or value != value.upper() or value[:4] == "CAP_":
        raise CaramlError(
            f'"{value}" is not a capability', allowed="capitals and underscores, without CAP_: NET_BIND_SERVICE, ALL"
        )
    return value


Capability = Annotated[str, rule(capability)]
UserId = Annotated[WholeNumber, Field(ge=0, lt=2**31)]


class Capabilities(Spec):
    """Linux capabilities that are added to or taken from the container runtime's defaults."""

    add: list[Capability] = Field(default_factory=list)
    """What is added."""
    drop: list[Capability] = Field(default_factory=list)
    """What is taken away; ALL takes every one."""


class SecurityContext(Spec):
    """What the container may do; the properties are Kubernetes'. What is left out is the cluster's default."""

    run_as_user: UserId | None = None
    """The user's number."""
    run_as_group: UserId | None = None
    """The group's number."""
    run_as_non_root: bool | None = None
    """Refuse to start as root."""
    read_only_root_filesystem: bool | None = None
    """Whether the image's files cannot be written."""
    allow_privilege_escalation: bool | None = None
    """Whether a process may gain more privileges than its parent."""
    capabilities: Capabilities | None = None
    """Linux capabilities."""
    fs_group: UserId | None = None
    """The group that owns mounted volumes, for the whole pod."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "SecurityContext":
        with as_validation_error("run_as_user"):
            if self.run_as_non_root and self.run_as_user == 0:
                raise CaramlError(
                    "runAsUser 0 is root, which runAsNonRoot refuses to start", fix="change the user, or remove one"
                )
        return self


class PodSettings(Spec):
    """What the pods of a version, and of its transformer, run as."""

    service_account_name: Annotated[str, rule(names.dns_name)] | None = None
    """The ServiceAccount of the pods; default: the namespace's ``default``."""
    image_pull_secrets: Annotated[list[Annotated[str, rule(names.dns_name)]], rule(each_once)] = Field(
        default_factory=list
    )
    """Secrets with the credentials of the image's registry."""
    security_context: SecurityContext = SecurityContext()
    """What the container may do."""
