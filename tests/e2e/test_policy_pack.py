"""Every rule of the policy pack in runs of `caraml`: the pack in its own process, asked through Pulumi's protocol.

The unit test of each rule says in VIOLATION which stack breaks it, in CONFIG with which settings of the rule, and in
ENVIRONMENT what the stack is called.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, NamedTuple

import pytest

from caraml_pulumi.errors import FAILED, POLICY_VIOLATION
from caraml_pulumi.kube import KubeError
from policies import rules
from policies.rule import ResourceRule, StackRule
from tests.e2e.conftest import LocalCluster
from tests.e2e.policy_program import Project, Ran, Resources, whole

pytestmark = pytest.mark.e2e

NAMESPACE = "iris-team"
"""Where the unit tests of rules have their objects; here each rule has a namespace of its own."""
RULES = {rule.name: rule for rule in rules.all_rules()}
MODULES = {
    value.name: found.name
    for found in iter_modules(rules.__path__)
    for value in vars(import_module(f"policies.rules.{found.name}")).values()
    if isinstance(value, ResourceRule | StackRule)
}
STACKS = ("dev", "prod")
REFUSED = ("replicas-within-bounds", "reserved-env-names", "scale-to-zero-can-wake")
"""Rules of which what breaks them is refused by the API server too, so that a preview ends there."""


class Broken(NamedTuple):
    """The smallest stack that breaks a rule, the settings of the rule, and the name of the stack."""

    resources: Resources
    config: dict[str, Any]
    stack: str


Break = Callable[[str], Broken]


@pytest.fixture(scope="module")
def broken(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Break]:
    """What the unit test of a rule says of it, in a namespace made for the rule.

    Logical names begin with the rule's. Files that settings name, such as the stack before, say the same namespace.
    """
    run, scratch = uuid.uuid4().hex[:6], tmp_path_factory.mktemp("evidence")
    made: dict[str, str] = {}

    def break_(rule: str) -> Broken:
        module = import_module(f"tests.unit.policies.rules.test_{MODULES[rule]}")
        if rule not in made:
            made[rule] = f"policy-{run}-{len(made)}"
            body = {"metadata": {"name": made[rule]}}
            cluster.client.request("POST", "/api/v1/namespaces", body=body)
        namespace = made[rule]
        resources = json.loads(json.dumps(module.VIOLATION).replace(NAMESPACE, namespace))
        config = dict(getattr(module, "CONFIG", {}))
        for name, value in config.items():
            if isinstance(value, str) and Path(value).is_file():
                config[name] = str(scratch / f"{namespace}-{name}")
                Path(config[name]).write_text(Path(value).read_text().replace(NAMESPACE, namespace))
        named = [(type_, f"{rule}.{name}", whole(type_, name, props)) for type_, name, props in resources]
        return Broken(named, config, getattr(module, "ENVIRONMENT", "dev"))

    yield break_
    for namespace in made.values():
        cluster.client.request("DELETE", f"/api/v1/namespaces/{namespace}")


@pytest.fixture(autouse=True)
def on_the_cluster(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
    for name in ("CARAML_STACK_BEFORE", "CARAML_STATUS_BEFORE"):
        monkeypatch.delenv(name, raising=False)


def exists(cluster: LocalCluster, type_: str, props: dict[str, Any]) -> bool:
    """Whether the API server has an object of that type and name."""
    group, _, kind = type_.removeprefix("kubernetes:").partition(":")
    metadata = props["metadata"]
    path = cluster.client.path(group.removeprefix("core/"), kind, metadata.get("namespace"), metadata["name"])
    try:
        cluster.client.request("GET", path)
    except KubeError as error:
        if error.status == 404:
            return False
        raise
    return True


def blamed(ran: Ran, rule: str) -> list[str]:
    """The logical names of what a rule found wrong."""
    return [violation.resource for violation in ran.violations if violation.rule == rule]


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_reports_each_rule_that_is_on_and_none_that_is_disabled(
    broken: Break, tmp_path: Path, stack: str, part: int
) -> None:
    """The stacks that break a rule all in one, under every second rule and then under the others."""
    stacks = {rule: found for rule in RULES if rule not in REFUSED and (found := broken(rule)).stack == stack}
    on = set(list(stacks)[part::2])
    config = {rule: {"enforcementLevel": "mandatory", **stacks[rule].config} for rule in on}
    resources = [resource for found in stacks.values() for resource in found.resources]
    ran = Project(tmp_path, stack, resources, {"all": "disabled", **config}).preview()
    assert ran.rules == on
    assert {violation.level for violation in ran.violations} == {"mandatory"}
    for rule in on:
        of_before = "stackBefore" in stacks[rule].config  # what is missing now is blamed
        assert [name for name in blamed(ran, rule) if of_before or not name or name.startswith(f"{rule}.")], rule
    assert ran.exit_code == POLICY_VIOLATION


@pytest.mark.parametrize("rule", REFUSED)
def test_a_preview_reports_what_the_server_refuses_as_well(broken: Break, tmp_path: Path, rule: str) -> None:
    found = broken(rule)
    for level, rules_found, exit_code in (("mandatory", {rule}, POLICY_VIOLATION), ("disabled", set(), FAILED)):
        config = {"all": "disabled", rule: {"enforcementLevel": level, **found.config}}
        directory = tmp_path / level
        directory.mkdir()
        ran = Project(directory, found.stack, found.resources, config).preview()
        assert (ran.rules, ran.exit_code) == (rules_found, exit_code)


@pytest.mark.parametrize("rule", RULES)
def test_an_update_is_stopped_before_what_breaks_the_rule_is_made(
    broken: Break, cluster: LocalCluster, tmp_path: Path, rule: str
) -> None:
    """Rules about a resource stop the update itself; those about the stack the preview that comes before it."""
    found = broken(rule)
    config = {"all": "disabled", rule: {"enforcementLevel": "mandatory", **found.config}}
    of_resource = isinstance(RULES[rule], ResourceRule)
    ran = Project(tmp_path, found.stack, found.resources, config).up(skip_preview=of_resource)
    assert ran.exit_code == POLICY_VIOLATION
    assert {(violation.rule, violation.level) for violation in ran.violations} == {(rule, "mandatory")}
    wrong = blamed(ran, rule) if of_resource else [name for _, name, _ in found.resources]
    objects = [(type_, props) for type_, name, props in found.resources if name in wrong]
    assert objects
    assert [
        type_ for type_, props in objects if type_.startswith("kubernetes:") and exists(cluster, type_, props)
    ] == []
