from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.engine import wire
from caraml_pulumi.engine.values import (
    OUTPUT_SIGNATURE,
    RESOURCE_REFERENCE_SIGNATURE,
    SECRET_SIGNATURE,
    SIGNATURE_KEY,
    UNKNOWN,
    UNKNOWN_TEXT,
    Secret,
    plain,
)

TEXT = st.text(max_size=8).filter(lambda text: text not in (UNKNOWN_TEXT, SIGNATURE_KEY))
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)


def containers(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(items, max_size=4) | st.dictionaries(TEXT, items, max_size=4)


JSON_VALUES = st.recursive(st.none() | st.booleans() | NUMBERS | TEXT, containers, max_leaves=12)
VALUES = st.recursive(
    JSON_VALUES | st.just(UNKNOWN) | st.builds(Secret, JSON_VALUES | st.just(UNKNOWN)), containers, max_leaves=12
)


def struct(**fields: Any) -> Struct:
    result = Struct()
    result.update(fields)
    return result


def special(signature: str, **fields: Any) -> dict[str, Any]:
    return {SIGNATURE_KEY: signature, **fields}


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_properties_survive_the_wire_unchanged(properties: dict[str, Any]) -> None:
    assert wire.decode(wire.encode(properties, secrets=True, unknowns=True)) == properties


@given(st.dictionaries(TEXT, JSON_VALUES, max_size=5))
def test_plain_properties_are_what_protobuf_itself_writes(properties: dict[str, Any]) -> None:
    assert wire.encode(properties, secrets=True, unknowns=True) == struct(**properties)


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_a_receiver_that_knows_no_secrets_gets_their_values(properties: dict[str, Any]) -> None:
    assert wire.decode(wire.encode(properties, secrets=False, unknowns=True)) == plain(properties)


def test_a_whole_number_becomes_an_int_so_that_state_holds_3_and_not_3_0() -> None:
    decoded = wire.decode(struct(whole=3.0, half=2.5, big=1e30))
    assert decoded == {"whole": 3, "half": 2.5, "big": 1e30}
    assert [type(value) for value in decoded.values()] == [int, float, float]


def test_true_and_one_stay_apart() -> None:
    decoded = wire.decode(wire.encode({"flag": True, "count": 1}, secrets=True, unknowns=True))
    assert (decoded["flag"] is True, type(decoded["count"])) == (True, int)


def test_empty_containers_and_null_stay_what_they_are() -> None:
    properties: dict[str, Any] = {"object": {}, "list": [], "null": None}
    assert wire.decode(wire.encode(properties, secrets=True, unknowns=True)) == properties


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (special(OUTPUT_SIGNATURE), UNKNOWN),
        (special(OUTPUT_SIGNATURE, value=UNKNOWN_TEXT), UNKNOWN),
        (special(OUTPUT_SIGNATURE, value="a", dependencies=["urn:pulumi:dev::p::t::n"]), "a"),
        (special(OUTPUT_SIGNATURE, value="a", secret=False), "a"),
        (special(OUTPUT_SIGNATURE, value="a", secret=True), Secret("a")),
        (special(OUTPUT_SIGNATURE, secret=True), Secret(UNKNOWN)),
        (special(OUTPUT_SIGNATURE, value={"k": [special(OUTPUT_SIGNATURE)]}), {"k": [UNKNOWN]}),
        (special(OUTPUT_SIGNATURE, secret=True, value=special(SECRET_SIGNATURE, value="a")), Secret("a")),
        (special(SECRET_SIGNATURE, value={"k": special(SECRET_SIGNATURE, value=1)}), Secret({"k": Secret(1)})),
        (special(SECRET_SIGNATURE, value=special(SECRET_SIGNATURE, value=1)), Secret(1)),
    ],
)
def test_an_output_value_or_secret_is_decoded(sent: dict[str, Any], received: Any) -> None:
    assert wire.decode(struct(property=sent)) == {"property": received}


def test_assets_stay_dicts_with_their_signature() -> None:
    asset = special("c44067f5952c0a294b673a41bacd8c17", text="hello")
    assert wire.decode(struct(asset=asset)) == {"asset": asset}


def test_unknowns_are_left_out_of_objects_and_null_in_lists_for_a_receiver_that_knows_none() -> None:
    properties = {"gone": UNKNOWN, "hidden": Secret(UNKNOWN), "list": ["a", UNKNOWN], "kept": {"gone": UNKNOWN, "b": 1}}
    assert wire.decode(wire.encode(properties, secrets=False, unknowns=False)) == {
        "list": ["a", None],
        "kept": {"b": 1},
    }


@pytest.mark.parametrize(
    ("reference", "received"),
    [
        ({"urn": "urn:pulumi:dev::p::t::n", "id": "ns/a"}, "ns/a"),
        ({"urn": "urn:pulumi:dev::p::t::n", "id": ""}, UNKNOWN),
        ({"urn": "urn:pulumi:dev::p::t::n"}, "urn:pulumi:dev::p::t::n"),
    ],
)
def test_a_resource_reference_is_an_id_or_urn_for_a_receiver_that_knows_none(
    reference: dict[str, Any], received: Any
) -> None:
    properties = {"other": special(RESOURCE_REFERENCE_SIGNATURE, **reference)}
    assert wire.decode(wire.encode(properties, secrets=True, unknowns=True)) == properties
    without = wire.encode(properties, secrets=True, unknowns=True, references=False)
    assert wire.decode(without) == {"other": received}


def test_one_value_travels_alone() -> None:
    value = Secret(["a", UNKNOWN])
    assert wire.decode_value(wire.encode_value(value, secrets=True, unknowns=True)) == value
