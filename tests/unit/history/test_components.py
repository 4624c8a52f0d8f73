import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.history.components import TYPES, components, components_of
from tests.unit.history.records import RELEASE, VERSION, checkpoint, component, release, text, urn, version

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from([VERSION, '"type":"caraml:index:']),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["urn", "type", "resources", "pending_operations", "é", '"']) | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
TYPES_AND_OTHERS = st.sampled_from([*sorted(TYPES), "caraml:index:ModelProject", "kubernetes:apps/v1:Deployment"])


@st.composite
def resources(draw: st.DrawFn) -> list[dict[str, Any]]:
    types = draw(st.lists(TYPES_AND_OTHERS, max_size=6))
    inputs = st.dictionaries(st.sampled_from(["project", "model", "urn", "type", "a"]), VALUES, max_size=3)
    found = [component(type_, f"n{index}", draw(inputs)) for index, type_ in enumerate(types)]
    return [
        {**one, "delete": True} if draw(st.booleans()) and index % 3 == 0 else one for index, one in enumerate(found)
    ]


@given(resources(), resources())
def test_a_scan_finds_what_a_parse_of_the_whole_document_finds(
    there: list[dict[str, Any]], pending: list[dict[str, Any]]
) -> None:
    operations = [{"resource": one, "type": "creating"} for one in pending]
    document = checkpoint(there, pending_operations=operations)
    assert components(text(document)) == components_of(document)
    assert components(json.dumps(document, indent=1).encode()) == components_of(document)


def test_components_are_known_by_type_and_name_whatever_the_stack_is_called() -> None:
    old, new = (checkpoint([version(1, stack=stack)]) for stack in ("dev", "renamed"))
    assert components(text(old)).keys() == components(text(new)).keys() == {f"{VERSION}::iris-team-iris-1"}


def test_what_is_only_planned_or_to_be_deleted_is_no_part_of_the_state() -> None:
    replaced = {**version(1), "delete": True}
    document = checkpoint([replaced], pending_operations=[{"resource": version(2), "type": "creating"}])
    assert components(text(document)) == {}


def test_a_resource_that_holds_another_ones_text_is_read_whole() -> None:
    inner = [{"urn": "urn:pulumi:a", "type": VERSION}, {"urn": "urn:pulumi:b", "type": VERSION}]
    document = checkpoint([release({1: "a"}, {1: 100}, more=inner)])
    [found] = components(text(document)).values()
    assert found["inputs"]["more"] == inner
    assert found["urn"] == urn(RELEASE, "iris-team-iris")


def test_the_deployment_that_an_export_writes_is_read_as_well() -> None:
    exported = {"version": 3, "deployment": checkpoint([version(1)])["checkpoint"]["latest"]}
    assert len(components(text(exported))) == 1


def test_a_document_of_another_version_is_refused() -> None:
    with pytest.raises(CaramlError, match="format version 5"):
        components(json.dumps({**checkpoint([version(1)]), "version": 5}, indent=1).encode())
