"""Names that stacks in production depend on: another URN would be a replacement."""

from syrupy.assertion import SnapshotAssertion

from tests.unit.components.programs import iris, recorded


def test_every_resource_keeps_its_urn_and_every_object_its_name(snapshot: SnapshotAssertion) -> None:
    named = {
        item.urn: "/".join(item.inputs["metadata"].get(key, "") for key in ("namespace", "name")) if item.custom else ""
        for item in recorded(iris).registrations
    }
    assert named == snapshot
