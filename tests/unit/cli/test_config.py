import pytest

from caraml_pulumi.cli.config import app
from tests.unit.cli.stacks import Place


@pytest.fixture
def dev(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("CARAML_STACK", "dev")
    return place


def _text(place: Place) -> str:
    return (place.root / "Pulumi.dev.yaml").read_text()


def test_a_value_is_set_read_listed_and_removed(dev: Place) -> None:
    assert dev.run(app, "set", "size", "3").exit_code == 0
    assert _text(dev) == "config:\n  shop:size: '3'\n"
    assert dev.run(app, "get", "size").stdout == "3\n"
    assert dev.run(app, "get", "shop:size", "--json").json == {"value": "3", "secret": False}
    assert dev.run(app, "rm", "size").exit_code == 0
    assert _text(dev).strip() == "{}"


def test_a_secret_is_read_from_standard_input_and_never_shown(dev: Place) -> None:
    ran = dev.run(app, "set", "--secret", "token", stdin="s3cr3t\n")
    assert ran.exit_code == 0
    assert "s3cr3t" not in ran.stdout + ran.stderr + _text(dev)
    assert dev.run(app, "ls").stdout.split() == ["KEY", "VALUE", "token", "[secret]"]
    assert dev.run(app, "ls", "--json").json == {"shop:token": {"secret": True}}
    assert dev.run(app, "ls", "--json", "--show-secrets").json == {"shop:token": {"value": "s3cr3t", "secret": True}}
    assert dev.run(app, "get", "token").stdout == "s3cr3t\n"


def test_the_first_secret_of_a_stack_uses_the_salt_of_its_state(dev: Place) -> None:
    from caraml_pulumi.engine.state.snapshot import Snapshot
    from tests.unit.engine.state.builders import CRYPTER

    dev.deploy(Snapshot())
    dev.run(app, "set", "--secret", "token", "s3cr3t")
    assert f"encryptionsalt: {CRYPTER.salt}\n" in _text(dev)


def test_several_lines_are_kept_but_for_the_last_line_end(dev: Place) -> None:
    dev.run(app, "set", "text", stdin="a\nb\n\n")
    assert dev.run(app, "get", "text").stdout == "a\nb\n\n"


def test_a_secret_needs_a_passphrase_and_nothing_is_written_without(
    dev: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    ran = dev.run(app, "set", "--secret", "token", "s3cr3t")
    assert ran.error
    assert "no passphrase" in ran.error.what
    assert not (dev.root / "Pulumi.dev.yaml").exists()


def test_a_wrong_passphrase_is_refused(dev: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    dev.run(app, "set", "--secret", "token", "s3cr3t")
    before = _text(dev)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "another")
    for arguments in (["get", "token"], ["set", "--secret", "token", "x"], ["ls", "--show-secrets"]):
        ran = dev.run(app, *arguments)
        assert ran.error
        assert "incorrect passphrase" in ran.error.what
    assert _text(dev) == before


def test_the_command_alone_lists(dev: Place) -> None:
    dev.run(app, "set", "a", "1")
    assert dev.run(app).stdout.split() == ["KEY", "VALUE", "a", "1"]
    assert dev.run(app, "--json").json == {"shop:a": {"value": "1", "secret": False}}


def test_the_stack_may_be_named_before_or_after_the_subcommand(place: Place) -> None:
    place.run(app, "--stack", "prod", "set", "a", "1")
    place.run(app, "set", "b", "2", "--stack", "prod")
    assert place.run(app, "ls", "-s", "prod").stdout.split() == ["KEY", "VALUE", "a", "1", "b", "2"]


def test_a_path_is_set_within_a_value(dev: Place) -> None:
    dev.run(app, "set", "--path", "data.items[0]", "1")
    dev.run(app, "set", "--path", "data.pw", "s3cr3t", "--secret")
    assert dev.run(app, "ls").stdout.splitlines()[1] == 'data  {"items":[1],"pw":"[secret]"}'
    assert dev.run(app, "get", "--path", "data.pw").stdout == "s3cr3t\n"
    assert dev.run(app, "rm", "--path", "data.pw").exit_code == 0
    assert dev.run(app, "get", "data").stdout == '{"items":[1]}\n'


@pytest.mark.parametrize("command", ["get", "rm"])
def test_an_unknown_key_is_refused_with_those_there_are(command: str, dev: Place) -> None:
    dev.run(app, "set", "size", "3")
    ran = dev.run(app, command, "sise")
    assert ran.error
    assert ran.error.allowed == "size"


def test_a_malformed_key_is_refused_before_anything_is_asked(dev: Place) -> None:
    ran = dev.run(app, "set", "a:b:c")
    assert ran.error
    assert "not a key" in ran.error.what
