"""The options of `caraml promote`, before anything is looked at."""

import pytest

from caraml_pulumi.cli.promote import app
from caraml_pulumi.engine.state.snapshot import Snapshot
from caraml_pulumi.errors import FAILED, USAGE
from tests.unit.cli.stacks import Place
from tests.unit.engine.state.builders import stack


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--to", "staging", "--weight", "10", "--yes"], "--weight is for one version"),
        (["--to", "staging", "--no-apply", "--plan-only"], "--no-apply writes the file, and --plan-only does not"),
        (["--to", "dev", "--yes"], "both --from and --to are dev"),
        (["--to", "staging"], "nobody can answer here"),
    ],
)
def test_what_contradicts_itself_is_a_wrong_command_line(place: Place, options: list[str], said: str) -> None:
    ran = place.run(app, "iris", "--from", "dev", *options)
    assert ran.error is not None
    assert said in str(ran.error)
    assert ran.error.exit_code == USAGE


@pytest.mark.parametrize("weight", ["101", "-1", "x"])
def test_a_weight_is_a_percentage(place: Place, weight: str) -> None:
    assert place.run(app, "iris", "--from", "a", "--to", "b", "--version", "1", "--weight", weight).exit_code == USAGE


def test_a_source_that_is_not_there_or_has_no_such_release_is_refused_with_what_there_is(place: Place) -> None:
    arguments = ("--to", "staging", "--plan-only")
    ran = place.run(app, "iris", "--from", "dev", *arguments)
    assert ran.error is not None
    assert (ran.error.what, ran.error.exit_code) == ("there is no stack 'dev' of the project 'shop'", FAILED)
    place.deploy(Snapshot(resources=[stack()]))
    for name, fix in (("iris", "deploy it there first"), ("iris/2", "name the version with --version")):
        ran = place.run(app, name, "--from", "dev", *arguments)
        assert ran.error is not None
        assert ran.error.what == f'the stack dev has deployed no release of a model "{name}"'
        assert fix in ran.error.fix
