import json
from pathlib import Path

import pytest

from caraml_pulumi.engine.state.config import StackConfig, load_stack_config
from caraml_pulumi.engine.state.project import Project
from caraml_pulumi.engine.state.secrets import open_crypter
from caraml_pulumi.engine.values import Secret
from caraml_pulumi.errors import CaramlError
from tests.unit.engine.state.builders import CRYPTER


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project("shop", tmp_path, tmp_path / "__main__.py", tmp_path)


def _config(project: Project, text: str) -> StackConfig:
    (project.root / "Pulumi.dev.yaml").write_text(text)
    return load_stack_config(project, "dev")


def test_values_are_the_texts_a_program_gets(project: Project) -> None:
    text = 'config:\n  a: 1.50\n  shop:b: yes\n  aws:region: "eu"\n  shop:c: {x: [1, true, null, "y"]}\n  d:\n'
    assert _config(project, text).values(CRYPTER) == {
        "shop:a": "1.50",
        "shop:b": "yes",
        "aws:region": "eu",
        "shop:c": '{"x":[1,true,null,"y"]}',
        "shop:d": "",
    }


def test_a_secret_anywhere_in_a_value_makes_it_secret(project: Project) -> None:
    secure = CRYPTER.encrypt("s3cr3t")
    config = _config(
        project, f"config:\n  a: {{secure: {secure}}}\n  b: {{users: [{{pw: {{secure: {secure}}}}}]}}\n  c: 1\n"
    )
    assert config.secret_keys == ["shop:a", "shop:b"]
    values = config.values(CRYPTER)
    assert values == {"shop:a": Secret("s3cr3t"), "shop:b": Secret('{"users":[{"pw":"s3cr3t"}]}'), "shop:c": "1"}
    assert all(value.ciphertext is None for value in values.values() if isinstance(value, Secret))


def test_values_are_listed_without_a_passphrase(project: Project) -> None:
    config = _config(project, "config:\n  a: {b: {secure: v1:x:y}}\n")
    assert config.entries() == {"shop:a": Secret('{"b":"[secret]"}')}


def test_history_records_values_with_their_secrets_encrypted(project: Project) -> None:
    config = _config(project, "config:\n  a: {secure: v1:x:y}\n  b: [1]\n  c: 012\n")
    assert config.recorded() == {"shop:a": {"secure": "v1:x:y"}, "shop:b": [1], "shop:c": "012"}


def test_the_old_spelling_of_keys_is_understood(project: Project) -> None:
    config = _config(project, "config:\n  shop:config:a: 1\n")
    assert config.values(CRYPTER) == {"shop:a": "1"}
    config.set("a", "2")
    assert config.values(CRYPTER) == {"shop:a": "2"}
    assert config.rm("shop:a")


@pytest.mark.parametrize("key", ["", ":", "a:", ":b", "a:b:c", "a:config:"])
def test_a_malformed_key_is_refused(key: str, project: Project) -> None:
    with pytest.raises(CaramlError, match="not a key of configuration"):
        _config(project, "").set(key, "x")


def test_what_is_set_is_read_back_and_comments_stay(project: Project) -> None:
    text = "# about the stack\nconfig:\n  shop:a: 1  # one\n\n  # the region\n  aws:region: 'eu'\n"
    config = _config(project, text)
    config.set("a", "true")
    config.set("b", "multi\nline: text")
    config.set("token", "s3cr3t", crypter=CRYPTER)
    config.save()
    again = load_stack_config(project, "dev")
    assert again.values(CRYPTER) == {
        "shop:a": "true",
        "aws:region": "eu",
        "shop:b": "multi\nline: text",
        "shop:token": Secret("s3cr3t"),
    }
    written = again.path.read_text()
    assert "s3cr3t" not in written
    assert written.startswith("# about the stack\nconfig:\n  shop:a: 'true' # one\n\n  # the region\n")


@pytest.mark.parametrize("value", ["", "1", "0x1F", "null", "~", "yes", "- a", "{", "a: b", "# x", " x ", "é\t"])
def test_any_text_stays_that_text(value: str, project: Project) -> None:
    config = _config(project, "")
    config.set("a", value)
    config.save()
    assert load_stack_config(project, "dev").values(CRYPTER) == {"shop:a": value}


def test_a_path_leads_into_values(project: Project) -> None:
    config = _config(project, "config:\n  data: {items: [1]}\n")
    config.set("data.items[1]", "2", path=True)
    config.set('shop:data["a.b"].on', "true", path=True)
    config.set("data.pw", "s3cr3t", crypter=CRYPTER, path=True)
    value = config.get("data", CRYPTER)
    assert isinstance(value, Secret)
    assert json.loads(value.value) == {"items": [1, 2], "a.b": {"on": True}, "pw": "s3cr3t"}
    assert config.get("data.items[1]", CRYPTER, path=True) == "2"
    assert config.get("data.pw", CRYPTER, path=True) == Secret("s3cr3t")
    assert config.get("data.items[7]", CRYPTER, path=True) is None
    assert config.rm("data.items[0]", path=True)
    assert not config.rm("data.nothing.here", path=True)
    assert config.get("data.items", CRYPTER, path=True) == "[2]"


def test_a_path_through_a_text_is_refused_and_changes_nothing(project: Project) -> None:
    config = _config(project, "config:\n  a: text\n")
    with pytest.raises(CaramlError, match="what holds it is a text"):
        config.set("a.b", "1", path=True)
    assert config.values(CRYPTER) == {"shop:a": "text"}


def test_removing_the_last_value_removes_the_section(project: Project) -> None:
    config = _config(project, "encryptionsalt: x\nconfig:\n  a: 1\n")
    assert config.rm("a")
    assert not config.rm("a")
    config.save()
    assert config.path.read_text() == "encryptionsalt: x\n"


def test_a_stack_without_a_file_is_empty_until_it_is_saved(project: Project) -> None:
    config = load_stack_config(project, "prod")
    assert config.values(CRYPTER) == {}
    assert config.salt is None
    assert not config.path.exists()
    config.set_salt("v1:x")
    config.save()
    assert config.path.read_text() == "encryptionsalt: v1:x\n"


def test_merged_values_are_read(project: Project) -> None:
    config = _config(project, "base: &base {a: 1}\nconfig:\n  <<: *base\n  b: 2\n")
    assert config.values(CRYPTER) == {"shop:a": "1", "shop:b": "2"}


def test_a_file_that_cannot_be_edited_is_explained(project: Project) -> None:
    config = _config(project, "config: {1: 3, true: 4}\n")
    with pytest.raises(CaramlError, match="cannot be edited"):
        config.set("a", "1")


def test_the_mode_of_the_file_stays(project: Project) -> None:
    config = _config(project, "config: {}\n")
    config.path.chmod(0o640)
    config.set("a", "1")
    config.save()
    assert config.path.stat().st_mode & 0o777 == 0o640


def test_a_yml_file_is_found_too(project: Project) -> None:
    (project.root / "Pulumi.dev.yml").write_text("config:\n  a: 1\n")
    assert load_stack_config(project, "dev").keys == ["shop:a"]


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("config:\n  a: [\n", "not valid YAML", 3),
        ("config: [1]\n", "'config' is", 1),
        ("config:\n  a:b:c: 1\n", "not a key", 2),
        ("config:\n  a: 1\n  shop:a: 2\n", "shop:a.* is there twice", 3),
        ("environment: [prod]\n", "ESC environments", 1),
        ("encryptionsalt: [1]\n", "'encryptionsalt' is", 1),
    ],
)
def test_a_malformed_file_is_refused_at_its_line(text: str, message: str, line: int, project: Project) -> None:
    with pytest.raises(CaramlError, match=message) as caught:
        _config(project, text)
    assert caught.value.where == f"{project.root}/Pulumi.dev.yaml:{line}"


def test_what_another_secrets_provider_keeps_is_refused_and_all_else_is_read(project: Project) -> None:
    config = _config(project, "secretsprovider: awskms://alias/key\nconfig:\n  a: 1\n  b: {secure: AQIC}\n")
    assert config.entries() == {"shop:a": "1", "shop:b": Secret("[secret]")}
    with pytest.raises(CaramlError, match="'awskms'") as caught:
        open_crypter(config)
    assert caught.value.where == f"{project.root}/Pulumi.dev.yaml:1"


def test_a_secret_of_another_stack_is_refused_at_its_line(project: Project) -> None:
    config = _config(project, "config:\n  a: 1\n  b: {secure: v1:AAAA:AAAA}\n")
    with pytest.raises(CaramlError, match="cannot be decrypted") as caught:
        config.values(CRYPTER)
    assert caught.value.where == f"{project.root}/Pulumi.dev.yaml:3"
