import gzip
import json
from pathlib import Path

import pytest

from caraml_pulumi.engine.state.backend import Backend, open_backend
from caraml_pulumi.engine.state.names import StackName
from caraml_pulumi.engine.state.secrets import PassphraseCrypter
from caraml_pulumi.engine.state.snapshot import snapshot_from_json
from caraml_pulumi.errors import CaramlError


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return open_backend(f"file://{tmp_path}")


def _files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_new_stack_is_empty_and_in_pulumis_layout(backend: Backend, tmp_path: Path) -> None:
    backend.create("shop", "dev")
    assert _files(tmp_path) == [".pulumi/meta.yaml", ".pulumi/stacks/shop/dev.json"]
    assert (tmp_path / ".pulumi/meta.yaml").read_text() == "version: 1\n"
    document = backend.load("shop", "dev")
    assert document
    assert snapshot_from_json(document, PassphraseCrypter()).resources == []


def test_a_stack_is_not_made_twice(backend: Backend) -> None:
    backend.create("shop", "dev")
    with pytest.raises(CaramlError, match="organization/shop/dev exists already"):
        backend.create("shop", "dev")


def test_what_is_saved_is_loaded_and_the_state_before_is_kept(backend: Backend, tmp_path: Path) -> None:
    backend.save("shop", "dev", {"a": "žluť"})
    backend.save("shop", "dev", {"a": 2})
    assert backend.load("shop", "dev") == {"a": 2}
    assert (tmp_path / ".pulumi/stacks/shop/dev.json.bak").read_text() == '{"a":"žluť"}'


def test_a_stack_that_is_not_there_is_none(backend: Backend, tmp_path: Path) -> None:
    assert backend.load("shop", "dev") is None
    assert _files(tmp_path) == []


@pytest.mark.parametrize("packed", [False, True])
def test_the_file_of_a_checkpoint_is_known(backend: Backend, tmp_path: Path, packed: bool) -> None:
    with backend.checkpoint_file("shop", "dev") as found:
        assert found is None
    backend.create("shop", "dev")
    file = tmp_path / ".pulumi/stacks/shop/dev.json"
    if packed:
        file.rename(file.with_name("dev.json.gz"))
        file = file.with_name("dev.json.gz")
    with backend.checkpoint_file("shop", "dev") as found:
        assert found == file
    assert file.exists()


def test_the_checkpoint_of_another_machine_is_copied_for_a_while(s3_url: str) -> None:
    backend = open_backend(s3_url)
    with backend.checkpoint_file("shop", "dev") as found:
        assert found is None
    backend.save("shop", "dev", {"a": 1})
    with backend.checkpoint_file("shop", "dev") as found:
        assert found
        assert json.loads(found.read_text()) == {"a": 1}
        assert found.stat().st_mode & 0o077 == 0
    assert not found.exists()


def test_files_are_the_owners_only(backend: Backend, tmp_path: Path) -> None:
    backend.create("shop", "dev")
    backend.journal("shop", "dev").append({})
    assert {(tmp_path / name).stat().st_mode & 0o077 for name in _files(tmp_path)} == {0}


def test_stacks_are_listed_by_project(backend: Backend) -> None:
    for project, stack in (("shop", "prod"), ("shop", "dev.1"), ("other", "dev")):
        backend.create(project, stack)
    backend.save("shop", "prod", {})
    assert backend.list_stacks("shop") == [StackName("shop", "dev.1"), StackName("shop", "prod")]
    assert StackName("other", "dev") in backend.list_stacks()


def test_compressed_state_is_read_and_stays_compressed(backend: Backend, tmp_path: Path) -> None:
    path = tmp_path / ".pulumi/stacks/shop/dev.json.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(b'{"a": 1}'))
    assert backend.load("shop", "dev") == {"a": 1}
    backend.backup("shop", "dev")
    backend.save("shop", "dev", {"a": 2})
    assert json.loads(gzip.decompress(path.read_bytes())) == {"a": 2}
    assert backend.list_stacks() == [StackName("shop", "dev")]
    assert [name for name in _files(tmp_path) if "backups" in name and name.endswith(".json.gz")]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b"\x1f\x8bxx"])
def test_a_damaged_file_is_named(data: bytes, backend: Backend, tmp_path: Path) -> None:
    backend.create("shop", "dev")
    path = tmp_path / ".pulumi/stacks/shop/dev.json"
    path.write_bytes(data)
    with pytest.raises(CaramlError, match="damaged") as caught:
        backend.load("shop", "dev")
    assert caught.value.where == f"file://{path}"


def test_a_removed_stack_leaves_its_last_state_and_no_history(backend: Backend, tmp_path: Path) -> None:
    backend.create("shop", "dev")
    backend.backup("shop", "dev")
    backend.add_history("shop", "dev", {"kind": "update"}, {})
    backend.journal("shop", "dev").append({})
    backend.remove("shop", "dev")
    assert backend.load("shop", "dev") is None
    assert backend.list_stacks() == []
    assert [name for name in _files(tmp_path) if "backups" not in name] == [
        ".pulumi/meta.yaml",
        ".pulumi/stacks/shop/dev.json.bak",
    ]


def test_history_is_the_newest_first_and_limited(backend: Backend, tmp_path: Path) -> None:
    for kind in ("update", "refresh", "destroy"):
        backend.add_history("shop", "dev", {"kind": kind, "version": 0}, {"after": kind})
    assert backend.history("shop", "dev", limit=2) == [
        {"kind": "destroy", "version": 3},
        {"kind": "refresh", "version": 2},
    ]
    checkpoints = sorted(tmp_path.rglob("*.checkpoint.json"))
    assert [json.loads(path.read_text())["after"] for path in checkpoints] == ["update", "refresh", "destroy"]


def test_the_checkpoint_of_the_newest_update_is_found_by_its_time(backend: Backend) -> None:
    assert backend.last_recorded("shop", "dev") is None
    for kind in ("update", "refresh", "destroy"):
        backend.add_history("shop", "dev", {"kind": kind}, {"after": kind})
    backend.save("shop", "dev", {"after": "what was killed"})
    backend.add_history("shop", "dev-2", {"kind": "update"}, {"after": "something else"})
    assert backend.last_recorded("shop", "dev") == {"after": "destroy"}


def test_the_history_of_a_stack_is_not_that_of_one_with_a_longer_name(backend: Backend) -> None:
    backend.add_history("shop", "dev-2", {"kind": "update"}, {})
    assert backend.history("shop", "dev") == []


def test_the_layout_without_projects_is_refused(backend: Backend, tmp_path: Path) -> None:
    old = tmp_path / ".pulumi/stacks/dev.json"
    old.parent.mkdir(parents=True)
    old.write_text("{}")
    with pytest.raises(CaramlError, match="version 0") as caught:
        backend.load("shop", "dev")
    assert "pulumi state upgrade" in caught.value.fix


@pytest.mark.parametrize("meta", ["version: 2\n", "x", "[", ""])
def test_a_layout_of_the_future_is_refused(meta: str, backend: Backend, tmp_path: Path) -> None:
    (tmp_path / ".pulumi").mkdir()
    (tmp_path / ".pulumi/meta.yaml").write_text(meta)
    with pytest.raises(CaramlError, match="layout"):
        backend.list_stacks()


@pytest.mark.parametrize("url", ["gs://bucket", "azblob://x", "https://app.pulumi.com", "postgres://u:pw@h"])
def test_a_backend_that_only_the_pulumi_cli_reaches_is_refused_by_name(url: str) -> None:
    with pytest.raises(CaramlError, match=url.partition("://")[0]) as caught:
        open_backend(url)
    assert "pw" not in str(caught.value)


def test_the_urls_of_a_directory_are_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert open_backend("file://~").url == f"file://{tmp_path}/home"
    assert open_backend("file://~/state").url == f"file://{tmp_path}/home/state"
    assert open_backend("file://.").url == f"file://{tmp_path}"
    assert open_backend("file://./a/../b?no_tmp_dir=true").url == f"file://{tmp_path}/b"
    assert open_backend("file:///abs").url == "file:///abs"


def test_the_environment_and_then_a_directory_of_the_users_is_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    assert open_backend().url == f"file://{tmp_path}"
    monkeypatch.delenv("PULUMI_BACKEND_URL")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert open_backend().url == "file:///data/caraml/state"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/ana")
    assert open_backend().url == "file:///home/ana/.local/share/caraml/state"


@pytest.mark.parametrize("name", ["..", "a/b", ""])
def test_a_name_cannot_lead_out_of_the_backend(name: str, backend: Backend) -> None:
    for act in (backend.load, backend.create, backend.remove, backend.history, backend.journal):
        with pytest.raises(CaramlError, match="cannot be the name"):
            act("shop", name)
    with pytest.raises(CaramlError, match="cannot be the name"), backend.lock("shop", name, "up"):
        pass


def test_a_place_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CaramlError, match="cannot write") as caught:
        open_backend(f"file://{tmp_path}/file").create("shop", "dev")
    assert "PULUMI_BACKEND_URL" in caught.value.fix


def test_recorded_updates_are_read_when_they_are_asked_for_whoever_packed_them(
    backend: Backend, tmp_path: Path
) -> None:
    for number in (1, 2, 3):
        backend.add_history("shop", "dev", {"message": str(number)}, {"after": number})
    [first, second, _] = sorted((tmp_path / ".pulumi/history/shop/dev").glob("*.checkpoint.json"))
    first.unlink()
    second.with_name(f"{second.name}.gz").write_bytes(gzip.compress(second.read_bytes()))
    second.with_name(f"{second.name}.attrs").write_text("{}")  # the Pulumi CLI's
    second.unlink()
    updates = backend.recorded_updates("shop", "dev")
    assert [(update.version, update.entry()["message"]) for update in updates] == [(3, "3"), (2, "2"), (1, "1")]
    assert [update.checkpoint() for update in updates] == [b'{"after":3}', b'{"after":2}', None]
    assert [backend.recorded("shop", "dev", number) for number in (3, 2, 1, 0, 4)] == [
        {"after": 3},
        {"after": 2},
        None,
        None,
        None,
    ]


def test_a_recorded_checkpoint_that_is_damaged_is_named(backend: Backend, tmp_path: Path) -> None:
    backend.add_history("shop", "dev", {}, {"after": 1})
    [file] = (tmp_path / ".pulumi/history/shop/dev").glob("*.checkpoint.json")
    file.write_bytes(gzip.compress(b"{}")[:-4])
    with pytest.raises(CaramlError, match="damaged") as refused:
        backend.recorded_updates("shop", "dev")[0].checkpoint()
    assert refused.value.where == f"{backend.url}/.pulumi/history/shop/dev/{file.name}"
