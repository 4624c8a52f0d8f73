"""What the policies about groups share: the projects of a stack, and what their deployed versions ask for.

Only versions and projects that components made are known; the ResourceQuota of a project's namespace holds the rest.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.names import full_name
from caraml_pulumi.model.quota import Demand, GroupQuota
from policies.reading import MODEL_PROJECT, MODEL_VERSION
from policies.rule import Blamed, Stack, StackJudge, blame


class Group(NamedTuple):
    """A project, by its outputs, and its deployed versions, by theirs."""

    name: str
    urn: str
    enabled: bool
    quota: GroupQuota
    demands: list[Demand]


def groups(stack: Stack) -> Iterator[Group]:
    """The projects of a stack."""
    outputs = [version.props for version in stack.of(MODEL_VERSION)]
    demands = [(_where(props), _demand(props)) for props in outputs if "demand" in props]
    for project in stack.of(MODEL_PROJECT):
        if "quota" in project.props:
            own = [demand for where, demand in demands if where == _where(project.props)]
            quota = GroupQuota.model_validate(dict(project.props["quota"]))
            yield Group(project.props["project"], project.urn, project.props["enabled"], quota, own)


def of_each_group(rule: Callable[[Group], Iterable[CaramlError]]) -> StackJudge:
    """A judge that holds every project of a stack to `rule`, and blames the project."""

    def judge(stack: Stack) -> Iterator[Blamed]:
        for group in groups(stack):
            yield from blame(group.urn, rule(group))

    return judge


def _where(outputs: Mapping[str, Any]) -> tuple[str, str]:
    return outputs["environment"], outputs["project"]


def _demand(outputs: Mapping[str, Any]) -> Demand:
    return Demand.read(full_name(outputs["model"], int(outputs["version"])), outputs["demand"])
