"""Recorded stacks before policies: as a pack in a process of its own, and as policies in this one."""

from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from caraml_pulumi.engine.values import UNKNOWN, Secret
from caraml_pulumi.errors import CaramlErrors
from caraml_pulumi.testing import Recording, record, unknown
from caraml_pulumi.testing.policies import remediated, violations
from caraml_pulumi.testing.stacks import Finding, assert_passes, judge
from tests.unit.cli.policy_pack import write_pack

TEAM = "demo:index:Team"


class Team(pulumi.ComponentResource):
    def __init__(self, name: str, size: Any, parent: pulumi.Resource | None = None) -> None:
        super().__init__(TEAM, name, {"size": size}, pulumi.ResourceOptions(parent=parent))
        self.register_outputs({"grown": size})


def recorded(*sizes: int, config: dict[str, str] | None = None) -> Recording:
    """A stack with teams of these sizes, each the parent of the next; 0 is a size that a preview does not know."""

    def program() -> None:
        parent = None
        for number, size in enumerate(sizes, 1):
            parent = Team(f"team-{number}", size or unknown(), parent)

    return record(program, project="shop", stack="prod", preview=True, config=config)


def small(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.props["size"] > args.get_config().get("largest", 4):
        report(f"{args.name} of {(args.opts.parent or '').rpartition('::')[2]} is too large", None)


def few(args: StackValidationArgs, report: ReportViolation) -> None:
    for team in args.resources[2:]:
        report(
            f"{team.name} of {team.parent.name if team.parent else ''} is one too many: {team.props['grown']}", team.urn
        )


SMALL = ResourceValidationPolicy("small", "Teams are small.", small, EnforcementLevel.MANDATORY)
FEW = StackValidationPolicy("few", "There are few teams.", few)


def urn(number: int) -> str:
    """The URN of a team; a recording knows no more of its ancestors than the parent."""
    types = TEAM if number == 1 else f"{TEAM}${TEAM}"
    return f"urn:pulumi:prod::shop::{types}::team-{number}"


def test_policies_judge_inputs_and_outputs_with_parents_in_order() -> None:
    assert judge(recorded(1, 9, 2), [SMALL, FEW]) == [
        Finding("small", "mandatory", "team-2 of team-1 is too large", urn(2)),
        Finding("few", "advisory", "team-3 of team-2 is one too many: 2.0", urn(3)),
    ]


def test_a_finding_knows_its_resource_and_says_all_in_a_line() -> None:
    _, finding = judge(recorded(9, 9), [SMALL])
    assert (finding.type, finding.name) == (TEAM, "team-2")
    assert str(finding) == f"mandatory small: {TEAM} team-2: team-2 of team-1 is too large"
    assert str(Finding("few", "advisory", "too many")) == "advisory few: the stack: too many"


def test_settings_are_given_by_policy() -> None:
    assert judge(recorded(9), [SMALL], {"small": {"largest": 9}}) == []


def test_a_disabled_policy_is_not_asked() -> None:
    assert judge(recorded(9), [ResourceValidationPolicy("off", "Off.", small, EnforcementLevel.DISABLED)]) == []


def test_a_value_that_is_not_known_is_told_as_pulumi_does() -> None:
    (finding,) = judge(recorded(0), [SMALL])
    assert (finding.level, finding.name) == ("advisory", "team-1")
    assert "size" in finding.message


def test_policies_see_the_configuration_of_the_stack() -> None:
    def configured(_args: ResourceValidationArgs, report: ReportViolation) -> None:
        report(pulumi.Config("shop").require("currency"), None)

    first, second = (recorded(1, config={"shop:currency": currency}) for currency in ("EUR", "NOK"))
    policy = ResourceValidationPolicy("currency", "Says it.", configured)
    assert [judge(recording, [policy])[0].message for recording in (first, second)] == ["EUR", "NOK"]


def test_assert_passes_lists_what_was_found() -> None:
    assert_passes(recorded(1), [SMALL, FEW])
    with pytest.raises(AssertionError, match=r"2 violations:\nmandatory small: .*team-1.*\nmandatory small: .*team-2"):
        assert_passes(recorded(9, 9), [SMALL])


def test_a_pack_is_asked_in_its_own_process(tmp_path: Path) -> None:
    pack = write_pack(tmp_path)
    assert judge(recorded(9, 1), pack) == [
        Finding("small-teams", "mandatory", "a team of 9 is too large\n  where:   size\n  fix:     split it", urn(1))
    ]
    assert judge(recorded(9, 1), pack, {"small-teams": {"enforcementLevel": "remediate"}}) == []
    (finding,) = judge(recorded(1, 1, 1), pack, {"few-teams": "advisory"})
    assert finding == Finding("few-teams", "advisory", "3 teams are too many")
    with pytest.raises(CaramlErrors, match="big-teams"):
        judge(recorded(1), pack, {"big-teams": "disabled"})


def test_a_remediation_keeps_secrets_and_unknown_values() -> None:
    def shrunk(args: ResourceValidationArgs) -> Any:  # the SDK knows awaitables alone
        return {**args.props, "size": 1} if args.props["size"] > 4 else None

    policy = ResourceValidationPolicy("shrunk", "Teams are small.", remediate=shrunk)
    properties = {"size": 9, "key": Secret("k"), "later": UNKNOWN, "list": [1, {"a": True}]}
    assert remediated(policy, TEAM, properties) == {**properties, "size": 1}
    assert remediated(policy, TEAM, {**properties, "size": 3}) is None


def test_asynchronous_policies_are_waited_for() -> None:
    async def late(args: ResourceValidationArgs, report: ReportViolation) -> None:
        report("at last", None)

    async def later(args: ResourceValidationArgs) -> dict[str, Any]:
        return {"size": 1}

    def begun(args: ResourceValidationArgs) -> Awaitable[dict[str, Any]]:
        return later(args)

    schema = PolicyConfigSchema(properties={"largest": {"type": "integer", "default": 4}})
    policy = ResourceValidationPolicy("late", "Late.", late, config_schema=schema, remediate=begun)
    assert violations(policy, TEAM, {}) == ["at last"]
    assert remediated(policy, TEAM, {}) == {"size": 1}
