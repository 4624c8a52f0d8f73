import json
from pathlib import Path

import pytest

from caraml_pulumi.cli.stack import app
from caraml_pulumi.engine.state.snapshot import PendingOperation, Snapshot
from caraml_pulumi.engine.values import Secret
from caraml_pulumi.errors import LOCKED
from tests.unit.cli.stacks import Place
from tests.unit.engine.state.builders import STACK, config_map, stack

OUTPUTS = {"url": "http://x", "ports": [80, 443], "token": Secret("s3cr3t")}


@pytest.fixture
def deployed(place: Place) -> Place:
    place.deploy(Snapshot([stack(outputs=OUTPUTS), config_map("a")]))
    return place


def test_a_new_stack_has_a_salt_and_is_listed(place: Place) -> None:
    assert place.run(app, "init", "dev").exit_code == 0
    assert "encryptionsalt: v1:" in (place.root / "Pulumi.dev.yaml").read_text()
    assert place.run(app, "ls").stdout.split() == ["NAME", "LAST", "UPDATE", "RESOURCES", "dev", "never", "0"]


def test_a_stack_is_not_made_without_a_passphrase(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    ran = place.run(app, "init", "dev")
    assert ran.error
    assert "no passphrase" in ran.error.what
    assert place.backend.list_stacks() == []
    assert not (place.root / "Pulumi.dev.yaml").exists()


def test_a_stack_with_an_interrupted_create_on_record_is_removed_by_force_only(place: Place) -> None:
    place.deploy(Snapshot(pending_operations=[PendingOperation("creating", config_map("a"))]))
    refused = place.run(app, "rm", "--yes")
    assert refused.error
    assert "interrupted update, which may have made some" in refused.error.what
    assert place.run(app, "rm", "--yes", "--force").exit_code == 0
    assert place.backend.list_stacks() == []


def test_a_stack_that_exists_is_not_made_again(deployed: Place) -> None:
    ran = deployed.run(app, "init", "dev")
    assert ran.error
    assert "exists already" in ran.error.what


def test_stacks_are_listed_with_their_resources(deployed: Place) -> None:
    deployed.backend.create("other", "prod")
    (listed,) = deployed.run(app, "ls", "--json").json
    assert (listed["name"], listed["resourceCount"]) == ("dev", 2)
    assert [item["project"] for item in deployed.run(app, "ls", "--all", "--json").json] == ["other", "shop"]


def test_outputs_are_shown_without_their_secrets(deployed: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    assert deployed.run(app, "output", "--json").json == {"url": "http://x", "ports": [80, 443], "token": "[secret]"}
    table = deployed.run(app, "output").stdout
    assert "ports   [80,443]" in table
    assert "s3cr3t" not in table


def test_one_output_is_printed_bare(deployed: Place) -> None:
    assert deployed.run(app, "output", "url").stdout == "http://x\n"
    assert deployed.run(app, "output", "url", "--json").stdout == '"http://x"\n'
    assert deployed.run(app, "output", "token").stdout == "[secret]\n"
    assert deployed.run(app, "output", "token", "--show-secrets").stdout == "s3cr3t\n"


def test_an_unknown_output_is_refused_with_those_there_are(deployed: Place) -> None:
    ran = deployed.run(app, "output", "nope")
    assert ran.error
    assert ran.error.allowed == "url, ports, token"


def test_state_is_exported_encrypted_and_imported_again(deployed: Place, tmp_path: Path) -> None:
    before = deployed.backend.load("shop", "dev")
    file = tmp_path / "state.json"
    assert deployed.run(app, "export", "--file", str(file)).exit_code == 0
    assert "s3cr3t" not in file.read_text()
    assert before
    assert json.loads(file.read_text())["deployment"] == before["checkpoint"]["latest"]
    assert deployed.run(app, "import", "--file", str(file)).exit_code == 0
    after = deployed.backend.load("shop", "dev")
    assert after
    assert after["checkpoint"]["latest"]["resources"] == before["checkpoint"]["latest"]["resources"]
    assert list(tmp_path.rglob("backups/shop/dev/dev.*.json"))
    assert list(tmp_path.rglob("*.json.bak"))


def test_state_in_the_clear_is_encrypted_when_it_is_imported(deployed: Place) -> None:
    clear = deployed.run(app, "export", "--show-secrets").stdout
    assert "s3cr3t" in clear
    assert deployed.run(app, "import", stdin=clear).exit_code == 0
    assert "s3cr3t" not in json.dumps(deployed.backend.load("shop", "dev"))
    assert deployed.run(app, "output", "token", "--show-secrets").stdout == "s3cr3t\n"


def test_state_in_the_clear_is_written_for_its_owner_only(deployed: Place, tmp_path: Path) -> None:
    deployed.run(app, "export", "--show-secrets", "--file", str(tmp_path / "state.json"))
    assert (tmp_path / "state.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-5], "not JSON"),
        (lambda text: "[]", "not a JSON object"),
        (lambda text: text.replace("urn:pulumi:dev::shop::", "urn:pulumi:prod::shop::"), "of another stack"),
        (lambda text: text.replace(f'"parent": "{STACK}"', '"parent": "urn:pulumi:dev::shop::a::b"'), "its parent"),
        (lambda text: text.replace('"version": 3', '"version": 9'), "format version 9"),
    ],
)
def test_unsound_state_is_not_imported(change: object, message: str, deployed: Place) -> None:
    before = deployed.backend.load("shop", "dev")
    exported = deployed.run(app, "export").stdout
    ran = deployed.run(app, "import", stdin=change(exported))  # type: ignore[operator]
    assert ran.error
    assert message in ran.error.what
    assert deployed.backend.load("shop", "dev") == before


def test_nothing_is_imported_while_another_run_holds_the_lock(deployed: Place) -> None:
    exported = deployed.run(app, "export").stdout
    with deployed.backend.lock("shop", "dev", "up"):
        ran = deployed.run(app, "import", stdin=exported)
    assert ran.error
    assert ran.error.exit_code == LOCKED


def test_an_interrupted_update_is_told_of_and_not_overwritten(deployed: Place) -> None:
    deployed.backend.journal("shop", "dev").append({"do": "begin"})
    exported = deployed.run(app, "export")
    assert "interrupted" in exported.stderr
    ran = deployed.run(app, "import", stdin=exported.stdout)
    assert ran.error
    assert "interrupted" in ran.error.what


def test_a_stack_with_resources_is_not_removed_unless_forced(deployed: Place) -> None:
    ran = deployed.run(app, "rm", "--yes")
    assert ran.error
    assert "2 resources" in ran.error.what
    assert deployed.run(app, "rm", "--yes", "--force").exit_code == 0
    assert deployed.backend.list_stacks() == []


def test_a_stack_whose_update_was_interrupted_is_not_removed(place: Place) -> None:
    place.backend.create("shop", "dev")
    place.backend.journal("shop", "dev").append({"do": "begin"})
    assert place.run(app, "rm", "--yes").error
    assert place.backend.list_stacks()


def test_nothing_is_removed_where_nobody_can_confirm(place: Place) -> None:
    place.backend.create("shop", "dev")
    ran = place.run(app, "rm")
    assert ran.error
    assert "--yes" in ran.error.fix
    assert place.backend.list_stacks()


@pytest.mark.parametrize("command", ["export", "output", "rm"])
def test_a_stack_that_is_not_there_is_refused_with_those_that_are(command: str, deployed: Place) -> None:
    ran = deployed.run(app, command, "--stack", "prod")
    assert ran.error
    assert "prod" in ran.error.what
    assert "dev" in ran.error.allowed
