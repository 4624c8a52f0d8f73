import pytest

from caraml_pulumi.engine.goal import duration_seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("1h2m3.5s", 3723.5), ("500ms", 0.5), ("5m0s", 300), ("2us", 2e-6)]
)
def test_durations_are_those_of_go(text: str, seconds: float) -> None:
    assert duration_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "5 s", "5m3", "-5s", "1d"])
def test_a_malformed_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration_seconds(text)
