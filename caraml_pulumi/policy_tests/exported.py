"""An exported stack, or the checkpoint of one, as resources to judge; its secrets stay unread."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from caraml_pulumi.engine.resource import PROVIDER_PREFIX, STACK_TYPE, ResourceState
from caraml_pulumi.engine.state.integrity import check_integrity
from caraml_pulumi.engine.state.resources import resource_state
from caraml_pulumi.engine.state.snapshot import deployment_of
from caraml_pulumi.engine.values import UNKNOWN, Secret
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.spec import Locate, dotted
from caraml_pulumi.policy_tests.case import Subject

_URN: Final = re.compile(r'"urn"\s*:\s*"(?P<urn>[^"\\]+)"')
HIDDEN: Final = Secret(UNKNOWN)
"""What stands for a secret: it is not decrypted, and a rule that wants to read it does not judge the resource."""


def is_state(data: object) -> bool:
    """Whether `data` is meant to be the state of a stack."""
    return isinstance(data, Mapping) and ("deployment" in data or "checkpoint" in data)


def stack_of(data: Mapping[str, Any], path: Path) -> list[ResourceState]:
    """The resources in a state, in its order; those that wait for their deletion are no part of the stack any more.

    Raises:
        CaramlError: it is no right state.
    """
    try:
        listed = deployment_of(data).get("resources") or []
        if not isinstance(listed, list) or not all(isinstance(item, Mapping) for item in listed):
            raise CaramlError("`resources` of the state is not a list of resources")
        resources = [resource_state(item, lambda _: HIDDEN) for item in listed]
        check_integrity(resources)
    except CaramlError as error:
        raise CaramlError(error.what, where=str(path), allowed=error.allowed, fix=error.fix) from None
    if not resources:
        raise CaramlError("the stack holds no resources: there is nothing to judge", where=str(path))
    return [resource for resource in resources if not resource.delete]


def stack_name(resources: list[ResourceState]) -> str:
    """The name of the stack that resources are of."""
    return resources[0].urn.removeprefix("urn:pulumi:").split("::", 1)[0]


def subjects_of(resources: list[ResourceState], text: str, path: Path) -> list[Subject]:
    """The resources to judge: all but the stack itself and providers, which the others know."""
    lines = _lines(text)

    def locate(urn: str) -> Locate:
        line = f":{lines[urn]}" if urn in lines else ""
        return lambda at: f"{path}{line}" + (f" ({dotted(at)})" if at else "")

    return [
        Subject(resource, f"{resource.type} {resource.name}", locate(resource.urn))
        for resource in resources
        if resource.type != STACK_TYPE and not resource.type.startswith(PROVIDER_PREFIX)
    ]


def _lines(text: str) -> dict[str, int]:
    """The line of each resource; none in a file of a single line, where it would say nothing."""
    lines = text.splitlines()
    if len(lines) < 2:
        return {}
    return {match["urn"]: number for number, line in enumerate(lines, 1) if (match := _URN.search(line))}
