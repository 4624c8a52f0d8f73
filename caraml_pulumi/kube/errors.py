"""What can go wrong between us and an API server, told so that the reader can mend it."""

import re
from collections.abc import Iterator
from typing import Any, Final

from caraml_pulumi.errors import CaramlError

_WRONG_TYPE: Final = re.compile(
    r"^.* cannot be handled as .*json: cannot unmarshal (\w+) into Go struct field \w+\.(\S+) of type (\S+)", re.DOTALL
)


class ClusterUnreachable(CaramlError):
    """No connection to an API server: none is configured, it is down, elsewhere, or its certificate is not trusted.

    `outcome_unknown` is set when the connection broke after a change was sent: it may have been made.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "", outcome_unknown: bool = False) -> None:
        super().__init__(what, where=where, fix=fix)
        self.outcome_unknown = outcome_unknown


class KubeError(CaramlError):
    """The API server answered with a failure.

    `status` is the HTTP status, `reason` the machine-readable reason (``AlreadyExists``, ``NotFound``, …), `details`
    the whole Status object of the answer.
    """

    def __init__(self, status: int, details: dict[str, Any], *, server: str = "", user: str = "") -> None:
        self.status = status
        self.reason = str(details.get("reason") or "")
        self.details = details
        self.message = str(details.get("message") or f"HTTP status {status}")
        super().__init__(_what(self, server, user), fix=_fix(self))

    @property
    def causes(self) -> list[dict[str, Any]]:
        """The single problems behind the failure: ``reason``, ``message`` and often ``field`` of each."""
        listed = (self.details.get("details") or {}).get("causes") or []
        return [cause for cause in listed if isinstance(cause, dict)]

    @property
    def not_found(self) -> bool:
        """The object, or the namespace it should be in, does not exist."""
        return self.status == 404

    @property
    def already_exists(self) -> bool:
        """An object of that name exists already."""
        return self.status == 409 and self.reason == "AlreadyExists"

    @property
    def being_deleted(self) -> bool:
        """An object of that name exists, and is on its way out."""
        return self.already_exists and "is being deleted" in self.message

    @property
    def denied_by_rbac(self) -> bool:
        """The user lacks the rights; other refusals with status 403 come from admission."""
        return self.status == 403 and " cannot " in self.message and "is forbidden: User " in self.message

    @property
    def missing_namespace(self) -> bool:
        """The namespace that the object should be created in does not exist."""
        return self.not_found and (self.details.get("details") or {}).get("kind") == "namespaces"


def _what(error: KubeError, server: str, user: str) -> str:
    if error.status == 401:
        return f"the API server {server} does not accept the credentials of {user or 'an anonymous user'}"
    problems = list(_problems(error))
    if error.status == 422 and problems:
        kind = (error.details.get("details") or {}).get("kind", "object")
        name = (error.details.get("details") or {}).get("name", "")
        return f"{kind} {name} is invalid:".replace("  ", " ") + "".join(f"\n  - {problem}" for problem in problems)
    return _WRONG_TYPE.sub(r"\2 must be of type \3, not \1", error.message)


def _problems(error: KubeError) -> Iterator[str]:
    for cause in error.causes:
        field, message = cause.get("field"), cause.get("message", "")
        yield f"{field}: {message}" if field and field != "<nil>" else message


def _fix(error: KubeError) -> str:
    if error.status == 401:
        return "log in again, or correct the user in the kubeconfig"
    if error.denied_by_rbac:
        return "ask an administrator of the cluster for a Role or ClusterRole that allows it"
    if error.status == 403 and "exceeded quota" in error.message:
        return "lower the requests, delete what is unused, or raise the ResourceQuota"
    if error.status == 403 and "because it is being terminated" in error.message:
        return "wait until the namespace is gone, then run again"
    if error.status == 422 and "immutable" in error.message:
        return "undo the change, or rename the object so that it is replaced"
    return ""
