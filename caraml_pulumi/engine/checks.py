"""Puts each planned resource, and in the end the whole stack, before the policy packs."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from caraml_pulumi.engine.goal import Goal
from caraml_pulumi.engine.reporter import Reporter
from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.values import Properties
from caraml_pulumi.errors import POLICY_VIOLATION, CaramlError

if TYPE_CHECKING:
    from caraml_pulumi.engine.policies import AnalyzedResource, PolicyPack, Violation

_AT_A_TIME: Final = 4
"""How many questions a pack answers at a time: the SDK's server has as many threads."""


class PolicyChecks:
    """The policy packs of a run. A mandatory violation stops an update before the resource is touched.

    At preview nothing is touched, so the packs judge when the program has ended: while it runs, their answers would
    only compete with it for Python's lock. All violations are found first, and `error` then fails the preview.
    """

    def __init__(self, packs: Sequence["PolicyPack"], reporter: Reporter, *, preview: bool) -> None:
        self.packs = packs
        self._reporter = reporter
        self._preview = preview
        self._mandatory: set[str] = set()
        self._planned: list[AnalyzedResource] = []

    def check(self, goal: Goal, planned: ResourceState, provider: ResourceState | None) -> Properties:
        """The inputs of `planned`, as the packs' remediations leave them.

        Raises:
            CaramlError: a mandatory policy is violated, in an update; or a pack failed.
        """
        if not self.packs:
            return planned.inputs
        from caraml_pulumi.engine.policies import AnalyzedResource

        resource = AnalyzedResource(
            planned,
            planned.inputs,
            provider,
            ignore_changes=goal.ignore_changes,
            delete_before_replace=goal.delete_before_replace,
        )
        for pack in self.packs:
            inputs, notes = pack.remediate(resource)
            resource = replace(resource, properties=inputs)
            self._report(notes)
        if self._preview:
            self._planned.append(resource)
        else:
            self._judge(resource)
        return resource.properties

    def _judge(self, resource: "AnalyzedResource") -> None:
        for pack in self.packs:
            self._report(pack.analyze(resource))

    def settle(self) -> None:
        """Judge what a preview has planned: several resources at a time, each after its parent, as at an update.

        Raises:
            CaramlError: a pack failed.
        """
        with ThreadPoolExecutor(_AT_A_TIME, "policies") as asking:
            for generation in _generations(self._planned):
                deque(asking.map(self._judge, generation), maxlen=0)
        self._planned = []

    def check_stack(self, resources: Iterable[ResourceState]) -> None:
        """Judge the stack as a whole. Raises `CaramlError` as `check` does."""
        if not self.packs:
            return
        from caraml_pulumi.engine.policies import AnalyzedResource

        by_urn = {resource.urn: resource for resource in resources}
        judged = [
            AnalyzedResource(item, item.outputs or item.inputs, by_urn.get(item.provider.rsplit("::", 1)[0]))
            for item in by_urn.values()
        ]
        for pack in self.packs:
            self._report(pack.analyze_stack(judged))

    def _report(self, violations: "Iterable[Violation]") -> None:
        mandatory = []
        for violation in violations:
            self._reporter.policy(violation.event())
            if violation.mandatory:
                mandatory.append(violation)
                self._mandatory.add(violation.policy)
        if mandatory and not self._preview and (error := self.error()):
            raise error

    def error(self) -> CaramlError | None:
        """The failure of a preview, or update, in which a mandatory policy was violated."""
        if not self._mandatory:
            return None
        return CaramlError(
            f"mandatory policy violated: {', '.join(sorted(self._mandatory))}",
            fix="mend what the policy messages name; nothing was applied"
            if self._preview
            else "see the policy messages",
            exit_code=POLICY_VIOLATION,
        )


def _generations(resources: "Iterable[AnalyzedResource]") -> "Iterable[list[AnalyzedResource]]":
    """`resources` by how many ancestors among them they have, in the order of registration, parents first."""
    depth: dict[str, int] = {}
    generations: dict[int, list[AnalyzedResource]] = defaultdict(list)
    for resource in resources:
        depth[resource.state.urn] = depth.get(resource.state.parent, -1) + 1
        generations[depth[resource.state.urn]].append(resource)
    return [generations[number] for number in sorted(generations)]
