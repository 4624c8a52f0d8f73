from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caraml_pulumi.engine.state import secrets
from caraml_pulumi.engine.state.config import load_stack_config
from caraml_pulumi.engine.state.project import Project
from caraml_pulumi.engine.state.secrets import (
    PassphraseCrypter,
    check_provider,
    new_crypter,
    open_crypter,
    passphrase,
    recorded_provider,
    salt_of_provider,
)
from caraml_pulumi.errors import CaramlError
from tests.unit.engine.state.builders import CRYPTER


@pytest.fixture
def no_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project("shop", tmp_path, tmp_path / "__main__.py", tmp_path)


@settings(deadline=None)
@given(st.text())
def test_what_is_encrypted_is_decrypted(text: str) -> None:
    assert CRYPTER.decrypt(CRYPTER.encrypt(text)) == text


def test_a_text_gets_another_ciphertext_each_time() -> None:
    assert CRYPTER.encrypt("x") != CRYPTER.encrypt("x")


def test_a_salt_and_the_passphrase_open_what_was_encrypted() -> None:
    again = PassphraseCrypter.from_salt(CRYPTER.salt, "a passphrase")
    assert again.decrypt(CRYPTER.encrypt("x")) == "x"


def test_a_wrong_passphrase_is_said_to_be_incorrect() -> None:
    with pytest.raises(CaramlError, match="incorrect passphrase") as caught:
        PassphraseCrypter.from_salt(CRYPTER.salt, "another").prepare()
    assert "PULUMI_CONFIG_PASSPHRASE" in caught.value.fix


@pytest.mark.parametrize(
    "damaged",
    ["", "v1", "v1:a:b", "v2:AAAA:AAAA", "v1::", "text", "v1:9JE/BgC8PWOokPJ1:TIgQZa/5wwObkfpvLtQdYFDrYHTYoA=="],
)
def test_a_ciphertext_of_something_else_is_refused(damaged: str) -> None:
    with pytest.raises(CaramlError, match="cannot be decrypted"):
        CRYPTER.decrypt(damaged)


@pytest.mark.parametrize(
    "salt", ["", "v1", "v1:AAAA:v1:x:y", "v2:+5VxHM8IfJk=:v1:x:y", "v1:+5VxHM8IfJk=", "v1:%:v1:x:y"]
)
def test_a_malformed_salt_is_refused_before_a_passphrase_is_needed(salt: str, no_passphrase: None) -> None:
    with pytest.raises(CaramlError, match="salt is malformed"):
        PassphraseCrypter.from_salt(salt)


def test_no_passphrase_is_needed_until_a_secret_is(no_passphrase: None) -> None:
    crypter = PassphraseCrypter.from_salt(CRYPTER.salt)
    assert crypter.provider == CRYPTER.provider
    with pytest.raises(CaramlError, match="no passphrase is given"):
        crypter.encrypt("x")


def test_the_key_is_derived_once_for_a_salt_and_a_passphrase() -> None:
    secrets._derive.cache_clear()
    crypter = PassphraseCrypter.from_salt(CRYPTER.salt, "a passphrase")
    threads = [Thread(target=crypter.prepare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    PassphraseCrypter.from_salt(CRYPTER.salt, "a passphrase").prepare()
    assert secrets._derive.cache_info().misses == 1


def test_an_empty_passphrase_that_is_set_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "phrase"
    file.write_text("from the file")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(file))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")
    assert passphrase() == ""


def test_a_passphrase_is_read_from_a_file_without_the_line_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, no_passphrase: None
) -> None:
    file = tmp_path / "phrase"
    file.write_text("from the file\n")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", str(file))
    assert passphrase() == "from the file"


def test_a_passphrase_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, no_passphrase: None) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", "/nowhere/phrase")
    with pytest.raises(CaramlError, match="'/nowhere/phrase': No such file"):
        passphrase()


@pytest.mark.parametrize("name", ["awskms://alias/x?region=eu", "service", "default", "gcpkms://p", "cloud"])
def test_another_secrets_provider_is_refused_by_name_without_its_address(name: str) -> None:
    with pytest.raises(CaramlError, match=repr(name.partition("://")[0])) as caught:
        check_provider(name, where="here")
    assert "alias" not in str(caught.value)


def test_the_provider_of_a_checkpoint_is_found_in_both_documents() -> None:
    body = {"secrets_providers": CRYPTER.provider}
    assert recorded_provider({"version": 3, "deployment": body}) == CRYPTER.provider
    assert recorded_provider({"version": 3, "checkpoint": {"stack": "s", "latest": body}}) == CRYPTER.provider
    assert recorded_provider({"version": 3, "checkpoint": {"stack": "s", "latest": None}}) is None
    assert recorded_provider(None) is None


def test_a_provider_without_a_salt_is_refused() -> None:
    with pytest.raises(CaramlError, match="has no salt"):
        salt_of_provider({"type": "passphrase"})


def test_state_of_another_provider_is_refused_when_it_is_opened(project: Project) -> None:
    document = {"version": 3, "deployment": {"secrets_providers": {"type": "cloud", "state": {}}}}
    with pytest.raises(CaramlError, match="'cloud'"):
        open_crypter(load_stack_config(project, "dev"), document)


def test_the_salt_of_the_configuration_counts_before_that_of_the_state(project: Project) -> None:
    config = load_stack_config(project, "dev")
    config.set_salt(CRYPTER.salt)
    other = PassphraseCrypter.new("a passphrase")
    other.prepare()
    document = {"version": 3, "deployment": {"secrets_providers": other.provider}}
    assert open_crypter(config, document).salt == CRYPTER.salt
    assert open_crypter(load_stack_config(project, "dev"), document).salt == other.salt


def test_a_new_stack_gets_a_salt_that_is_written_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")
    salt = new_crypter(load_stack_config(project, "dev")).salt
    assert load_stack_config(project, "dev").salt == salt
    assert new_crypter(load_stack_config(project, "dev")).salt == salt


def test_looking_at_a_new_stack_writes_nothing(project: Project) -> None:
    assert open_crypter(load_stack_config(project, "dev")).provider is None
    assert not (project.root / "Pulumi.dev.yaml").exists()
