from datetime import UTC, datetime, timedelta

import pytest

from caraml_pulumi.engine.state.times import ago, parse_timestamp, timestamp

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 seconds ago"),
        (1, "1 second ago"),
        (119, "119 seconds ago"),
        (120, "2 minutes ago"),
        (7200, "2 hours ago"),
        (86_400, "24 hours ago"),
        (86_400 * 3, "3 days ago"),
    ],
)
def test_how_long_ago_is_told_in_the_largest_fitting_unit(seconds: int, text: str) -> None:
    assert ago(NOON - timedelta(seconds=seconds), NOON) == text


def test_a_time_is_written_in_utc_and_read_back() -> None:
    assert timestamp(NOON) == "2026-11-22T12:00:00.000000Z"
    assert parse_timestamp(timestamp(NOON)) == NOON


def test_the_nanoseconds_of_pulumi_are_read() -> None:
    moment = parse_timestamp("2026-11-22T04:26:29.577223433Z")
    assert moment == datetime(2026, 11, 22, 4, 26, 29, 577223, UTC)


def test_a_text_that_is_no_time_is_none() -> None:
    assert parse_timestamp("yesterday") is None
