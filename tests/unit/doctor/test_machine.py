"""What `caraml doctor` finds on this machine."""

import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from caraml_pulumi.doctor.checks import Finding, Level, run_checks
from caraml_pulumi.doctor.machine import checks


def found(root: Path | None, *, cluster: bool = False) -> dict[str, Finding]:
    return {finding.matter: finding for _, finding in run_checks(checks(root, cluster=cluster), 30)}


def test_the_packages_of_this_environment_are_as_needed() -> None:
    packages = found(None)["packages"]
    assert packages.level is Level.OK
    assert f"pulumi {version('pulumi')}" in packages.text


def test_a_package_that_the_project_pins_otherwise_is_named(tmp_path: Path) -> None:
    pins = f"# pins\npulumi=={version('pulumi')} \\\n    --hash=sha256:00\nrich==1.0\nnot-of-this-platform==3\n"
    (tmp_path / "requirements.lock").write_text(pins)
    lock = found(tmp_path)["requirements.lock"]
    assert lock.level is Level.WARNING
    assert lock.text == f"1 package is not as it pins them: rich is {version('rich')} and not 1.0"
    assert lock.fix == "pip install --requirement requirements.lock"


def test_without_the_pulumi_cli_our_engine_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    said = found(None)
    assert (said["Pulumi CLI"].level, said["git"].level) == (Level.NOTE, Level.WARNING)


def test_a_pulumi_cli_without_the_kubernetes_plugin_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pulumi"
    program.write_text('#!/bin/sh\n[ "$1" = plugin ] && echo "[]" || echo v3.260.0\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    said = found(None)
    assert said["Pulumi CLI"].text.startswith("v3.260.0, at ")
    assert said["Kubernetes plugin"].level is Level.WARNING
    assert f"v{version('pulumi-kubernetes')}" in said["Kubernetes plugin"].fix


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not on PATH")
def test_the_local_control_plane_is_looked_at_when_asked() -> None:
    assert "local control plane" not in found(None)
    assert found(None, cluster=True)["local control plane"].level in (Level.OK, Level.NOTE)


def test_a_machine_without_go_cannot_build_the_local_control_plane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    local = found(None, cluster=True)["local control plane"]
    assert local.level is Level.FAILED
    assert "install Go" in local.fix
