"""The digest of a directory of model files, its manifest, and what is left out of it."""

import hashlib
import subprocess
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.tree import File, Ignore, Tree, path_problem

DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
FILES = st.builds(File, path=st.from_regex(r"[a-zé/._ -]{1,12}", fullmatch=True), size=st.integers(0), sha256=DIGESTS)
TREES = st.lists(FILES, unique_by=lambda file: file.path, max_size=8)


@given(TREES, st.randoms())
def test_the_digest_does_not_depend_on_the_order_in_which_files_were_found(files: list[File], random: Random) -> None:
    shuffled = random.sample(files, len(files))
    assert Tree.of(shuffled) == Tree.of(files)
    assert Tree.of(shuffled).digest == Tree.of(files).digest


@given(TREES, FILES)
def test_another_file_or_content_is_another_digest(files: list[File], other: File) -> None:
    changed = [file for file in files if file.path != other.path]
    assert (Tree.of([*changed, other]).digest == Tree.of(files).digest) == (other in files)


@given(TREES)
def test_a_tree_reads_back_from_its_manifest_and_has_one_manifest(files: list[File]) -> None:
    tree = Tree.of(files)
    assert Tree.from_manifest(tree.manifest()) == tree
    assert Tree.of(reversed(files)).manifest() == tree.manifest()


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"version": 1}', b'{"version":1,"digest":"0","files":[]}'])
def test_a_damaged_manifest_is_none(damage: bytes) -> None:
    assert Tree.from_manifest(damage) is None


def test_a_manifest_whose_files_were_edited_is_damaged() -> None:
    tree = Tree.of([File("model.bin", 3, "0" * 64)])
    assert Tree.from_manifest(tree.manifest().replace(b"model.bin", b"other.bin")) is None


def test_the_digest_is_what_sha256sum_says(tmp_path: Path) -> None:
    contents = {"b.bin": b"b", "a/é.txt": b"accent", "a b": b"", "a.b": b"x", "a/b": b"y"}
    for path, content in contents.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    command = "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    said = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    files = [File(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in contents.items()]
    assert said.split()[0] == Tree.of(files).digest


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("model/weights é.bin", ""),
        ("a" * 1025, "1025 bytes"),
        ("a\nb", "control"),
        ("a\\b", "backslash"),
        ("caf\udce9", "UTF-8"),
    ],
)
def test_a_path_that_s3_clients_trip_over_is_named(path: str, problem: str) -> None:
    found = path_problem(path)
    assert problem in found
    assert bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("rules", "path", "ignored"),
    [
        ("", "model.bin", False),
        ("", ".caramlignore", True),
        ("*.log", "runs/train.log", True),
        ("/cache/", "cache/x", True),
        ("/cache/", "deep/cache/x", False),
        ("*.bin\n!keep.bin", "keep.bin", False),
        ("*.bin\n!keep.bin", "drop.bin", True),
        ("# a comment\n\n", "model.bin", False),
        ("**/checkpoint-*/", "runs/checkpoint-5/x", True),
    ],
)
def test_what_is_left_out_follows_the_rules_of_gitignore(rules: str, path: str, ignored: bool) -> None:
    assert Ignore(rules)(path) is ignored


def test_a_line_that_is_no_pattern_is_named_by_its_number() -> None:
    with pytest.raises(CaramlError) as error:
        Ignore("*.log\n!\n")
    assert error.value.where == ".caramlignore:2"
