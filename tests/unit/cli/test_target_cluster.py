import json
from pathlib import Path

import pytest
import typer

from caraml_pulumi.cli.operations import destroy_app, refresh_app
from tests.unit.cli.stacks import Place

KUBECONFIG = {
    "current-context": "dev",
    "contexts": [{"name": "dev", "context": {"cluster": "dev"}}],
    "clusters": [{"name": "dev", "cluster": {"server": "https://dev.example.com"}}],
}
BASE = "config:\n  caraml:platform: {domain: models.example.com, cluster: {context: prod}}\n"


@pytest.fixture
def prod(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    (tmp_path / "kubeconfig").write_text(json.dumps(KUBECONFIG))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("CARAML_STACK", "prod")
    monkeypatch.setenv("CARAML_ENGINE", "embedded")
    (place.root / "Pulumi.base.yaml").write_text(BASE)
    (place.root / "Pulumi.prod.yaml").write_text("config:\n  caraml:extends: base\n")
    return place


@pytest.mark.parametrize("app", [destroy_app, refresh_app])
def test_what_runs_no_program_asks_the_files_for_the_cluster(prod: Place, app: typer.Typer) -> None:
    ran = prod.run(app, "--yes")
    assert ran.error
    assert ran.error.what == 'environment "prod" is deployed by the context "prod" alone, and the context is "dev"'
    assert ran.error.where == f"{prod.root}/Pulumi.base.yaml:2 (config.caraml:platform.cluster.context)"


def test_a_stack_that_names_no_cluster_may_go_anywhere(prod: Place) -> None:
    (prod.root / "Pulumi.base.yaml").write_text("config:\n  caraml:platform: {domain: models.example.com}\n")
    ran = prod.run(destroy_app, "--yes")
    assert ran.error
    assert ran.error.what == "there is no stack 'prod' of the project 'shop'"


def test_the_context_of_the_configuration_counts(prod: Place) -> None:
    path = prod.root / "Pulumi.prod.yaml"
    path.write_text(path.read_text() + "  kubernetes:context: qa\n")
    ran = prod.run(destroy_app, "--yes")
    assert ran.error
    assert ran.error.what.endswith("kubeconfig has no context 'qa'")
    assert (ran.error.where, ran.error.allowed) == ("", "dev")
