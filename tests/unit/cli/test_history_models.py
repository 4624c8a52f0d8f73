from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caraml_pulumi.cli.history import app
from caraml_pulumi.engine.state.history import Result, UpdateKind, history_entry
from caraml_pulumi.history.models import ModelName
from tests.unit.cli.stacks import Place
from tests.unit.history.records import checkpoint, deployed, endpoint, release, version

ROSE = ModelName("other", "rose")
GIT = {"git.author": "Ana", "git.head": "1f2e3d4c", "git.headName": "refs/heads/main", "git.headTitle": "New image"}


def record(
    place: Place,
    resources: Sequence[Mapping[str, Any]],
    message: str = "",
    result: Result = "succeeded",
    kind: UpdateKind = "update",
) -> None:
    end = datetime.now(UTC) - timedelta(minutes=5)
    entry = history_entry(kind, end - timedelta(seconds=7), end, message, result, {}, {"update": 1}, GIT)
    place.backend.add_history("shop", "dev", entry, checkpoint(resources))


@pytest.fixture
def told(place: Place) -> Place:
    """Four updates: iris comes, rose comes, iris gets another image and fails, rose goes."""
    place.backend.create("shop", "dev")
    iris = deployed({1: "reg.io/iris:1.0"}, {1: 100})
    rose = [
        release({1: "reg.io/rose:1"}, {1: 100}, ROSE),
        version(1, ROSE, image="reg.io/rose:1"),
        endpoint({1: 100}, ROSE),
    ]
    new = deployed({1: "reg.io/iris:1.1"}, {1: 100}, promotedFrom={"environment": "test", "update": 7})
    record(place, iris, "Begin")
    record(place, [*iris, *rose])
    record(place, [*new, *rose], "A new image\nafter review", "failed")
    record(place, new, kind="destroy")
    return place


def test_the_updates_of_a_model_are_told_in_its_own_terms(told: Place) -> None:
    lines = told.run(app, "iris").stdout.splitlines()
    head, *rest = lines[:5]
    assert head.startswith("update 3  update failed  5 minutes ago (")
    assert head.endswith("), 7 s, Ana")
    assert rest == [
        "  A new image",
        "  after review",
        "    version 1: image reg.io/iris:1.0 → …:1.1",
        "    promoted from test (update 7)",
    ]
    assert lines[5].startswith("update 1  update succeeded")
    assert len(lines) == 10


def test_the_list_of_a_model_can_be_limited_and_printed_as_json(told: Place) -> None:
    [entry] = told.run(app, "other/rose", "--json", "--limit", "1").json
    assert (entry["version"], entry["kind"], entry["author"], entry["commit"]) == (4, "destroy", "Ana", "1f2e3d4c")
    assert (entry["model"]["change"], entry["model"]["summary"]) == (
        "removed",
        ["version 1 removed", "endpoint removed"],
    )


def test_an_update_is_shown_with_who_why_and_what(told: Place) -> None:
    shown = told.run(app, "show", "3").stdout
    for part in (
        "  message    A new image\n             after review",
        "  commit     1f2e3d4c New image, main",
        "  resources  ~1",
        "reg.io/iris:1.0 → …:1.1",
        "promoted from test (update 7)",
        "# iris-team/iris as update 3 left it\nmodel: iris\nproject: iris-team\n",
        "promotedFrom:\n  environment: test\n",
    ):
        assert part in shown
    assert "rose" not in shown


def test_an_update_is_shown_for_one_model_also_if_it_did_nothing_to_it(told: Place) -> None:
    shown = told.run(app, "show", "-1", "rose").stdout
    assert "It changed nothing of other/rose." in shown
    assert "image: reg.io/rose:1" in shown
    document = told.run(app, "show", "latest", "rose", "--json").json
    assert ([one["model"] for one in document["models"]], document["releases"]) == (["rose"], [])


def test_two_updates_are_compared(told: Place) -> None:
    lines = told.run(app, "diff", "1", "-1").stdout.splitlines()
    assert [line for line in lines if line.startswith(("---", "+++"))] == [
        "--- iris-team/iris (update 1)",
        "+++ iris-team/iris (update 3)",
        "--- other/rose (update 1: not there)",
        "+++ other/rose (update 3)",
    ]
    document = told.run(app, "diff", "1", "latest", "iris", "--json").json
    assert (document["from"], document["to"], [one["model"] for one in document["models"]]) == (1, 4, ["iris"])
    assert "+  image: reg.io/iris:1.1" in document["models"][0]["diff"]


def test_the_difference_of_an_update_and_itself_is_nothing(told: Place) -> None:
    for number in ("1", "2", "3", "latest"):
        ran = told.run(app, "diff", number, number)
        assert (ran.stdout, ran.exit_code) == ("", 0)
        assert "is the same in update" in ran.stderr
        assert told.run(app, "diff", number, number, "--json").json["models"] == []


@pytest.mark.parametrize(
    ("arguments", "what", "allowed"),
    [
        (["tulip"], 'knows a model "tulip"', "iris-team/iris, other/rose"),
        (["show", "5"], 'has no update "5"', "1-4, latest, or -1 for the one before it"),
        (["show", "1", "rose"], 'there is no model "rose" in update 1', "iris-team/iris"),
        (["diff", "1", "-4"], 'has no update "-4"', "1-4, latest, or -1 for the one before it"),
        (["diff", "1", "2", "tulip"], 'there is no model "tulip" in update 1 or 2', "iris-team/iris, other/rose"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(told: Place, arguments: list[str], what: str, allowed: str) -> None:
    error = told.run(app, *arguments).error
    assert error
    assert what in error.what
    assert error.allowed == allowed


def test_a_model_that_is_named_like_a_subcommand_is_named_with_its_project(told: Place) -> None:
    record(told, [version(1, ModelName("other", "diff"))])
    assert "version 1 added" in told.run(app, "other/diff").stdout
    assert told.run(app, "diff").exit_code == 2


def test_a_model_of_several_projects_is_named_with_its_project(told: Place) -> None:
    record(told, [version(1, ROSE), version(1, ModelName("third", "rose"))])
    error = told.run(app, "show", "latest", "rose").error
    assert error
    assert (error.what, error.allowed) == ('the model "rose" is of several projects', "other/rose, third/rose")


def test_a_message_does_not_command_the_terminal(told: Place) -> None:
    record(told, [], "\x1b[2Jgone")
    for arguments in ((), ("iris",), ("show", "latest")):
        shown = told.run(app, *arguments).stdout
        assert "\\x1b[2Jgone" in shown
        assert "\x1b" not in shown
