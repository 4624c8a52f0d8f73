from datetime import UTC, datetime, timedelta

import pytest

from caraml_pulumi.cli.history import app, change_counts
from caraml_pulumi.engine.state.history import history_entry
from tests.unit.cli.stacks import Place


@pytest.fixture
def updated(place: Place) -> Place:
    place.backend.create("shop", "dev")
    now = datetime.now(UTC)
    for minutes, result in ((180, "failed"), (5, "succeeded")):
        end = now - timedelta(minutes=minutes)
        entry = history_entry(
            "update",
            end - timedelta(seconds=7),
            end,
            "Deploy iris",
            "failed" if result == "failed" else "succeeded",
            {"shop:token": {"secure": "v1:x:y"}, "shop:data": {"pw": {"secure": "v1:x:y"}}, "shop:a": "1"},
            {"create": 2, "update": 1, "same": 4},
            {"git.author": "Ana"},
        )
        place.backend.add_history("shop", "dev", entry, {})
    return place


def test_updates_are_listed_the_newest_first(updated: Place) -> None:
    header, newest, oldest = updated.run(app).stdout.splitlines()
    assert header.split() == ["VERSION", "KIND", "RESULT", "WHEN", "TOOK", "CHANGES", "MESSAGE", "AUTHOR"]
    for part in ("2 ", "update", "succeeded", "5 minutes ago (", "7 s", "+2 ~1", "Deploy iris", "Ana"):
        assert part in newest
    assert oldest.split()[:3] == ["1", "update", "failed"]
    assert "3 hours ago" in oldest


def test_the_list_can_be_limited(updated: Place) -> None:
    assert [entry["version"] for entry in updated.run(app, "--json", "--limit", "1").json] == [2]
    assert updated.run(app, "--limit", "0").exit_code == 2


def test_json_leaves_ciphertexts_out(updated: Place) -> None:
    ran = updated.run(app, "--json")
    assert "v1:x:y" not in ran.stdout
    assert ran.json[0]["config"] == {
        "shop:token": {"secret": True},
        "shop:data": {"secret": True},
        "shop:a": {"value": "1", "secret": False},
    }


def test_a_stack_without_updates_says_so_and_prints_no_table(place: Place) -> None:
    place.backend.create("shop", "dev")
    ran = place.run(app)
    assert (ran.stdout, ran.exit_code) == ("", 0)
    assert "no updates yet" in ran.stderr


def test_a_stack_that_is_not_there_is_refused(updated: Place) -> None:
    ran = updated.run(app, "--stack", "prod")
    assert ran.error
    assert ran.error.allowed == "dev"


def test_an_entry_with_missing_parts_is_listed_all_the_same(updated: Place) -> None:
    updated.backend.add_history("shop", "dev", {"kind": "import"}, {})
    assert updated.run(app).stdout.splitlines()[1].split() == ["3", "import", "none"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"create": 2, "update": 1, "delete": 0}, "+2 ~1"),
        ({"replace": 1, "delete": 3}, "±1 -3"),
        ({"same": 5}, "none"),
        ({}, "none"),
    ],
)
def test_changes_are_counted_by_sign(changes: dict[str, int], text: str) -> None:
    assert change_counts(changes) == text
