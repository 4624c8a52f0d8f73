from pathlib import Path

import pytest

from caraml_pulumi.cli.changed_file import changed_file
from caraml_pulumi.errors import LOCKED, CaramlError


def fail(path: Path, *, applied: bool, error: BaseException, meanwhile: str | None = None) -> None:
    """Change the file to ``new`` for something that fails."""

    def change() -> None:
        with changed_file(path, "new", lambda: applied):
            assert path.read_text() == "new"
            if meanwhile is not None:
                path.write_text(meanwhile)
            raise error

    with pytest.raises(type(error)):
        change()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "releases" / "iris.yaml"


def test_what_succeeds_leaves_the_change(path: Path) -> None:
    with changed_file(path, "new", lambda: False):
        pass
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [CaramlError("refused"), KeyboardInterrupt()])
def test_what_fails_without_effect_leaves_the_file_as_before(path: Path, error: BaseException) -> None:
    fail(path, applied=False, error=error)
    assert not path.exists()
    path.write_text("old")
    fail(path, applied=False, error=error)
    assert path.read_text() == "old"


def test_what_fails_half_way_leaves_the_change(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("old")
    fail(path, applied=True, error=CaramlError("half-way"))
    assert path.read_text() == "new"


def test_a_lock_of_somebody_else_is_no_effect_of_this(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("old")
    fail(path, applied=True, error=CaramlError("locked", exit_code=LOCKED))
    assert path.read_text() == "old"


def test_what_somebody_else_wrote_meanwhile_stays(path: Path) -> None:
    fail(path, applied=False, error=CaramlError("refused"), meanwhile="theirs")
    assert path.read_text() == "theirs"
