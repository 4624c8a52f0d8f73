"""The parts of large files."""

from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.artifacts.parts import LARGE, part_size

FIVE_TIB = 5 << 40
"""The largest object of S3."""


@given(st.integers(min_value=1, max_value=FIVE_TIB))
def test_every_file_that_s3_takes_has_at_most_ten_thousand_parts_of_a_size_that_it_takes(size: int) -> None:
    part = part_size(size)
    assert -(-size // part) <= 10_000
    assert LARGE <= part <= 5 << 30


def test_parts_are_no_larger_than_need_be() -> None:
    assert part_size(LARGE * 10_000) == LARGE
    assert part_size(LARGE * 10_000 + 1) == LARGE + (1 << 20)
