import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import analyzer_pb2

from caraml_pulumi.engine import wire
from caraml_pulumi.engine.policies import AnalyzedResource, NotApplicable, PolicyPack, Violation, messages, pack
from caraml_pulumi.engine.resource import ResourceState, make_urn
from caraml_pulumi.engine.values import UNKNOWN, Secret
from caraml_pulumi.errors import CaramlError

PROGRAM = """
import os
import sys
import time
from pulumi import Config, get_stack
from pulumi.runtime import is_dry_run
from pulumi_policy import *

print("imported")

def replicas(args, report):
    if args.resource_type == "t:i:Crash":
        raise KeyError(args.props["why"])
    if args.resource_type == "t:i:Die":
        os._exit(3)
    if args.resource_type == "t:i:Hang":
        time.sleep(60)
    if args.resource_type == "t:i:Print":
        print("looking at", args.props["token"])
    if args.props.get("replicas", 0) > args.get_config().get("ceiling", 5):
        report(f"{args.name} has {args.props['replicas']:g} replicas, token {args.props.get('token')}")

def context(args, report):
    report(" ".join([get_stack(), str(is_dry_run()), Config("shop").require("tier"), str(args.opts.protect),
                     str(args.opts.ignore_changes), str(args.opts.parent), args.provider.props["context"]]))

def label(args):
    if args.resource_type == "t:i:Labelled":
        return {**args.props, "labels": {"team": args.props["team"]}}

def count(args, report):
    if len(args.resources) > 2:
        last = args.resources[-1]
        report(f"{len(args.resources)} resources, {last.name} needs {[r.name for r in last.dependencies]} "
               f"in {last.parent.name}", last.urn)

PolicyPack("guardrails", [
    ResourceValidationPolicy("replicas", "Few replicas.", replicas, EnforcementLevel.MANDATORY,
        PolicyConfigSchema({"ceiling": {"type": "number", "default": 3}}), severity=Severity.HIGH),
    ResourceValidationPolicy("context", "Tells what it is told.", context, EnforcementLevel.DISABLED,
        severity=Severity.LOW, tags=["telling"], remediation_steps="Do not ask.", url="docs/context.md"),
    ResourceValidationPolicy("label", "Everything is labelled.", enforcement_level=EnforcementLevel.REMEDIATE,
        remediate=label),
    StackValidationPolicy("count", "Two resources.", count, EnforcementLevel.ADVISORY),
])
"""


def write_pack(directory: Path, program: str = PROGRAM, manifest: str = "runtime: python\nversion: 1.2.3\n") -> Path:
    directory.mkdir()
    (directory / "PulumiPolicy.yaml").write_text(manifest)
    (directory / "__main__.py").write_text(program)
    return directory


def start(directory: Path, settings: str = "", **options: Any) -> PolicyPack:
    config_path = None
    if settings:
        config_path = directory / "settings.json"
        config_path.write_text(settings)
    config: dict[str, str | Secret] = {"shop:tier": "gold", "shop:token": Secret("hunter2-hunter2")}
    arguments: dict[str, Any] = {"project": "shop", "stack": "dev", "preview": True, "config": config, **options}
    return PolicyPack(directory, config_path, **arguments)


def resource(name: str = "web", type_: str = "t:i:Web", provider: bool = False, **properties: Any) -> AnalyzedResource:
    return AnalyzedResource(state(name, type_), properties, _provider() if provider else None)


def state(name: str, type_: str = "t:i:Web") -> ResourceState:
    return ResourceState(urn=make_urn("dev", "shop", type_, name), type=type_, custom=True)


def _provider() -> ResourceState:
    provider = state("main", "pulumi:providers:t")
    provider.inputs = {"context": "prod-cluster"}
    return provider


@pytest.fixture(scope="module")
def guardrails(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PolicyPack]:
    running = start(write_pack(tmp_path_factory.mktemp("packs") / "pack"))
    yield running
    running.close()


def test_a_violation_names_policy_pack_version_level_and_resource(guardrails: PolicyPack) -> None:
    assert guardrails.analyze(resource(replicas=4)) == [
        Violation(
            policy="replicas",
            pack="guardrails",
            version="1.2.3",
            description="Few replicas.",
            message="Few replicas.\nweb has 4 replicas, token None",
            level="mandatory",
            urn="urn:pulumi:dev::shop::t:i:Web::web",
            severity="high",
        )
    ]


def test_a_good_resource_has_no_violations(guardrails: PolicyPack) -> None:
    assert guardrails.analyze(resource(replicas=3)) == []


def test_the_event_of_a_violation_is_pulumis(guardrails: PolicyPack) -> None:
    (violation,) = guardrails.analyze(resource(replicas=4))
    assert violation.event() == {
        "resourceUrn": violation.urn,
        "message": violation.message,
        "color": "never",
        "policyName": "replicas",
        "policyPackName": "guardrails",
        "policyPackVersion": "1.2.3",
        "policyPackVersionTag": "1.2.3",
        "enforcementLevel": "mandatory",
        "severity": "high",
    }


def test_a_secret_in_a_message_is_masked(guardrails: PolicyPack) -> None:
    (violation,) = guardrails.analyze(resource(replicas=4, token=Secret("s3cr3t-value")))
    assert violation.message.endswith("token [secret]")


def test_a_control_character_in_a_message_is_written_out(guardrails: PolicyPack) -> None:
    (violation,) = guardrails.analyze(resource(replicas=4, token="\x1b[2Jgone\x07"))
    assert violation.message.endswith(r"token \x1b[2Jgone\x07")


def test_an_unknown_that_a_policy_reads_at_preview_is_an_advisory_violation(guardrails: PolicyPack) -> None:
    (violation,) = guardrails.analyze(resource(replicas=UNKNOWN))
    assert violation.level == "advisory"
    assert "can't run policy 'replicas'" in violation.message


def test_a_policy_that_is_not_applicable_says_why_without_secrets(tmp_path: Path) -> None:
    pack = write_pack(
        tmp_path / "pack",
        "from pulumi_policy import *\n"
        "def judge(args, report):\n"
        "    args.not_applicable(f'of no use for {args.props[\"token\"]}')\n"
        "PolicyPack('guardrails', [ResourceValidationPolicy('replicas', 'Few.', judge)])\n",
    )
    told: list[NotApplicable] = []
    running = start(pack, on_not_applicable=told.append)
    try:
        given = resource(token=Secret("hush-hush"))
        assert running.analyze(given) == []
    finally:
        running.close()
    assert told == [NotApplicable("replicas", "guardrails", "1.2.3", "of no use for [secret]", given.state.urn)]


def test_a_remediation_changes_the_inputs_and_keeps_secrets_and_unknowns(guardrails: PolicyPack) -> None:
    given = resource(type_="t:i:Labelled", team="fraud", token=Secret("hush-hush"), size=3, address=UNKNOWN)
    inputs, notes = guardrails.remediate(given)
    assert inputs == {
        "team": "fraud",
        "token": Secret("hush-hush"),
        "size": 3,
        "address": UNKNOWN,
        "labels": {"team": "fraud"},
    }
    assert [(note.policy, note.level, note.message) for note in notes] == [
        ("label", "remediate", "Everything is labelled.\nchanged labels")
    ]


def test_the_note_of_a_remediation_names_the_paths_that_it_changed_and_no_values() -> None:
    before = {"spec": {"containers": [{"image": "a", "env": Secret("hush-hush")}, {"image": "b"}], "size": 1}, "old": 1}
    after = {"spec": {"containers": [{"image": "a"}, {"image": "c", "limits": {"cpu": "1"}}], "size": 1.0}}
    found = analyzer_pb2.Remediation(
        policyName="limits", description="Limits.", properties=wire.encode(after, secrets=False, unknowns=False)
    )
    _, note = messages.remediation(found, "1.2.3", resource(), before)
    assert note.message == (
        "Limits.\nchanged old, spec.containers[0].env, spec.containers[1].image, spec.containers[1].limits"
    )


def test_a_remediation_that_could_not_run_is_an_advisory_note_without_secrets() -> None:
    found = analyzer_pb2.Remediation(
        policyName="label", policyPackName="guardrails", diagnostic="can't run on hush-hush"
    )
    given = resource(token=Secret("hush-hush"))
    inputs, note = messages.remediation(found, "1.2.3", given, given.properties)
    assert inputs == given.properties
    assert (note.level, note.message, note.urn) == ("advisory", "can't run on [secret]", given.state.urn)


def test_a_stack_policy_sees_all_resources_with_parents_and_dependencies(guardrails: PolicyPack) -> None:
    first, second, third = (state(name) for name in ("first", "second", "third"))
    third.parent, third.dependencies = first.urn, [second.urn]
    found = guardrails.analyze_stack([AnalyzedResource(each, {}) for each in (first, second, third)])
    assert [(violation.policy, violation.level, violation.urn) for violation in found] == [
        ("count", "advisory", third.urn)
    ]
    assert found[0].message == "Two resources.\n3 resources, third needs ['second'] in first"
    assert guardrails.analyze_stack([AnalyzedResource(first, {})]) == []


def test_many_resources_are_analyzed_at_once(guardrails: PolicyPack) -> None:
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda number: guardrails.analyze(resource(f"web-{number}", replicas=4)), range(200)))
    assert [violations[0].urn.rsplit("::", 1)[1] for violations in found] == [f"web-{number}" for number in range(200)]


def test_an_exception_in_a_policy_is_one_clear_error_without_secrets(guardrails: PolicyPack) -> None:
    with pytest.raises(CaramlError) as caught:
        guardrails.analyze(resource("bad", "t:i:Crash", why=Secret("very-private")))
    message = str(caught.value)
    assert message.startswith("policy pack \"pack\" failed while checking 'bad'\n    KeyError: ")
    assert "__main__.py:13" in caught.value.where
    assert "very-private" not in message
    assert "Traceback" not in message


def test_the_policies_of_a_pack_see_configuration_options_and_provider(tmp_path: Path) -> None:
    running = start(write_pack(tmp_path / "pack"), '{"context": "advisory"}')
    web = AnalyzedResource(state("web"), {}, _provider(), ignore_changes=["size"])
    web.state.protect, web.state.parent = True, "urn:pulumi:dev::shop::t:i:Group::group"
    try:
        (violation,) = running.analyze(web)
    finally:
        running.close()
    assert violation.message == (
        "Tells what it is told.\ndev True gold True ['size'] urn:pulumi:dev::shop::t:i:Group::group prod-cluster"
    )


def test_the_configuration_file_sets_levels_and_properties(tmp_path: Path) -> None:
    running = start(
        write_pack(tmp_path / "pack"), '{"all": "disabled", "replicas": {"enforcementLevel": "advisory", "ceiling": 9}}'
    )
    try:
        assert running.analyze(resource(replicas=9)) == []
        assert [violation.level for violation in running.analyze(resource(replicas=10))] == ["advisory"]
        assert running.analyze_stack([resource("a"), resource("b"), resource("c")]) == []
    finally:
        running.close()


def test_a_pack_lists_its_policies_with_what_they_say_of_themselves_and_how_they_are_configured(tmp_path: Path) -> None:
    running = start(write_pack(tmp_path / "pack"), '{"replicas": {"enforcementLevel": "advisory", "ceiling": 7}}')
    try:
        rules = {rule.name: rule for rule in running.rules}
    finally:
        running.close()
    assert [*rules] == ["replicas", "context", "label", "count"]
    assert (rules["replicas"].level, rules["replicas"].values) == ("advisory", {"ceiling": 7})
    assert (rules["count"].kind, rules["count"].level, rules["count"].severity) == ("stack", "advisory", "")
    context = rules["context"]
    assert (context.kind, context.level, context.severity) == ("resource", "disabled", "low")
    assert (context.description, context.steps) == ("Tells what it is told.", "Do not ask.")
    assert (tuple(context.tags), context.url) == (("telling",), "docs/context.md")


def test_a_configuration_that_does_not_fit_is_refused_before_anything_is_checked(tmp_path: Path) -> None:
    running = start(write_pack(tmp_path / "pack"), '{"replicas": {"ceiling": "many"}, "replica": "advisory"}')
    try:
        with pytest.raises(CaramlError, match="no policy 'replica'") as caught:
            running.wait()
        assert '"many" is not allowed' in str(caught.value)
        with pytest.raises(CaramlError, match="no policy 'replica'"):
            running.analyze(resource())
    finally:
        running.close()


def test_what_a_pack_prints_is_passed_on_with_the_secrets_of_the_configuration_masked(tmp_path: Path) -> None:
    lines: list[str] = []
    running = start(write_pack(tmp_path / "pack"), on_line=lines.append)
    running.analyze(resource(type_="t:i:Print", token="hunter2-hunter2"))
    running.close()
    assert lines == ["imported", "looking at [secret]"]


def test_a_pack_that_dies_is_one_clear_error(tmp_path: Path) -> None:
    running = start(write_pack(tmp_path / "pack"))
    try:
        with pytest.raises(CaramlError, match=r"ended while checking 'web' \(exit code 3\)"):
            running.analyze(resource(type_="t:i:Die"))
        with pytest.raises(CaramlError, match="ended while checking"):
            running.analyze(resource())
    finally:
        running.close()


def test_a_pack_that_does_not_answer_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = start(write_pack(tmp_path / "pack"))
    running.wait()
    monkeypatch.setattr(pack, "ANSWER_TIMEOUT", 0.3)
    try:
        with pytest.raises(CaramlError, match=r"did not answer within 0.3 s while checking 'web'"):
            running.analyze(resource(type_="t:i:Hang"))
    finally:
        running.close()


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("def (", "SyntaxError: invalid syntax"),
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("print('no pack here')", r"ended before it was ready \(exit code 0\)\n    no pack here"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", r"killed by SIGKILL"),
    ],
)
def test_a_pack_that_does_not_start_says_why(tmp_path: Path, program: str, message: str) -> None:
    running = start(write_pack(tmp_path / "pack", "\n" + program))
    with pytest.raises(CaramlError, match=message) as caught:
        running.wait()
    running.close()
    assert "Traceback" not in str(caught.value)


def test_a_syntax_error_is_located(tmp_path: Path) -> None:
    running = start(write_pack(tmp_path / "pack", "import os\n\ndef ("))
    with pytest.raises(CaramlError) as caught:
        running.wait()
    running.close()
    assert caught.value.where == f"{tmp_path}/pack/__main__.py:3"


def test_several_packs_start_at_the_same_time(tmp_path: Path) -> None:
    slow = "import time; time.sleep(3)\n" + PROGRAM
    directories = [write_pack(tmp_path / f"pack-{number}", slow) for number in range(3)]
    began = time.monotonic()
    packs = [start(directory) for directory in directories]
    for running in packs:
        running.wait()
    took = time.monotonic() - began
    for running in packs:
        running.close()
    assert took < 8  # one after another they take nine


def test_close_ends_the_process_even_one_that_ignores_sigterm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + PROGRAM
    running = start(write_pack(tmp_path / "pack", stubborn))
    running.wait()
    pid = running.pid
    running.close()
    running.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)


def test_a_pack_in_another_language_is_refused_by_name(tmp_path: Path) -> None:
    directory = write_pack(tmp_path / "pack", manifest="runtime: nodejs\n")
    with pytest.raises(CaramlError, match="runtime is 'nodejs'") as caught:
        start(directory)
    assert caught.value.allowed == "python"
