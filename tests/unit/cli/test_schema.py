import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from caraml_pulumi.cli.schema import app
from caraml_pulumi.errors import CaramlError

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"


@pytest.mark.parametrize("kind", ["release", "environment", "project"])
def test_the_schema_that_is_printed_is_the_published_one(kind: str) -> None:
    ran = CliRunner().invoke(app, [kind])
    assert ran.exit_code == 0
    assert ran.stdout == (SCHEMAS / f"{kind}.schema.json").read_text()
    assert json.loads(ran.stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_schema_is_written_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "release.schema.json"
    ran = CliRunner().invoke(app, ["release", "--output", str(path)])
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert path.read_text() == (SCHEMAS / "release.schema.json").read_text()


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["release", "--output", str(tmp_path / "no" / "file")])
    assert isinstance(ran.exception, CaramlError)
    assert ran.exception.where == f"{tmp_path}/no/file"
