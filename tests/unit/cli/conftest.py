from pathlib import Path

import pytest

from tests.unit.cli.stacks import Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    root = tmp_path / "project"
    root.mkdir()
    (root / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/backend")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "a passphrase")
    for name in ("CARAML_STACK", "PULUMI_STACK", "PULUMI_CONFIG_PASSPHRASE_FILE", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return Place(root)
