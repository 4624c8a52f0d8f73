import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from caraml_pulumi.cli.policy import app
from caraml_pulumi.errors import FAILED, POLICY_VIOLATION, USAGE, CaramlErrors
from tests.unit.cli.policy_pack import write_pack
from tests.unit.cli.stacks import Place, Ran

TEAM = "demo:index:Team"


@pytest.fixture
def project(place: Place) -> Place:
    write_pack(place.root)
    return place


def judged(project: Place, documents: Any, *options: str, name: str = "file.yaml") -> Ran:
    """`caraml policy test` of a file with these YAML documents, or this text."""
    file = project.root / name
    file.write_text(documents if isinstance(documents, str) else yaml.safe_dump_all(documents))
    return project.run(app, "test", str(file), *options)


def suite(*cases: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [{**more, "cases": list(cases)}]


def case(size: int, expect: Any = "pass", **more: Any) -> dict[str, Any]:
    resource = {"type": TEAM, "name": "crowd", "properties": {"size": size}}
    return {"name": f"a team of {size}", "resources": [resource], "expect": expect, **more}


def violation(**more: Any) -> dict[str, Any]:
    return {"violations": [{"rule": "small-teams", **more}]}


def manifest(kind: str = "Team", name: str = "crowd", **more: Any) -> dict[str, Any]:
    return {"apiVersion": "example.org/v1", "kind": kind, "metadata": {"name": name}, **more}


def test_list_shows_each_rule_by_its_tag_with_level_and_meaning(
    project: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = project.run(app, "list").stdout
    assert shown.splitlines() == [
        "other",
        "  told         advisory             resource",
        "      Something is told.",
        "",
        "teams",
        "  few-teams    mandatory            stack",
        "      There are few teams.",
        "  small-teams  mandatory  high      resource  size",
        "      Teams are small.",
        "",
        "3 rules: 2 mandatory, 1 advisory",
    ]


def test_list_shows_levels_as_the_profile_of_the_stack_has_them(project: Place) -> None:
    assert "told         disabled" in project.run(app, "list", "--stack", "prod").stdout


def test_list_as_json_has_all_that_the_pack_says_of_a_rule(project: Place) -> None:
    config = project.root / "config.json"
    config.write_text('{"small-teams": {"enforcementLevel": "advisory", "largest": 9}}')
    (found,) = (
        rule
        for rule in project.run(app, "list", "--json", "--policy-pack-config", str(config)).json
        if rule["name"] == "small-teams"
    )
    assert found.pop("settings")["largest"] == {
        "type": "integer",
        "default": 4,
        "minimum": 1,
        "description": "The largest team.",
        "value": 9,
    }
    assert found == {
        "name": "small-teams",
        "kind": "resource",
        "level": "advisory",
        "severity": "high",
        "tags": ["teams", "size"],
        "description": "Teams are small.",
        "steps": "Split the team.",
        "url": "docs/small-teams.md",
    }


def test_explain_says_everything_of_a_rule(project: Place) -> None:
    shown = project.run(app, "explain", "small-teams", "--stack", "prod").stdout
    assert "level     mandatory" in shown
    assert "A large team talks more than it works." in shown
    assert "The rest of the page." not in shown
    assert "Split the team." in shown
    assert "largest  integer, at least 1; default 4; configured: 2\n      The largest team." in shown
    assert "crowd  until 2099-01-31, owner: ann\n      it grew" in shown


def test_a_misspelt_rule_is_refused_with_the_one_that_was_meant(project: Place) -> None:
    ran = project.run(app, "explain", "smal-teams")
    assert ran.error is not None
    assert ran.error.what == 'the policy pack has no rule "smal-teams"'
    assert ran.error.fix == "did you mean `small-teams`?"


def test_a_pack_is_taken_from_anywhere_without_a_project(place: Place, tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "elsewhere")
    (place.root / "Pulumi.yaml").unlink()
    assert place.run(app, "list", "--policy-pack", str(pack)).exit_code == 0


def test_a_project_without_a_pack_is_told_to_name_one(place: Place) -> None:
    ran = place.run(app, "list")
    assert ran.error is not None
    assert ran.error.exit_code == USAGE
    assert "--policy-pack DIR" in ran.error.fix


def test_a_suite_whose_cases_find_what_they_expect_passes(project: Place) -> None:
    refused = case(5, violation(message="too large", resource="crowd", level="mandatory"))
    ran = judged(project, suite(case(4), refused, case(5, config={"small-teams": {"largest": 5}})))
    assert ran.exit_code == 0
    assert ran.stdout.splitlines()[-1] == "3 passed, 0 failed"


def test_a_case_fails_that_finds_something_else_than_it_expects(project: Place) -> None:
    ran = judged(project, suite(case(9), case(2, violation()), case(9, violation(message="too small"))))
    assert ran.exit_code == FAILED
    lines = [line.strip() for line in ran.stdout.splitlines()]
    assert lines[1:4] == [
        "FAIL  a team of 9",
        "did not expect small-teams (mandatory)",
        f"at {project.root}/file.yaml:3",
    ]
    assert "at:      " + f"{project.root}/file.yaml:7 (cases[0].resources[0].properties.size)" in lines
    assert "expected small-teams" in lines
    assert "found no violation at all" in lines
    assert 'expected small-teams, with "too small" in its message' in lines
    assert lines[-1] == "0 passed, 3 failed"


def test_a_case_about_some_rules_does_not_mind_others(project: Place) -> None:
    assert judged(project, suite(case(9, rules=["few-teams"]))).exit_code == 0


def test_suites_do_not_depend_on_the_profiles_of_the_project(project: Place) -> None:
    assert judged(project, suite(case(4), environment="prod")).exit_code == 0
    profile = str(project.root / "policies/profiles/prod.json")
    assert judged(project, suite(case(4), environment="prod"), "--policy-pack-config", profile).exit_code == FAILED


def test_a_configuration_of_a_case_is_laid_over_that_of_the_suite(project: Place) -> None:
    config = {"small-teams": {"largest": 6, "enforcementLevel": "advisory"}}
    cases = [case(6), case(7, violation(level="advisory")), case(9, config={"small-teams": {"largest": 9}})]
    assert judged(project, suite(*cases, config=config)).exit_code == 0


def test_what_a_pack_mends_is_no_violation(project: Place) -> None:
    assert judged(project, suite(case(9, config={"small-teams": "remediate"}))).exit_code == 0


def test_manifests_are_judged_as_pulumi_resources_with_their_lines(project: Place) -> None:
    ran = judged(project, [manifest(size=3), None, manifest(name="few", size=1), manifest("Pod")], "--stack", "prod")
    assert ran.exit_code == POLICY_VIOLATION
    assert ran.stdout.splitlines() == [
        f'{project.root}/file.yaml (3 resources, as stack "prod")',
        "  FAIL  example.org/v1 Team crowd",
        "        small-teams (mandatory, high)",
        "          a team of 3 is too large",
        "          fix:     split it",
        f"          at:      {project.root}/file.yaml:5 (size)",
        "  ok    example.org/v1 Team few",
        "  ok    example.org/v1 Pod crowd",
        "  ok    the stack as a whole",
        "",
        "3 passed, 1 failed: 1 mandatory violation",
    ]


def test_a_message_is_wrapped_on_a_terminal_below_its_text(project: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    main = project.root / "policies/__main__.py"
    main.write_text(main.read_text().replace("fix:     split it", "fix:     split it into two teams that talk less"))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "44")
    shown = judged(project, [manifest(size=9)], "--stack", "prod").stdout
    assert "          fix:     split it into two teams\n                   that talk less\n" in shown


def test_manifests_in_a_list_or_in_json_are_judged_together_as_a_stack(project: Place) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [manifest(name=f"team-{number}") for number in range(3)]}
    ran = judged(project, json.dumps(listed, indent="\t"), name="list.json")
    assert ran.exit_code == POLICY_VIOLATION
    assert "FAIL  the stack as a whole\n        few-teams (mandatory)\n          3 teams are too many" in ran.stdout


def test_advice_alone_passes(project: Place) -> None:
    ran = judged(project, [manifest()])
    assert ran.exit_code == 0
    assert "  warn  example.org/v1 Team crowd" in ran.stdout
    assert ran.stdout.splitlines()[-1] == "2 passed (1 with advice), 0 failed: 1 advisory violation"


def test_the_values_of_secrets_are_never_shown(project: Place) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"password": "hunter2"}}
    for options in ([], ["--json"]):
        ran = judged(project, [secret], *options)
        assert "the password is [secret]" in ran.stdout
        assert "hunter2" not in ran.stdout + ran.stderr


def test_the_report_as_json_has_every_case_and_violation(project: Place) -> None:
    ran = judged(project, [manifest(size=9)], "--json")
    assert ran.exit_code == POLICY_VIOLATION
    assert (ran.json["passed"], ran.json["failed"]) == (1, 1)
    first = ran.json["cases"][0]
    assert first["outcome"] == "failed"
    assert [found["rule"] for found in first["violations"]] == ["small-teams", "told"]
    assert first["violations"][0]["where"].endswith("file.yaml:5 (size)")
    assert first["violations"][0]["level"] == "mandatory"


def test_what_is_mended_is_shown_and_what_the_pack_prints_goes_to_standard_error(project: Place) -> None:
    main = project.root / "policies/__main__.py"
    main.write_text(main.read_text().replace("def few(", "print('the pack is up', flush=True)\n\n\ndef few("))
    config = project.root / "config.json"
    config.write_text('{"all": "disabled", "small-teams": "remediate"}')
    ran = judged(project, [manifest(size=9)], "--policy-pack-config", str(config))
    assert ran.exit_code == 0
    assert "  ok    example.org/v1 Team crowd\n        small-teams (remediate)\n          changed size\n" in ran.stdout
    assert ran.stderr == "the pack is up\n"


def test_directories_are_searched_for_files(project: Place) -> None:
    folder = project.root / "deploy" / "base"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text(yaml.safe_dump(manifest()))
    (folder / "b.yml").write_text(yaml.safe_dump_all(suite(case(1))))
    (folder / "README.md").write_text("not a manifest")
    ran = project.run(app, "test", str(folder.parent))
    assert ran.stdout.splitlines()[-1] == "3 passed (1 with advice), 0 failed: 1 advisory violation"


def test_manifests_of_several_files_are_one_stack(project: Place) -> None:
    folder = project.root / "deploy"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.yaml").write_text(yaml.safe_dump(manifest(name=f"team-{number}")))
    ran = project.run(app, "test", str(folder))
    assert ran.exit_code == POLICY_VIOLATION
    assert ran.stdout.startswith('3 files of manifests (3 resources, as stack "dev")\n')
    assert "3 teams are too many" in ran.stdout
    (folder / "2.yaml").write_text(yaml.safe_dump(manifest(name="team-1")))
    twice = project.run(app, "test", str(folder)).error
    assert twice is not None
    assert twice.what == "example.org/v1 Team team-1 is there twice"
    assert twice.where == f"{folder}/1.yaml:1 and {folder}/2.yaml:1"


def test_manifests_are_read_from_standard_input(project: Place) -> None:
    ran = project.run(app, "test", "-", stdin=yaml.safe_dump(manifest(size=9)))
    assert ran.exit_code == POLICY_VIOLATION
    assert "at:      standard input:5 (size)" in ran.stdout


def test_an_exported_stack_is_judged_as_the_stack_that_it_is(project: Place) -> None:
    urn = f"urn:pulumi:prod::shop::{TEAM}::crowd"
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
    resources = [
        {
            "urn": "urn:pulumi:prod::shop::pulumi:pulumi:Stack::shop-prod",
            "type": "pulumi:pulumi:Stack",
            "custom": False,
        },
        {"urn": urn, "type": TEAM, "custom": False, "inputs": {"size": 3, "key": secret}, "outputs": {"size": 3}},
        {"urn": f"{urn}-old", "type": TEAM, "custom": False, "delete": True, "inputs": {"size": 9}},
    ]
    document = {"version": 3, "deployment": {"manifest": {}, "resources": resources}}
    for text in (
        json.dumps(document, indent=2),
        json.dumps({"version": 3, "checkpoint": {"latest": document["deployment"]}}),
    ):
        ran = judged(project, text, name="state.json")
        assert ran.exit_code == POLICY_VIOLATION
        assert 'state.json (1 resource, as stack "prod")' in ran.stdout
        assert "a team of 3 is too large" in ran.stdout


def test_a_secret_of_an_exported_stack_is_no_violation_but_is_said_to_be_left_open(project: Place) -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
    urn = f"urn:pulumi:prod::shop::{TEAM}::crowd"
    resources = [{"urn": urn, "type": TEAM, "custom": False, "inputs": {"size": secret}, "outputs": {"size": secret}}]
    document = {"version": 3, "deployment": {"manifest": {}, "resources": resources}}
    shown = judged(project, json.dumps(document), name="state.json")
    assert "too large" not in shown.stdout
    assert "[secret]" not in shown.stdout
    told = json.loads(judged(project, json.dumps(document), "--json", name="state.json").stdout)
    assert told["failed"] == 0


def test_rules_that_do_not_judge_say_why(project: Place) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": []}}
    pack = str(Path(__file__).parents[3] / "policies")
    told = json.loads(judged(project, [pod], "--policy-pack", pack, "--json").stdout)
    (kept,) = [one for one in told["notJudged"] if one["rule"] == "serving-version-kept"]
    assert "CARAML_STACK_BEFORE" in kept["reasons"][0]
    shown = judged(project, [pod], "--policy-pack", pack).stdout
    assert f"not judged: serving-version-kept: {kept['reasons'][0]}" in shown


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("", "the file is empty", "file.yaml"),
        ("# nothing\n---\n", "the file is empty", "file.yaml"),
        ("a: [1", "malformed YAML", "file.yaml:1"),
        ("a: 1\nb:\n\tc: 2\n", "malformed YAML", "file.yaml:3"),
        ("just words", "the file is nothing that can be tested", "file.yaml:1"),
        ("a: 1\na: 2\n", 'key "a" is there twice', "file.yaml:2"),
        ("kind: Pod\n", "the Kubernetes object has no apiVersion", "file.yaml:1"),
        ("apiVersion: v1\nkind: [Pod]\n", "`kind` must be a text, not a list", "file.yaml:2"),
        ("apiVersion: v1\nkind: Pod\n", "the Pod has no metadata", "file.yaml:1"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: 3}\n", "`name` must be a text, not 3", "file.yaml:3"),
        ("apiVersion: v1\nkind: List\nitems: []\n", "the list holds no objects", "file.yaml"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\nwords\n", "is not a Kubernetes object", "file.yaml:5"),
        ("cases: []\n", "`cases` is empty", "file.yaml:1"),
        ("cases: 3\n", "`cases` must be a list, not 3", "file.yaml:1"),
        ("cases:\n- name: a\n  expects: pass\n", "unknown field `expects`", "file.yaml:3"),
        ("version: 3\ndeployment: {}\n", "the stack holds no resources", "file.yaml"),
        ("version: 2\ndeployment: {}\n", "version", "file.yaml"),
        ("model: iris\nversions: []\n", "the release is of no environment", "file.yaml"),
    ],
)
def test_a_file_that_is_not_right_is_explained_with_its_line(project: Place, text: str, what: str, where: str) -> None:
    ran = judged(project, text)
    assert ran.error is not None
    errors = ran.error.errors if isinstance(ran.error, CaramlErrors) else [ran.error]
    assert any(what in str(error) and f"{project.root}/{where}" in error.where for error in errors), str(ran.error)
    assert ran.error.exit_code == FAILED


@pytest.mark.parametrize(
    ("bad", "what", "allowed"),
    [
        ({"expect": "pas"}, '`expect` cannot be "pas"', "pass, or violations"),
        ({"rules": ["smal-teams"]}, 'no rule "smal-teams"', ""),
        ({"expect": {"violations": [{"rule": "nothing"}]}}, 'no rule "nothing"', "few-teams"),
        ({"config": {"small-teams": {"largest": "many"}}}, '"many" is not allowed', "integer"),
        ({"config": {"small-teams": "sometimes"}}, '"sometimes" is not an enforcement level', "advisory"),
        ({"config": {"smal-teams": {}}}, "no policy 'smal-teams'", "small-teams"),
        ({"resources": [{"type": "Team", "properties": {}}]}, '"Team" is not the type of a resource', "Pulumi type"),
        ({"resources": [{"type": TEAM}, {"type": TEAM}]}, "there are two resources", ""),
    ],
)
def test_a_case_that_is_not_right_is_explained_with_its_line(
    project: Place, bad: dict[str, Any], what: str, allowed: str
) -> None:
    ran = judged(project, suite(case(1), {**case(1), **bad}))
    assert ran.error is not None
    assert what in str(ran.error)
    assert allowed in str(ran.error)
    assert f"{project.root}/file.yaml:" in str(ran.error)


def test_all_bad_files_are_named_at_once(project: Place) -> None:
    ran = project.run(app, "test", str(project.root / "missing.yaml"), str(project.root / "docs"))
    assert isinstance(ran.error, CaramlErrors)
    assert ["cannot be read" in ran.error.errors[0].what, "no files to test" in ran.error.errors[1].what] == [
        True,
        True,
    ]


def test_the_command_needs_a_file(project: Place) -> None:
    assert project.run(app, "test").exit_code == USAGE


RELEASE = """
model: iris
project: iris-team
versions:
  - version: 1
    image: ghcr.io/team/iris:1
"""
STACK = """
config:
  caraml:platform: {domain: models.example.com}
  caraml:projects:
    iris-team:
      team: data-science
      stream: samples
      secrets: {tokens: {hub: {secure: v1:abc:def}}}
"""


def release(project: Place, text: str, environment: str = "dev") -> Ran:
    """`caraml policy test` of a release of a project whose stack dev is configured."""
    (project.root / "Pulumi.dev.yaml").write_text(STACK)
    folder = project.root / "releases" / environment
    folder.mkdir(parents=True)
    (folder / "iris.yaml").write_text(text)
    return project.run(app, "test", str(folder / "iris.yaml"))


def test_a_release_is_judged_as_all_that_its_stack_registers(project: Place) -> None:
    ran = release(project, RELEASE)
    assert ran.exit_code == 0, ran.error
    assert 'as stack "dev")' in ran.stdout
    for line in (
        "ModelProject iris-team",
        "CustomModelVersion iris-team-iris-1",
        "serving.knative.dev/v1:Service iris-team-iris-1",
    ):
        assert f"  ok    {line}" in ran.stdout


def test_a_release_that_is_not_right_is_explained_with_its_line(project: Place) -> None:
    ran = release(project, RELEASE + "    deploymentMode: FAST\n")
    assert ran.error is not None
    assert "FAST" in ran.error.what
    assert ran.error.where.startswith(f"{project.root}/releases/dev/iris.yaml:7")


def test_a_release_of_an_environment_that_is_not_configured_is_refused(project: Place) -> None:
    ran = release(project, RELEASE, "prod")
    assert ran.error is not None
    assert ran.error.what == "caraml:platform is not configured"
    assert ran.error.fix == "add caraml:platform to Pulumi.prod.yaml"
