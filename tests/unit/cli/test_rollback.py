import json
import signal
from pathlib import Path

import pytest
import yaml

from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.errors import FAILED, INTERRUPTED, LOCKED, POLICY_VIOLATION, USAGE
from tests.unit.cli.program import Terminal
from tests.unit.cli.releases import COMMENT, Releases

POLICIES = Path(__file__).parents[3] / "policies"
ONE = "reg.io/iris:1"
TWO = "reg.io/iris:2"


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    releases = Releases(tmp_path)
    releases.up({1: ONE}, {1: 100})
    return releases


def summaries(releases: Releases) -> list[list[str]]:
    told = json.loads(releases.run("history", "iris", "--json").stdout)
    return [one["model"]["summary"] for one in told]


def test_after_a_rollback_the_model_is_as_the_update_left_it_whichever_it_was(releases: Releases) -> None:
    texts = [releases.release.read_text()]
    for images, weights in (({1: ONE, 2: TWO}, {1: 50, 2: 50}), ({2: TWO}, {2: 100})):
        releases.up(images, weights)
        texts.append(releases.release.read_text())
    for number in (1, 3, 2):
        done = releases.run("rollback", "iris", "--to", str(number), "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        assert releases.release.read_text() == texts[number - 1]
        diff = releases.run("history", "diff", str(number), "latest")
        assert (diff.stdout, "is the same in update" in diff.stderr) == ("", True)
    assert releases.run("preview", "--expect-no-changes").returncode == 0


def test_a_no_leaves_the_file_and_the_stack(releases: Releases) -> None:
    releases.up({1: TWO}, {1: 100})
    text, state = releases.release.read_text(), releases.checkpoint()
    terminal = Terminal(releases, "rollback", "iris")
    terminal.wait_for("Apply these changes to demo/dev?")
    assert releases.release.read_text() != text
    terminal.type("n\n")
    assert terminal.end() == FAILED
    assert f"image: {ONE}" in terminal.text
    assert (releases.release.read_text(), releases.checkpoint()) == (text, state)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_ends_it_at_the_question_finds_the_file_as_it_was(releases: Releases, number: signal.Signals) -> None:
    releases.up({1: TWO}, {1: 100})
    text = releases.release.read_text()
    terminal = Terminal(releases, "rollback", "iris")
    terminal.wait_for("Apply these changes to demo/dev?")
    terminal.process.send_signal(number)
    assert terminal.end() == INTERRUPTED
    assert releases.release.read_text() == text


def test_an_update_that_fails_before_the_model_changed_gives_the_file_back(releases: Releases) -> None:
    releases.up({1: TWO}, {1: 100})
    text = releases.release.read_text()
    (releases.root / "Pulumi.dev.yaml").write_text("config: {caraml:platform: {domain: example.test}}\n")
    failed = releases.run("rollback", "iris", "--yes")
    assert failed.returncode == FAILED
    assert "caraml:projects is not configured" in failed.stderr
    assert releases.release.read_text() == text


def test_an_update_that_fails_half_way_keeps_the_file_and_goes_on(releases: Releases) -> None:
    releases.up({1: TWO}, {1: 100})
    releases.close("closed")
    failed = releases.run("rollback", "iris", "--to", "1", "--yes")
    assert failed.returncode == FAILED, failed.stdout
    assert "rollback of iris-team/iris to update 1 failed" in failed.stderr
    assert "to go on: caraml rollback iris-team/iris --to 1 --stack dev" in failed.stderr
    assert ONE in releases.release.read_text()
    releases.open("closed")
    done = releases.run("rollback", "iris", "--to", "1", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert releases.run("preview", "--expect-no-changes").returncode == 0
    assert summaries(releases)[0] == [f"version 1: image {TWO} → …:1"]


def test_a_file_that_was_removed_is_removed_again_where_the_rollback_is_refused(releases: Releases) -> None:
    releases.release.unlink()
    assert releases.run("up", "--yes").returncode == 0
    releases.close("broken")
    assert releases.run("rollback", "iris", "--yes").returncode == FAILED
    assert not releases.release.exists()
    releases.open("broken")
    done = releases.run("rollback", "iris", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"image: {ONE}" in releases.release.read_text()


def test_an_update_that_failed_is_gone_back_to_only_by_force(releases: Releases) -> None:
    releases.close("broken")
    releases.declare({1: TWO}, {1: 100})
    assert releases.run("up", "--yes").returncode == FAILED
    assert releases.run("up", "--yes", "--skip-preview").returncode == FAILED
    releases.open("broken")
    releases.up({1: ONE}, {1: 100})
    refused = releases.run("rollback", "iris", "--to", "2", "--yes")
    assert (refused.returncode, "update 2 failed" in refused.stderr, "--force" in refused.stderr) == (
        FAILED,
        True,
        True,
    )
    forced = releases.run("rollback", "iris", "--to", "2", "--yes", "--force")
    assert forced.returncode == 0, forced.stderr
    assert "warning: update 2 failed" in forced.stderr


def test_updates_of_a_program_that_recorded_no_releases_are_told_and_not_restored(tmp_path: Path) -> None:
    releases = Releases(tmp_path)
    releases.close("unrecorded")
    releases.up({1: ONE}, {1: 100})
    releases.open("unrecorded")
    releases.up({1: TWO}, {1: 100})
    assert summaries(releases)[0] == [f"version 1: image {ONE} → …:2"]
    refused = releases.run("rollback", "iris", "--to", "1", "--yes")
    assert "update 1 recorded no release of iris-team/iris" in refused.stderr
    assert "allowed: 2" in refused.stderr
    shown = releases.run("history", "show", "1")
    assert "with its defaults: the update recorded no release" in shown.stdout
    assert f"image: {ONE}" in shown.stdout


def test_a_change_that_no_update_may_make_is_refused_with_its_reason(releases: Releases) -> None:
    releases.up({2: TWO}, {2: 100})
    releases.up({1: ONE}, {1: 100}, deploymentMode="RAW_DEPLOYMENT")
    text = releases.release.read_text()
    refused = releases.run("rollback", "iris", "--to", "1", "--yes")
    assert refused.returncode == FAILED
    assert "changing deployment type of a" in refused.stdout + refused.stderr
    assert releases.release.read_text() == text


def test_a_version_that_gets_requests_goes_only_if_the_policies_let_it_and_may_be_kept(releases: Releases) -> None:
    releases.up({2: TWO}, {2: 100})
    text = releases.release.read_text()
    config = releases.root / "policies.json"
    config.write_text(json.dumps({"all": "disabled", "serving-version-kept": "mandatory"}))
    policies = ("--policy-pack", str(POLICIES), "--policy-pack-config", str(config))
    rollback = ("rollback", "iris", "--to", "1", "--yes", *policies)
    refused = releases.run(*rollback)
    assert refused.returncode == POLICY_VIOLATION, refused.stdout + refused.stderr
    assert "version iris-team/iris/2 gets requests, and would be deleted" in refused.stdout
    assert "keep version 2 deployed: --keep-versions" in refused.stderr
    assert releases.release.read_text() == text

    for result in ("applied", "unchanged"):
        kept = releases.run(*rollback, "--keep-versions", "--json")
        assert kept.returncode == 0, kept.stderr
        assert json.loads(kept.stdout)["result"] == result
    release = yaml.safe_load(releases.release.read_text())
    assert [one["image"] for one in release["versions"]] == [ONE, TWO]
    assert release["endpoint"]["traffic"] == [{"version": 1, "weight": 100}]
    gone = releases.run(*rollback)
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert summaries(releases)[0] == ["version 2 removed"]


def test_a_secret_that_is_gone_is_named(releases: Releases) -> None:
    releases.up({1: ONE}, {1: 100}, secretRefs={"TOKEN": {"name": "registry", "key": "token"}})
    releases.up({1: TWO}, {1: 100})
    text = releases.release.read_text()
    refused = releases.run("rollback", "iris", "--yes")
    assert refused.returncode == FAILED
    assert "dev lacks secrets of the project iris-team that the release reads: registry" in refused.stderr
    assert releases.release.read_text() == text


def test_a_release_whose_file_alone_was_changed_gets_its_file_back(releases: Releases) -> None:
    text = releases.release.read_text()
    releases.declare({1: TWO}, {1: 100})
    done = releases.run("rollback", "iris", "--to", "1", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert releases.release.read_text() == text
    assert "says again what is deployed" in done.stdout
    releases.declare({1: TWO}, {1: 100})
    again = json.loads(releases.run("rollback", "iris", "--to", "1", "--yes", "--json").stdout)
    assert (again["result"], again["fileChanged"]) == ("unchanged", True)
    assert releases.release.read_text() == text
    assert len(json.loads(releases.run("history", "--json").stdout)) == 1


def test_comments_stay_and_where_a_release_came_from_goes_back(releases: Releases) -> None:
    releases.declare({1: TWO}, {1: 100})
    promoted = releases.release.read_text() + 'promotedFrom:\n  environment: test\n  time: "2026-11-22T10:00:00Z"\n'
    releases.release.write_text(promoted)
    assert releases.run("up", "--yes").returncode == 0
    for number in ("1", "2"):
        assert releases.run("rollback", "iris", "--to", number, "--yes").returncode == 0
        assert releases.release.read_text().startswith(COMMENT)
        assert ("promotedFrom" in releases.release.read_text()) is (number == "2")
    assert releases.release.read_text() == promoted


def test_a_stack_that_is_locked_gives_the_file_back(releases: Releases) -> None:
    releases.up({1: TWO}, {1: 100})
    text = releases.release.read_text()
    backend = open_backend(releases.state.as_uri())
    with backend.lock("demo", "dev", "up"):
        backend.journal("demo", "dev").append({"do": "end", "id": 1})  # of the other update
        locked = releases.run("rollback", "iris", "--yes")
        backend.journal("demo", "dev").clear()
    assert (locked.returncode, "to go on" in locked.stderr) == (LOCKED, False), locked.stderr
    assert releases.release.read_text() == text


def test_nobody_to_ask_is_a_wrong_command_line(releases: Releases) -> None:
    refused = releases.run("rollback", "iris")
    assert (refused.returncode, "caraml rollback --yes" in refused.stderr) == (USAGE, True)


TOLD = """
import json
import os

from pulumi_policy import EnforcementLevel, PolicyPack, StackValidationPolicy


def told(args, report):
    path = os.environ.get("CARAML_STACK_RESTORED")
    found = json.load(open(path))["checkpoint"]["latest"]["resources"] if path else []
    images = [one["inputs"]["image"] for one in found if one["type"].endswith(":CustomModelVersion")]
    report(f"was {images}")


PolicyPack("told", policies=[StackValidationPolicy("told", "Tells.", told, EnforcementLevel.ADVISORY)])
"""


def test_policies_are_told_what_was_deployed_at_the_update(releases: Releases) -> None:
    releases.up({1: TWO}, {1: 100})
    pack = releases.root / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (pack / "__main__.py").write_text(TOLD)
    done = releases.run("rollback", "iris", "--yes", "--policy-pack", str(pack))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"was ['{ONE}']" in done.stdout
    assert "was []" in releases.run("up", "--yes", "--policy-pack", str(pack)).stdout
