"""What the policies about groups share: the projects of a stack, and what their deployed versions ask for.

Only versions and projects that components made are known; the ResourceQuota of a project's namespace holds the rest.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pulumi_policy import ReportViolation, StackValidationArgs

from caraml_pulumi.model.names import full_name
from caraml_pulumi.model.quota import Demand, GroupQuota
from policies.reading import MODEL_PROJECT, MODEL_VERSION, broken


class Group(NamedTuple):
    """A project, by its outputs, and its deployed versions, by theirs."""

    name: str
    urn: str
    enabled: bool
    quota: GroupQuota
    demands: list[Demand]


def groups(args: StackValidationArgs) -> Iterator[Group]:
    """The projects of a stack."""
    outputs = [resource.props for resource in args.resources if resource.resource_type == MODEL_VERSION]
    demands = [(_where(props), _demand(props)) for props in outputs if "demand" in props]
    for resource in args.resources:
        if resource.resource_type == MODEL_PROJECT and "quota" in resource.props:
            own = [demand for where, demand in demands if where == _where(resource.props)]
            quota = GroupQuota.model_validate(dict(resource.props["quota"]))
            yield Group(resource.props["project"], resource.urn, resource.props["enabled"], quota, own)


def of_each_group(rule: Callable[[Group], None]) -> Callable[[StackValidationArgs, ReportViolation], None]:
    """A validation that holds every project of a stack to `rule`, and blames the project."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for group in groups(args):
            for message in broken(rule, group):
                report(message, group.urn)

    return validate


def _where(outputs: Mapping[str, Any]) -> tuple[str, str]:
    return outputs["environment"], outputs["project"]


def _demand(outputs: Mapping[str, Any]) -> Demand:
    return Demand.read(full_name(outputs["model"], int(outputs["version"])), outputs["demand"])
