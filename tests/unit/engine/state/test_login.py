import json
from pathlib import Path

import pytest

from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.engine.state.login import logged_in
from caraml_pulumi.errors import CaramlError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PULUMI_BACKEND_URL", "PULUMI_HOME", "PULUMI_CREDENTIALS_PATH", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def log_in(directory: Path, url: str) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "credentials.json").write_text(json.dumps({"current": url, "accessTokens": {url: "pul-hidden"}}))


def test_the_backend_of_pulumi_login_is_used_where_no_other_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(home / ".pulumi", f"file://{home}/team")
    assert open_backend().url == f"file://{home}/team"
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{home}/own")
    assert open_backend().url == f"file://{home}/own"


def test_the_login_is_where_pulumi_keeps_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(home / ".pulumi", "file:///one")
    log_in(home / "two", "file:///two")
    log_in(home / "three", "file:///three")
    monkeypatch.setenv("PULUMI_HOME", str(home / "two"))
    assert logged_in() == "file:///two"
    monkeypatch.setenv("PULUMI_CREDENTIALS_PATH", str(home / "three"))
    assert logged_in() == "file:///three"


def test_nobody_logged_in_is_the_users_own_directory(home: Path) -> None:
    assert logged_in() == ""
    log_in(home / ".pulumi", "")
    assert open_backend().url == f"file://{home}/.local/share/caraml/state"


def test_a_login_that_cannot_be_read_is_no_other_backend(home: Path) -> None:
    log_in(home / ".pulumi", "file:///one")
    (home / ".pulumi/credentials.json").write_text("{")
    with pytest.raises(CaramlError, match="which backend the Pulumi CLI uses"):
        open_backend()


def test_a_login_to_what_only_the_cli_reaches_is_refused_without_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(home / ".pulumi", "https://api.pulumi.com")
    monkeypatch.setenv("PATH", str(home))
    with pytest.raises(CaramlError, match="only the Pulumi CLI reaches") as caught:
        open_backend()
    assert caught.value.where == "what pulumi login chose"
    assert "pul-hidden" not in str(caught.value)
