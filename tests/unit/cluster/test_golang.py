"""Go's failures, told by a program that stands in for `go` and fails with the messages of the real one."""

import os
from pathlib import Path

import pytest

from caraml_pulumi.cluster import golang
from caraml_pulumi.errors import CaramlError

FAILURES = {
    "the disk is full": "write $WORK/b001/_pkg_.a: no space left on device",
    "cannot be downloaded": "k8s.io/api@v0.36.3: Get https://proxy.example/x: dial tcp: lookup proxy: no such host",
    "cannot be downloaded:": "go: k8s.io/api@v0.36.3: reading https://proxy.example/x: 403 Forbidden",
    "is not the pinned one": "verifying k8s.io/api@v0.36.3: checksum mismatch",
    "building kwok failed": "./main.go:12:2: undefined: frobnicate",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = tmp_path / "tools"
    directory.mkdir()
    (directory / "go.mod").write_text("module example.test/tools\n\ngo 1.26.0\n")
    return directory


def put_go_on_path(script: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = directory / "programs"
    programs.mkdir()
    go = programs / "go"
    go.write_text(f"#!/bin/sh\n{script}\n")
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin")


def run(source: Path, log: Path, lines: list[str] | None = None) -> list[str]:
    return golang.run(["build"], source, log, "kwok", (lines if lines is not None else []).append)


def test_a_machine_without_go_is_told_which_go_to_install(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(source))
    with pytest.raises(CaramlError, match="`go` is not on PATH") as raised:
        golang.check(source)
    assert raised.value.fix == "install Go 1.26 or newer and put `go` on PATH"


@pytest.mark.parametrize(
    "answer", ["echo go1.22.4", "echo 'errors parsing go.mod: unknown directive: tool' >&2; exit 1"]
)
def test_too_old_a_go_is_refused(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    version = 'if [ "$1" = version ]; then echo go version go1.22.4 linux/amd64; exit; fi'
    put_go_on_path(f"{version}\n{answer}", tmp_path, monkeypatch)
    with pytest.raises(CaramlError, match=r"go1\.22(\.4)? is too old") as raised:
        golang.check(source)
    assert raised.value.allowed == "Go 1.26 or newer"


@pytest.mark.parametrize("version", ["go1.26.0", "go1.26rc1", "go1.30.2", "go2.0"])
def test_a_new_enough_go_is_accepted(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    put_go_on_path(f"echo {version}", tmp_path, monkeypatch)
    golang.check(source)


@pytest.mark.parametrize(("told", "message"), FAILURES.items())
def test_a_failure_is_explained_and_names_the_part_and_the_log(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, message: str
) -> None:
    put_go_on_path(f"cat >&2 <<'END'\n# some/package\n{message}\nEND\nexit 1", tmp_path, monkeypatch)
    with pytest.raises(CaramlError, match=told.rstrip(":")) as raised:
        run(source, tmp_path / "kwok.log")
    assert "kwok" in raised.value.what
    assert raised.value.where == str(tmp_path / "kwok.log")
    assert message in (tmp_path / "kwok.log").read_text()


def test_output_and_messages_are_kept_apart(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_go_on_path("echo a package; echo go: downloading x v1 >&2; echo another; printf end >&2", tmp_path, monkeypatch)
    lines: list[str] = []
    assert run(source, tmp_path / "log", lines) == ["a package", "another"]
    assert [line for line in lines if line] == ["go: downloading x v1", "end"]


def test_a_silent_command_still_lets_the_clock_move_on(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_go_on_path("sleep 1.3", tmp_path, monkeypatch)
    lines: list[str] = []
    run(source, tmp_path / "log", lines)
    assert lines == [""]


def test_the_log_keeps_each_command_and_what_it_said(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_go_on_path("echo said >&2", tmp_path, monkeypatch)
    run(source, tmp_path / "log")
    run(source, tmp_path / "log")
    assert (tmp_path / "log").read_text() == "$ go build\nsaid\n$ go build\nsaid\n"


def test_an_interrupt_ends_the_command(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_go_on_path("echo started $$ >&2; exec sleep 60", tmp_path, monkeypatch)
    started: list[int] = []

    def interrupt(line: str) -> None:
        started.append(int(line.split()[1]))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        golang.run(["build"], source, tmp_path / "log", "kwok", interrupt)
    assert not Path(f"/proc/{started[0]}").exists()


def test_the_environment_cannot_change_what_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"GOOS": "windows", "GOARCH": "arm", "GOFLAGS": "-race", "GOWORK": "/x/go.work"}.items():
        monkeypatch.setenv(name, value)
    environment = golang.environment()
    assert not {"GOOS", "GOARCH"} & set(environment)
    assert (environment["GOFLAGS"], environment["GOWORK"], environment["CGO_ENABLED"]) == (
        "-buildvcs=false",
        "off",
        "0",
    )
