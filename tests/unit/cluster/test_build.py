"""Building with a stand-in for `go` that does in milliseconds what the real one does in minutes."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from caraml_pulumi.cluster import build
from caraml_pulumi.cluster.parts import Edit, Manifests, Part
from caraml_pulumi.cluster.report import Say
from caraml_pulumi.errors import CaramlError

GO = """
echo "$@" >> "$CALLS"
case "$1" in
  env) echo go1.26.0 ;;
  mod)
    if [ "$2" = vendor ]; then
      mkdir -p vendor/example.test/app
      echo 'listen(":8080")' > vendor/example.test/app/main.go
    fi ;;
  list) if [ "$2" = -m ]; then echo "$MODULE"; else printf 'true example.test/%s\n' a b; echo false fmt; fi ;;
  build)
    echo example.test/a >&2; echo example.test/b >&2
    while [ "$1" != -o ]; do shift; done
    printf '#!/bin/sh\\necho ran\\n' > "$2/app"
    if [ -e vendor ]; then cp vendor/example.test/app/main.go "$2/app"; fi ;;
esac
"""


class Shown:
    def __init__(self) -> None:
        self.titles: list[str] = []
        self.notes: list[str] = []

    @contextmanager
    def step(self, title: str) -> Iterator[Say]:
        self.titles.append(title)
        yield self.notes.append

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs, source, module = tmp_path / "programs", tmp_path / "tools" / "app", tmp_path / "module"
    for directory in (programs, source, module / "config"):
        directory.mkdir(parents=True)
    (programs / "go").write_text(f"#!/bin/sh\n{GO}")
    (programs / "go").chmod(0o755)
    (source / "go.mod").write_text("module example.test/tools\n\ngo 1.26.0\n\nrequire example.test/app v1.2.3\n")
    (source / "go.sum").write_text("")
    (module / "config" / "crd.yaml").write_text(
        "kind: A\nwhen: 2020-01-01\nsign: =\nswitch: on\nyes: true\n---\n---\nkind: B\n"
    )
    calls = tmp_path / "calls"
    calls.touch()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("CALLS", str(calls))
    monkeypatch.setenv("MODULE", str(module))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("caraml_pulumi.cluster.parts.tools_source", lambda: tmp_path / "tools")
    return calls


def part(edits: tuple[Edit, ...] = (), gib: int = 0) -> Part:
    manifests = (Manifests("example.test/app", ("config/*.yaml",)),)
    return Part(
        "app", "App", "example.test/app", (("app", "renamed"),), edits=edits, manifests=manifests, minutes=1, gib=gib
    )


def test_a_part_is_built_once_under_the_hash_of_its_sources(go: Path) -> None:
    shown = Shown()
    build.ensure([part()], shown)
    assert (part().home / "bin" / "renamed").read_text() == "#!/bin/sh\necho ran\n"
    assert shown.titles == ["build App 1.2.3 (1 of 1)"]
    calls = go.read_text()
    build.ensure([part()], shown)
    assert (go.read_text(), len(shown.titles)) == (calls, 1)


def test_a_changed_go_sum_builds_anew_and_keeps_the_old_build(go: Path) -> None:
    before = part()
    build.ensure([before], Shown())
    old = before.home
    (before.source / "go.sum").write_text("example.test/app v1.2.3 h1:other=\n")
    build.ensure([part()], Shown())
    assert part().home != old
    assert old.is_dir()
    assert (part().home / "bin" / "renamed").exists()


def test_a_changed_recipe_has_another_hash(go: Path) -> None:
    assert part().hash == part(gib=7).hash
    assert part().hash != part(edits=(Edit("f", "a", "b"),)).hash


def test_manifests_are_kept_as_json_that_reads_yaml_as_kubernetes_does(go: Path) -> None:
    build.ensure([part()], Shown())
    text = (part().home / "manifests" / "example.test" / "app" / "config" / "crd.json").read_text()
    assert text == '[{"kind": "A", "when": "2020-01-01", "sign": "=", "switch": "on", "yes": true}, {"kind": "B"}]'


def test_progress_counts_compiled_packages_and_then_says_that_it_links(go: Path) -> None:
    shown = Shown()
    build.ensure([part()], shown)
    assert shown.notes[-2:] == ["compiled 1 of 2 packages, about 10 s left", "linking 1 programs"]


def test_edits_change_the_vendored_source(go: Path) -> None:
    edited = part(edits=(Edit("example.test/app/main.go", '":8080"', '"127.0.0.1:8080"'),))
    build.ensure([edited], Shown())
    assert (edited.home / "bin" / "renamed").read_text() == 'listen("127.0.0.1:8080")\n'


def test_an_edit_that_does_not_fit_the_pinned_version_is_refused(go: Path) -> None:
    edited = part(edits=(Edit("example.test/app/main.go", "port(80)", "port(81)"),))
    with pytest.raises(CaramlError, match=r"0 places that read 'port\(80\)'"):
        build.ensure([edited], Shown())
    assert not edited.home.exists()


def test_a_failed_build_leaves_nothing_but_its_log(go: Path, tmp_path: Path) -> None:
    script = tmp_path / "programs" / "go"
    script.write_text(script.read_text().replace("  build)", "  build) echo broken >&2; exit 1 ;;\n  never)"))
    with pytest.raises(CaramlError, match="building App failed: broken"):
        build.ensure([part()], Shown())
    assert sorted(file.name for file in part().home.parent.iterdir()) == [f"app-{part().hash}.log", "app.lock"]


def test_what_a_killed_build_left_is_cleared_away(go: Path) -> None:
    left_over = part().home.parent / ".app-killed"
    (left_over / "done").mkdir(parents=True)
    build.ensure([part()], Shown())
    assert not left_over.exists()


def test_two_builds_at_once_build_one_time(go: Path) -> None:
    threads = [threading.Thread(target=build.ensure, args=([part()], Shown())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(line.startswith("build ") for line in go.read_text().splitlines()) == 1
    assert (part().home / "bin" / "renamed").exists()


def test_too_little_disk_space_is_said_before_anything_is_fetched(go: Path) -> None:
    with pytest.raises(CaramlError, match="building App needs 1000000 GiB"):
        build.ensure([part(gib=1_000_000)], Shown())
    assert "build" not in go.read_text()


def test_the_time_of_the_parts_still_to_come_is_announced(go: Path) -> None:
    other = replace(part(), name="other", main_module="example.test/app", minutes=4)
    (other.source).mkdir()
    for file in ("go.mod", "go.sum"):
        (other.source / file).write_text((part().source / file).read_text())
    shown = Shown()
    build.ensure([part(), other], shown)
    assert shown.titles == ["build App 1.2.3 (1 of 2, the rest takes up to 4 min)", "build App 1.2.3 (2 of 2)"]


def test_a_cache_that_cannot_be_written_is_named(go: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(CaramlError, match="cannot be stored: Not a directory") as raised:
        build.ensure([part()], Shown())
    assert raised.value.where.startswith(str(tmp_path / "file"))


def test_without_go_nothing_is_begun(go: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    shown = Shown()
    with pytest.raises(CaramlError, match="`go` is not on PATH"):
        build.ensure([part()], shown)
    assert shown.titles == []
