"""Who may do what in a project: users, groups and service accounts."""

from typing import Annotated

from pydantic import Field

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import names
from caraml_pulumi.model.spec import Spec, rule


def service_account(value: str) -> str:
    """A service account of the project, or ``namespace/name`` for one of another namespace. Raises `CaramlError`."""
    parts = value.split("/")
    if len(parts) > 2:
        raise CaramlError(f'"{value}" is not a service account', allowed="a name, or namespace/name")
    for part in parts:
        names.dns_name(part)
    return value


def subject(value: str) -> str:
    """The name of a user or of a group, as the cluster's authentication gives it. Raises `CaramlError`."""
    if not value.strip():
        raise CaramlError("a user or group has no name", allowed="the name that the cluster authenticates them under")
    return value


Subject = Annotated[str, rule(subject)]


class Subjects(Spec):
    """Whom a right is given to."""

    users: list[Subject] = Field(default_factory=list)
    """Users, by the names that the cluster authenticates them under."""
    groups: list[Subject] = Field(default_factory=list)
    """Groups of users, likewise."""
    service_accounts: list[Annotated[str, rule(service_account)]] = Field(default_factory=list)
    """Service accounts of the project's namespace, or ``namespace/name``."""

    def __bool__(self) -> bool:
        """Whether there is anybody."""
        return bool(self.users or self.groups or self.service_accounts)
