"""The configurations of the pack that come with it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.engine.policies import PolicyPack
from policies.rule import ENVIRONMENTS
from policies.rules import all_rules
from tools.policy_docs import STACKS, level_in, read_profiles

PACK = Path(__file__).parents[3] / "policies"
LEVELS = ("disabled", "advisory", "remediate", "mandatory")
"""The levels, the stricter the later."""


def settings(profile: Mapping[str, Any], rule: str) -> Mapping[str, Any]:
    return profile[rule] if isinstance(profile[rule], dict) else {}


@pytest.mark.parametrize("stack", STACKS)
def test_a_profile_names_every_rule_of_the_pack_and_no_other(stack: str) -> None:
    assert sorted(read_profiles()[stack]) == [rule.name for rule in all_rules()]


@pytest.mark.parametrize("stack", STACKS)
def test_a_pack_takes_its_profile_without_a_complaint(stack: str) -> None:
    path = PACK / "profiles" / f"{stack}.json"
    pack = PolicyPack(PACK, path, project="shop", stack=stack, preview=True, config={})
    try:
        levels = {rule.name: rule.level for rule in pack.rules}
    finally:
        pack.close()
    profile = read_profiles()[stack]
    assert levels == {rule.name: level_in(rule, profile) for rule in all_rules()}


def test_no_rule_is_stricter_in_an_environment_than_in_the_next() -> None:
    profiles = read_profiles()
    levels = {
        rule.name: [LEVELS.index(level_in(rule, profiles[stack])) for stack in ("dev", "staging", "prod")]
        for rule in all_rules()
    }
    assert {name: strict for name, strict in levels.items() if strict != sorted(strict)} == {}


def test_no_rule_is_disabled_in_production_and_rules_of_production_hold_whatever_the_stack_is_called() -> None:
    prod = read_profiles()["prod"]
    for rule in all_rules():
        assert level_in(rule, prod) != "disabled"
        assert rule.config_schema
        if rule.config_schema.properties[ENVIRONMENTS]["default"]:
            assert settings(prod, rule.name)[ENVIRONMENTS] == []


def test_production_asks_for_two_replicas_digests_tls_and_an_owner() -> None:
    prod = read_profiles()["prod"]
    assert settings(prod, "replicas-within-bounds")["minReplica"] == 2
    assert settings(prod, "labels-present")["labels"] == ["team", "stream", "owner"]
    for rule in ("image-pinned-by-digest", "digest-deployed-before", "ingress-has-tls"):
        assert settings(prod, rule)["enforcementLevel"] == "mandatory"
