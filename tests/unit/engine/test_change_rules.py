"""Rules over the old and the new inputs of a resource, in whole programs on the embedded engine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.errors import CaramlError
from tests.unit.engine.memory import Stack

PROGRAM = """
group = Group("g", {"tier": config.require("tier"), "password": pulumi.Output.secret("hunter2")})
Thing("a", config.require("tier"), opts=Options(parent=group))
Thing("b", "always")
"""


def tiers_stay(type_: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    if type_ == "memory:index:Group" and old["tier"] != new["tier"]:
        assert new["password"] == "hunter2"
        raise CaramlError(f"the tier {old['tier']} may not become {new['tier']}", where="tier")


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
    return Stack(tmp_path, rules=(tiers_stay,)).program(PROGRAM)


@pytest.mark.parametrize("operation", ["preview", "up"])
def test_a_change_that_a_rule_refuses_fails_before_anything_of_the_component_is_applied(
    stack: Stack, operation: str
) -> None:
    stack.config(tier="gold").must_up()
    stack.config(tier="silver")
    outcome = getattr(stack, operation)()
    assert str(outcome.error) == "the tier gold may not become silver\n  where:   tier"
    assert "update a" not in stack.store.calls
    assert [thing["value"] for thing in stack.store.things.values()] in (["gold", "always"], ["always", "gold"])
    assert stack.config(tier="gold").preview().changes == {"same": 4}


def test_a_creation_an_unchanged_resource_and_a_deletion_are_not_judged(stack: Stack) -> None:
    stack.config(tier="gold").must_up()
    stack.must_up()
    assert stack.program("").must_up().changes == {"delete": 3, "same": 1}


def test_a_custom_resource_is_judged_by_the_inputs_that_its_provider_would_get(stack: Stack) -> None:
    seen: list[tuple[Any, Any]] = []
    stack.rules = (lambda type_, old, new: seen.append((old["value"], new["value"])) if "value" in old else None,)
    stack.program('Thing("a", config.require("tier"))').config(tier="gold").must_up()
    assert seen == []
    stack.config(tier="silver").must_up()
    assert seen == [("gold", "silver")]
