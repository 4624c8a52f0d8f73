"""`caraml init` and `caraml add`, on the files of a platform: nothing is written that would be refused later."""

from pathlib import Path

import pytest

from caraml_pulumi.cli.add import app as add
from caraml_pulumi.cli.init import app as init
from caraml_pulumi.scaffold.staging import read_files
from tests.unit.cli.stacks import Place, Ran

IMAGE = "ghcr.io/shop/ranker:2.0"


@pytest.fixture
def platform(place: Place) -> Place:
    (place.root / "Pulumi.yaml").unlink()
    from typer.testing import CliRunner

    made = CliRunner().invoke(init, [str(place.root), "--model", "ranker", "--project", "ranking"])
    assert made.exit_code == 0, made.output
    return place


def snapshot(root: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in root.rglob("*") if path.is_file()}


def refused(place: Place, *arguments: str) -> Ran:
    """Run a command that is refused and writes nothing."""
    before = snapshot(place.root)
    ran = place.run(add, *arguments)
    assert ran.exit_code != 0
    assert snapshot(place.root) == before
    return ran


def test_a_version_is_added_beside_the_first_and_comments_stay(platform: Place) -> None:
    path = platform.root / "stacks/releases/dev/ranker.yaml"
    before = path.read_text()
    ran = platform.run(add, "version", "ranker", "--image", IMAGE, "--weight", "10")
    assert "added version 2 of ranking/ranker to dev" in ran.stdout
    [release] = read_files(platform.root / "stacks", "dev").releases
    assert release.endpoint
    assert {share.version: share.weight for share in release.endpoint.traffic} == {1: 90, 2: 10}
    kept = [line.partition(" #")[2] for line in before.splitlines() if " #" in line]
    assert all(comment in path.read_text() for comment in kept)


def test_a_version_without_requests_says_how_it_gets_them(platform: Place) -> None:
    ran = platform.run(add, "version", "ranker", "--image", IMAGE)
    assert "caraml rollout ranker --to 2 --stack dev" in ran.stdout


def test_a_file_that_would_break_a_rule_is_not_written(platform: Place) -> None:
    ran = refused(platform, "version", "ranker", "--image", "ghcr.io/x:1")
    assert ran.error
    assert "stacks/releases/dev/ranker.yaml:" in ran.error.where
    ran = refused(platform, "model", "toomuch", "--image", "ghcr.io/a b")
    assert ran.error
    ran = refused(platform, "environment", "qa", "--domain", "no domain")
    assert ran.error


def test_a_model_is_added_to_the_only_project_in_the_first_environment(platform: Place) -> None:
    platform.run(add, "model", "sorter", "--image", IMAGE, "--mode", "RAW_DEPLOYMENT", "--no-endpoint")
    releases = {release.model: release for release in read_files(platform.root / "stacks", "dev").releases}
    assert releases["sorter"].project == "ranking"
    assert releases["sorter"].endpoint is None
    text = (platform.root / "stacks/releases/dev/sorter.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=../../../schemas/release.schema.json\n")
    again = refused(platform, "model", "sorter", "--image", IMAGE)
    assert again.error
    assert "caraml add version sorter" in again.error.fix


def test_a_project_reaches_the_environments_that_extend_its_own(platform: Place) -> None:
    platform.run(add, "project", "search", "--owner", "search-oncall")
    for environment in ("dev", "staging", "prod"):
        project = read_files(platform.root / "stacks", environment).projects["search"]
        assert project.labels["caraml.dev/owner"] == "search-oncall"
    assert refused(platform, "project", "search").error
    several = refused(platform, "model", "sorter", "--image", IMAGE)
    assert several.error
    assert several.error.allowed == "ranking, search"
    platform.run(add, "model", "sorter", "--image", IMAGE, "--project", "search")
    assert len(read_files(platform.root / "stacks", "dev").releases) == 2


def test_an_environment_is_like_another_with_a_domain_and_a_profile_of_its_own(platform: Place) -> None:
    platform.run(add, "environment", "qa", "--extends", "staging")
    assert read_files(platform.root / "stacks", "qa").platform.domain == "qa.models.example.com"
    profiles = platform.root / "policies/profiles"
    assert (profiles / "qa.json").read_text() == (profiles / "staging.json").read_text()
    assert refused(platform, "environment", "qa").error
    unknown = refused(platform, "environment", "live", "--extends", "nowhere")
    assert unknown.error
    assert "dev" in unknown.error.allowed


def test_an_environment_that_is_not_there_is_named_with_those_that_are(platform: Place) -> None:
    ran = refused(platform, "version", "ranker", "--image", IMAGE, "--stack", "live")
    assert ran.error
    assert ran.error.allowed == "dev, prod, staging"


def test_the_stack_of_the_shell_is_the_environment(platform: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARAML_STACK", "prod")
    platform.run(add, "project", "search")
    assert "search" in (platform.root / "stacks/Pulumi.prod.yaml").read_text()
    assert "search" not in read_files(platform.root / "stacks", "dev").projects
