"""Whatever is in a state or a program, it is reviewed: older libraries wrote other inputs, and some are not known."""

from io import StringIO
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rich.console import Console

from caraml_pulumi.engine.values import UNKNOWN_TEXT
from caraml_pulumi.model.prices import Prices
from caraml_pulumi.review.document import Place, Review, schema
from caraml_pulumi.review.markdown import LIMIT, markdown
from caraml_pulumi.review.sarif import sarif
from caraml_pulumi.review.text import text
from tests.unit.engine.display.events import SECRET
from tests.unit.review.builders import a_project, a_version, an_endpoint, endpoint, project, reviewed, version, violated

PRICES = Prices(currency="EUR", cpu_per_hour=0.04, memory_gib_per_hour=0.005)
KNOWN = {**version(), **endpoint((1, 100)), **project(cpu="1"), "transformer": version(), "mirror": {}, "matches": []}
NAMES = sorted({*KNOWN, *version()["resourceRequest"], "cpu", "memory", "weight", "percentage", "headers"})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 500),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["100m", "2Gi", "ghcr.io/a/b:1", UNKNOWN_TEXT, "iris", ""]),
    st.text(max_size=10),
    st.just(SECRET),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
)
INPUTS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5).map(
    lambda given: {**version(), **given}
) | VALUES.map(
    lambda value: {
        "model": "iris",
        "project": "p",
        "version": 1,
        "resourceRequest": value,
        "traffic": value,
        "quota": value,
    }
)
SCHEMA = Draft202012Validator(dict(schema()))


def in_every_form(review: Review) -> str:
    """The review as it is written, all forms of it."""
    SCHEMA.validate(review.document())
    comment = markdown(review)
    assert len(comment) <= LIMIT
    shown = text(review, Console(file=StringIO(), width=100, color_system=None)).plain
    return "\n".join([comment, shown, str(sarif(review, Place(file="a", line=1))), review.model_dump_json()])


@given(old=INPUTS, new=INPUTS, message=st.text(max_size=80))
def test_any_inputs_are_reviewed_in_every_form(old: dict[str, Any], new: dict[str, Any], message: str) -> None:
    parts = (a_version(), an_endpoint(), a_project())
    changes = [part.does("update", old, new) for part in parts]
    assert in_every_form(reviewed(*changes, violated(parts[0], message), prices=PRICES))
    assert in_every_form(reviewed(*(part.does("create", None, new) for part in parts), prices=PRICES))
    assert in_every_form(reviewed(*(part.does("delete", old, None) for part in parts)))


ENV = st.dictionaries(st.from_regex(r"[A-Z]{1,6}", fullmatch=True), st.from_regex(r"value-[a-z]{4}", fullmatch=True))


@given(old=ENV, new=ENV)
def test_no_value_of_env_is_in_any_form(old: dict[str, str], new: dict[str, str]) -> None:
    workload = {"transformer": {**version(), "env": new}}
    changed = a_version().does("update", {**version(), "env": old}, {**version(), **workload, "env": new})
    assert "value-" not in in_every_form(reviewed(changed))
