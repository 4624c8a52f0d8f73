"""Properties as rules read them are those that the SDK would read."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from pulumi import StringAsset
from pulumi_policy.deserialize import deserialize_properties
from pulumi_policy.proxy import UnknownValueError, unknown_checking_proxy

from caraml_pulumi.engine import wire
from caraml_pulumi.engine.values import UNKNOWN, Properties, Secret
from policies.view import Fields

LEAVES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text() | st.just(UNKNOWN)
VALUES = st.recursive(
    LEAVES | st.text().map(Secret),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.dictionaries(st.text(), inner).map(Secret),
    max_leaves=12,
)


def sent(properties: Properties) -> Any:
    return wire.encode(properties, secrets=True, unknowns=True)


def seen(properties: Any) -> Any:
    """What a rule sees that looks at everything; an unknown by the message of its error."""
    if isinstance(properties, Mapping):
        return {key: read(properties, key) for key in properties}
    if isinstance(properties, Sequence) and not isinstance(properties, str):
        return [read(properties, index) for index in range(len(properties))]
    return properties


def read(properties: Any, key: Any) -> Any:
    try:
        return seen(properties[key])
    except UnknownValueError as error:
        return error.message


@given(properties=st.dictionaries(st.text(), VALUES))
def test_a_rule_sees_what_the_sdk_would_show_it(properties: Properties) -> None:
    struct = sent(properties)
    assert seen(Fields(struct)) == seen(unknown_checking_proxy(deserialize_properties(MessageToDict(struct))))


def test_an_unknown_is_raised_with_its_path_when_it_is_read_and_not_before() -> None:
    fields = Fields(sent({"spec": {"images": ["a", UNKNOWN]}}))
    assert fields["spec"]["images"][0] == "a"
    with pytest.raises(UnknownValueError) as raised:
        fields["spec"]["images"][1]
    assert raised.value.message == "string value at .spec.images.1 can't be known during preview"


def test_a_message_shows_nothing_of_what_is_in_an_object_or_a_list() -> None:
    fields = Fields(sent({"image": {"password": "hunter2"}, "args": ["hunter2"]}))
    assert f"{fields['image']} {fields['args']}" == "{...} [...]"


def test_what_is_not_there_is_not_added_by_looking_for_it() -> None:
    fields = Fields(sent({"a": 1}))
    assert fields.get("b") is None
    assert "b" not in fields
    with pytest.raises(KeyError):
        fields["b"]
    assert dict(fields) == {"a": 1.0}


def test_lists_have_slices_lengths_and_items_from_the_end() -> None:
    items = Fields(sent({"list": [1, 2, 3]}))["list"]
    assert (len(items), items[-1], items[:2], [*items]) == (3, 3.0, [1.0, 2.0], [1.0, 2.0, 3.0])


def test_an_asset_is_an_asset() -> None:
    asset = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "text": "hello"}
    found = Fields(sent({"source": asset}))["source"]
    assert isinstance(found, StringAsset)
    assert found.text == "hello"
