"""Which files of a directory are a model's, their digests, and what is not read again."""

import hashlib
import os
import socket
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caraml_pulumi.artifacts.directory import Directory, hashed_directory
from caraml_pulumi.artifacts.hash_cache import HashCache, Stamp, cache_directory, now
from caraml_pulumi.errors import CaramlError, CaramlErrors


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    root = tmp_path / "model"
    (root / "weights").mkdir(parents=True)
    (root / "config.json").write_text("{}")
    (root / "weights" / "1.bin").write_bytes(b"one")
    return root


def aged(root: Path) -> None:
    """Wait until a later write would certainly change a time stamp."""
    latest = max(path.stat().st_ctime_ns for path in root.rglob("*"))
    while now() - latest < 60_000_000:
        time.sleep(0.01)


def read_files(root: Path) -> tuple[Directory, list[int]]:
    reports: list[int] = []
    return hashed_directory(root, on_hashed=lambda done, total: reports.append(total)), reports


def test_every_file_belongs_to_the_model_with_its_size_and_digest(model: Path) -> None:
    found = {file.path: (file.size, file.sha256) for file in hashed_directory(model).tree.files}
    assert found == {
        "config.json": (2, hashlib.sha256(b"{}").hexdigest()),
        "weights/1.bin": (3, hashlib.sha256(b"one").hexdigest()),
    }


def test_the_digest_is_of_names_and_contents_alone(model: Path, tmp_path: Path) -> None:
    before = hashed_directory(model).tree.digest
    (model / "config.json").chmod(0o600)
    os.utime(model / "config.json", (0, 0))
    (model / "empty").mkdir()
    assert hashed_directory(model.rename(tmp_path / "elsewhere")).tree.digest == before


def test_the_ignore_file_leaves_out_files_and_whole_directories(model: Path) -> None:
    before = hashed_directory(model).tree.digest
    (model / "cache").mkdir()
    (model / "cache" / "x").write_text("x")
    (model / "weights" / "train.log").write_text("x")
    (model / ".caramlignore").write_text("# not for serving\n*.log\n/cache/\n")
    assert hashed_directory(model).tree.digest == before


def test_links_are_followed_and_what_they_lead_to_takes_their_place(model: Path, tmp_path: Path) -> None:
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    (blobs / "abc").write_bytes(b"weights")
    (model / "linked.bin").symlink_to(blobs / "abc")
    (model / "linked").symlink_to(blobs)
    files = {file.path: file.sha256 for file in hashed_directory(model).tree.files}
    assert files["linked.bin"] == files["linked/abc"] == hashlib.sha256(b"weights").hexdigest()


def test_all_files_that_cannot_be_uploaded_are_named_at_once(model: Path) -> None:
    (model / "dangling").symlink_to("nowhere")
    (model / "weights" / "loop").symlink_to("..")
    os.mkfifo(model / "pipe")
    (model / "new\nline").write_text("x")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(model / "socket"))
        with pytest.raises(CaramlErrors) as error:
            hashed_directory(model)
    said = str(error.value)
    for why in ("leads nowhere", "leads back", "no regular file", "control character"):
        assert why in said
    assert len(error.value.errors) == 5


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(model: Path) -> None:
    (model / "config.json").chmod(0)
    with pytest.raises(CaramlError, match=r"config\.json.*may not read"):
        hashed_directory(model)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_text("x"), "is not a directory"),
        (lambda path: path.mkdir(), "holds no files"),
    ],
)
def test_a_model_directory_that_cannot_be_one_is_one_clear_error(make: object, said: str, tmp_path: Path) -> None:
    make(tmp_path / "other")  # type: ignore[operator]
    with pytest.raises(CaramlError, match=said):
        hashed_directory(tmp_path / "other")


def test_what_was_hashed_is_not_read_again(model: Path) -> None:
    aged(model)
    first, reports = read_files(model)
    assert reports
    second, reports = read_files(model)
    assert not reports
    assert second.tree == first.tree


def test_a_changed_file_alone_is_read_again(model: Path) -> None:
    aged(model)
    first, _ = read_files(model)
    (model / "config.json").write_text('{"a": 1}')
    second, reports = read_files(model)
    assert set(reports) == {8}
    assert second.tree.digest != first.tree.digest


def test_a_file_rewritten_with_its_old_size_and_times_is_noticed(model: Path) -> None:
    aged(model)
    first, _ = read_files(model)
    stat = (model / "weights" / "1.bin").stat()
    (model / "weights" / "1.bin").write_bytes(b"two")
    os.utime(model / "weights" / "1.bin", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert hashed_directory(model).tree.digest != first.tree.digest


def test_a_file_just_written_is_not_trusted_to_be_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    stamp = Stamp.of(file.stat())
    cache = HashCache(tmp_path)
    cache.put("file", stamp, "digest", read_at=stamp.changed)
    assert cache.get("file", stamp) is None
    cache.put("file", stamp, "digest", read_at=stamp.changed + 10_000_000_000)
    assert cache.get("file", stamp) == "digest"


def test_a_damaged_cache_and_one_that_cannot_be_written_cost_time_alone(model: Path, cache: Path) -> None:
    aged(model)
    first, _ = read_files(model)
    (file,) = cache_directory().iterdir()
    file.write_text('{"format": 1, "files": {"config.json": "?"}}')
    second, reports = read_files(model)
    assert reports
    assert second.tree == first.tree
    file.unlink()
    file.mkdir()
    assert hashed_directory(model).tree == first.tree


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.dictionaries(st.from_regex(r"[a-c]{1,3}", fullmatch=True), st.binary(max_size=8), min_size=1))
def test_the_cache_never_changes_the_digest(contents: dict[str, bytes], tmp_path: Path) -> None:
    root = tmp_path / "any"
    for left_over in root.glob("*"):
        left_over.unlink()
    root.mkdir(exist_ok=True)
    for name, content in contents.items():
        (root / name).write_bytes(content)
    files = {file.path: file.sha256 for file in hashed_directory(root).tree.files}
    assert files == {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
