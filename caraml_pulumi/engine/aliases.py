"""Former URNs of a resource, so that its state is found again after a rename."""

from collections.abc import Iterator

from caraml_pulumi.engine.goal import AliasSpec, Goal
from caraml_pulumi.engine.resource import make_urn, urn_name


def former_urns(goal: Goal, stack: str, project: str, parent_aliases: list[str]) -> Iterator[str]:
    """The URNs under which earlier states may know `goal`, nearest first.

    `parent_aliases` are the former URNs of its parent: a child inherits them, and its name with them where it begins
    with the parent's name (as Pulumi's SDKs define it).
    """
    own = [AliasSpec(), *goal.aliases]
    for spec in goal.aliases:
        yield _urn(spec, goal, stack, project, goal.parent, goal.name)
    parent_name = urn_name(goal.parent) if goal.parent else ""
    for former_parent in parent_aliases:
        name = goal.name
        if parent_name and name.startswith(parent_name):
            name = urn_name(former_parent) + name.removeprefix(parent_name)
        for spec in own:
            if not (spec.urn or spec.parent or spec.no_parent):
                yield _urn(spec, goal, stack, project, former_parent, name)


def _urn(spec: AliasSpec, goal: Goal, stack: str, project: str, parent: str, name: str) -> str:
    if spec.urn:
        return spec.urn
    parent = "" if spec.no_parent else spec.parent or parent
    return make_urn(spec.stack or stack, spec.project or project, spec.type or goal.type, spec.name or name, parent)
