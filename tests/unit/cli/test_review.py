"""`caraml review` as a process of its own, on a program with components of models and a policy pack."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from caraml_pulumi.cli.review import rules_of
from caraml_pulumi.engine.api import Options, Target
from caraml_pulumi.engine.state.project import load_project
from caraml_pulumi.errors import FAILED, POLICY_VIOLATION, USAGE
from caraml_pulumi.review.document import schema
from tests.unit.cli.program import Program
from tests.unit.review.builders import endpoint, version

MODELS = """
import json
from pathlib import Path

import pulumi

from caraml_pulumi.testing import unknown


class Part(pulumi.ComponentResource):
    def __init__(self, kind, name, props):
        super().__init__(f"caraml:index:{kind}", name, opened(props))
        self.register_outputs({})


def opened(value):
    if isinstance(value, dict):
        if "unknown" in value:
            return unknown()
        if "secret" in value:
            return pulumi.Output.secret(value["secret"])
        return {key: opened(item) for key, item in value.items()}
    return value


for kind, name, props in json.loads(Path("models.json").read_text()):
    Part(kind, name, props)
pulumi.export("token", pulumi.Output.secret("hush-hush"))
"""
PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy, Severity

MODEL_VERSION = "caraml:index:CustomModelVersion"


def no_nines(args, report):
    if args.resource_type == MODEL_VERSION and args.props["image"].endswith(":9"):
        token = args.props.get("env", {}).get("TOKEN", "")
        report(f"image {args.props['image']} is a nine, {token}\\n  fix:     take 8", None)


def named(args, report):
    if args.resource_type == MODEL_VERSION and args.props["version"] == 7:
        report("seven", None)


PolicyPack(
    "numbers",
    policies=[
        ResourceValidationPolicy(
            "no-nines", "Images are not nines.", no_nines, EnforcementLevel.MANDATORY, None,
            severity=Severity.HIGH, url="docs/no-nines.md", remediation_steps="Take another image.",
        ),
        ResourceValidationPolicy("no-sevens", "Versions are not sevens.", named, EnforcementLevel.ADVISORY, None),
    ],
)
"""
Parts = list[tuple[str, str, dict[str, Any]]]


class Models(Program):
    """A project whose program registers components of models, with a policy pack in ``policies/``."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, MODELS)
        (root / ".git").mkdir()
        (root / "policies").mkdir()
        (root / "policies/PulumiPolicy.yaml").write_text("runtime: python\nversion: 1.2.3\n")
        (root / "policies/__main__.py").write_text(PACK)
        self.have(*a_model())

    def have(self, *parts: tuple[str, str, dict[str, Any]]) -> None:
        """Let the program register `parts`."""
        (self.root / "models.json").write_text(json.dumps(parts))

    def written(self, name: str) -> str:
        """What was written to a file of the project."""
        return (self.root / name).read_text()


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models(tmp_path)


def a_version(number: int, image: str = "ghcr.io/team/iris:1", **settings: Any) -> tuple[str, str, dict[str, Any]]:
    return "CustomModelVersion", f"iris-{number}", version(number, image=image, **settings)


def a_model(*more: tuple[str, str, dict[str, Any]]) -> Parts:
    return [a_version(1), ("ModelEndpoint", "iris", endpoint((1, 100))), *more]


def test_a_first_deployment_is_reviewed_and_nothing_is_done(models: Models) -> None:
    done = models.run("review")
    assert done.returncode == 0, done.stderr
    assert "✔ may be merged" in done.stdout
    assert "+  version 1  added" in done.stdout
    assert "policies   numbers 1.2.3" in done.stdout
    assert models.checkpoint() == ""


def test_without_changes_it_says_so(models: Models) -> None:
    models.run("up", "--yes")
    done = models.run("review")
    assert done.returncode == 0, done.stderr
    assert "No model changes." in done.stdout


def test_a_mandatory_violation_blocks_and_the_review_tells_everything_all_the_same(models: Models) -> None:
    models.run("up", "--yes")
    models.have(a_version(2, "ghcr.io/team/iris:9"), ("ModelEndpoint", "iris", endpoint((2, 100))))
    done = models.run("review", "--json", "-")
    assert done.returncode == POLICY_VIOLATION
    assert "demo/dev: blocked by 1 mandatory violation" in done.stderr
    document = json.loads(done.stdout)
    Draft202012Validator(dict(schema())).validate(document)
    [model] = document["models"]
    assert [(one["version"], one["change"]) for one in model["versions"]] == [(1, "removed"), (2, "added")]
    assert document["lost"][0]["subject"] == "version 1 of iris-team/iris"
    assert document["lost"][0]["weight"] == 100
    [finding] = document["findings"]
    assert finding["message"].startswith("image ghcr.io/team/iris:9 is a nine")
    assert (finding["fix"], finding["subject"]) == ("take 8", "version 2 of iris-team/iris")
    [rule] = document["rules"]
    assert (rule["severity"], rule["url"], rule["steps"]) == ("high", "docs/no-nines.md", "Take another image.")


def test_advisory_violations_fail_only_where_that_is_asked_for(models: Models) -> None:
    models.have(*a_model(a_version(7)))
    done = models.run("review")
    assert done.returncode == 0
    assert "may be merged, 1 advisory" in done.stdout
    assert models.run("review", "--fail-on", "advisory").returncode == POLICY_VIOLATION


def test_the_profile_of_a_stack_configures_the_pack_of_the_project(models: Models) -> None:
    models.have(*a_model(a_version(2, "ghcr.io/team/iris:9")))
    (models.root / "policies/profiles").mkdir()
    exempt = {"resource": "iris-*", "owner": "ds", "reason": "moves", "expires": "2999-01-01"}
    profile = {"no-nines": {"enforcementLevel": "advisory", "exemptions": [exempt]}}
    (models.root / "policies/profiles/dev.json").write_text(json.dumps(profile))
    done = models.run("review")
    assert done.returncode == 0
    assert "exempt  no-nines  iris-*  until 2999-01-01" in done.stdout


def test_a_pack_that_is_named_is_asked_in_place_of_the_projects(models: Models) -> None:
    other = models.policy_pack()
    models.have(*a_model(a_version(2, "ghcr.io/team/iris:9")))
    done = models.run("review", "--policy-pack", str(other))
    assert done.returncode == 0
    assert done.stderr == ""
    assert "policies   sizes" in done.stdout


def test_a_program_that_fails_is_reviewed_as_far_as_it_got(models: Models) -> None:
    models.file.write_text('raise ValueError("no such model")\n')
    done = models.run("review", "--markdown", "review.md", "--json", "review.json", "--sarif", "review.sarif")
    assert done.returncode == FAILED
    assert done.stderr == "error: demo/dev: the preview failed\n"
    assert "## ❌ demo/dev: the preview failed" in models.written("review.md")
    assert "no such model" in models.written("review.md")
    assert json.loads(models.written("review.json"))["verdict"] == "failed"
    assert not json.loads(models.written("review.sarif"))["runs"][0]["invocations"][0]["executionSuccessful"]


def test_a_preview_that_cannot_begin_is_reviewed_too(models: Models) -> None:
    (models.root / "Pulumi.dev.yaml").write_text("encryptionsalt: v1:broken\nconfig:\n  demo:token: {secure: abc}\n")
    done = models.run("review", "--markdown", "review.md")
    assert done.returncode == FAILED, done.stderr
    assert "the preview failed" in models.written("review.md")
    assert "encryptionsalt" in models.written("review.md")


def test_secrets_are_in_no_form_of_a_review(models: Models) -> None:
    models.run("up", "--yes")
    image, env = "ghcr.io/team/iris:9", {"TOKEN": {"secret": "hush-hush"}, "LEVEL": "plain-as-day"}
    parts = a_model(a_version(2, image, env={}))
    parts[-1][2]["env"] = env
    parts[-1][2]["artifact"] = {"secret": "hush-hush"}
    models.have(*parts)
    shown = models.run("review", "--diff")
    models.run("review", "--diff", "--markdown", "a.md", "--json", "b.json", "--sarif", "c.sarif")
    texts = [shown.stdout, *(models.written(name) for name in ("a.md", "b.json", "c.sarif"))]
    assert ["is a nine, [secret]" in text.replace("\\", "") for text in texts] == [True] * 4
    assert ["TOKEN" in text for text in texts] == [True, True, True, False]
    assert [text for text in [*texts, shown.stderr] if "hush-hush" in text or "plain-as-day" in text] == []


def test_what_only_the_update_knows_is_said_and_the_rule_that_reads_it_is_named(models: Models) -> None:
    parts = a_model(a_version(2))
    parts[-1][2]["image"] = {"unknown": True}
    models.have(*parts)
    done = models.run("review", "--json", "-")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    two = document["models"][0]["versions"][1]
    assert {"name": "image", "before": None, "after": "<computed>"} in two["properties"]
    assert [(one["policy"], one["subject"]) for one in document["unjudged"]] == [
        ("no-nines", "version 2 of iris-team/iris")
    ]
    assert document["findings"] == []


def test_a_second_run_writes_the_same_bytes(models: Models) -> None:
    models.run("up", "--yes")
    models.have(*a_model(a_version(7), a_version(2, "ghcr.io/team/iris:9")))
    names = ("--markdown", "--json", "--sarif")
    for number in (1, 2):
        models.run("review", *(part for name in names for part in (name, f"{number}{name}")))
    for name in names:
        assert models.written(f"1{name}") == models.written(f"2{name}")


def test_the_rules_of_a_pack_are_asked_for_where_an_engine_does_not_tell_them(models: Models) -> None:
    target = Target(load_project(models.root), "dev", models.state.as_uri())
    packs = (models.root / "policies", models.policy_pack())
    rules = rules_of(target, Options(policy_packs=packs))
    assert {pack: [rule.name for rule in told] for pack, told in rules.items()} == {
        "numbers": ["no-nines", "no-sevens"],
        "sizes": ["small-teams"],
    }
    (packs[0] / "__main__.py").write_text("1 / 0")
    assert rules_of(target, Options(policy_packs=packs)).keys() == {"sizes"}


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--json", "review", "--markdown", "./review"], USAGE, "--markdown ./review and --json review would both"),
        (["--sarif", "nowhere/review.sarif"], FAILED, 'cannot be written to "nowhere/review.sarif"'),
        (["--json", "policies"], FAILED, 'cannot be written to "policies"'),
        (["--json", ""], FAILED, 'cannot be written to ""'),
    ],
)
def test_a_place_where_a_review_cannot_be_written_is_refused_before_the_preview(
    models: Models, options: list[str], code: int, says: str
) -> None:
    models.file.write_text("raise SystemExit('the program ran')")
    done = models.run("review", *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert "the program ran" not in done.stderr


def test_two_documents_cannot_share_standard_output(models: Models) -> None:
    done = models.run("review", "--markdown", "-", "--sarif", "-")
    assert done.returncode == USAGE
    assert "--markdown - and --sarif - would both write to standard output" in done.stderr


def test_a_file_that_cannot_be_written_is_named(models: Models) -> None:
    done = models.run("review", "--markdown", "no/such/review.md")
    assert done.returncode == FAILED
    assert "the review cannot be written" in done.stderr
    assert "no/such/review.md" in done.stderr


def test_prices_of_the_stack_give_what_a_month_costs(models: Models) -> None:
    with (models.root / "Pulumi.dev.yaml").open("a") as file:
        file.write("  caraml:prices: {currency: EUR, cpuPerHour: 0.04, memoryGiBPerHour: 0.005}\n")
    assert "cost a month, most replicas" in models.run("review").stdout


def test_a_wrong_price_is_told_with_its_line_before_anything_is_previewed(models: Models) -> None:
    with (models.root / "Pulumi.dev.yaml").open("a") as file:
        file.write("  caraml:prices:\n    currency: EUR\n    cpuPerHour: dear\n    memoryGiBPerHour: 1\n")
    done = models.run("review")
    assert done.returncode == FAILED
    assert "`cpuPerHour` must be a number" in done.stdout
    assert "Pulumi.dev.yaml:5" in done.stdout
    assert "version 1" not in done.stdout
