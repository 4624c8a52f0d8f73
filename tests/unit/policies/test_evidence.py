"""The files that rules about changes read."""

import gzip
import json
import os
from pathlib import Path

import pytest

from caraml_pulumi.errors import CaramlError
from policies.evidence import STACK_VARIABLE, STATUS_VARIABLE, NoEvidenceError, stack_before, status_before
from policies.reading import DEPLOYMENT, MODEL_VERSION, SERVICE, DeployedVersion
from tests.unit.policies.models import raw_deployment, state, version, written

RECORDED = sorted((Path(__file__).parents[2] / "conformance" / "recordings").glob("*/*.checkpoint.json"))


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (STACK_VARIABLE, STATUS_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def test_an_export_and_a_checkpoint_are_read_alike(tmp_path: Path) -> None:
    export = state(version(1), *raw_deployment(2))
    checkpoint = {"version": 3, "checkpoint": {"stack": "a", "latest": export["deployment"]}}
    packed = tmp_path / "packed.json.gz"
    packed.write_bytes(gzip.compress(json.dumps(checkpoint).encode()))
    files = [written(tmp_path / "export.json", export), written(tmp_path / "check.json", checkpoint), str(packed)]
    for file in files:
        before = stack_before({"stackBefore": file})
        assert [one.type for one in before.resources] == [MODEL_VERSION, DEPLOYMENT, SERVICE]
        assert [one.version for one in before.versions("caraml.dev/")] == [1, 2]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_the_pulumi_cli_wrote_is_read(path: Path) -> None:
    recorded = json.loads(path.read_text())["checkpoint"]["latest"].get("resources") or []
    expected = [item["urn"] for item in recorded if item["type"] in (DEPLOYMENT, SERVICE)]
    found = stack_before({"stackBefore": str(path)}).resources
    assert [one.urn for one in found if one.type in (DEPLOYMENT, SERVICE)] == expected


def test_objects_are_taken_as_they_were_asked_for_and_components_with_what_they_said(tmp_path: Path) -> None:
    document = state(version(1, stopped=True), *raw_deployment(2))
    component, deployment, _ = document["deployment"]["resources"]
    component["outputs"] = {"status": "terminated"}
    deployment["outputs"] = {"spec": {"replicas": 0}}
    found = stack_before({"stackBefore": written(tmp_path / "a.json", document)}).versions("caraml.dev/")
    assert list(found) == [DeployedVersion("dev", "iris-team", "iris", 2)]


def test_what_was_being_deleted_does_not_count(tmp_path: Path) -> None:
    document = state(version(1))
    document["deployment"]["resources"][0]["delete"] = True
    assert stack_before({"stackBefore": written(tmp_path / "a.json", document)}).resources == []


def test_a_stack_that_was_never_updated_holds_nothing(tmp_path: Path) -> None:
    empty = {"version": 3, "checkpoint": {"stack": "a", "latest": {"manifest": {}}}}
    assert stack_before({"stackBefore": written(tmp_path / "a.json", empty)}).resources == []


def test_the_environment_variable_comes_before_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STACK_VARIABLE, written(tmp_path / "one.json", state(version(1))))
    other = written(tmp_path / "two.json", state(version(1), version(2)))
    assert len(stack_before({"stackBefore": other}).resources) == 1
    monkeypatch.setenv(STACK_VARIABLE, "")
    assert len(stack_before({"stackBefore": other}).resources) == 2


def test_the_state_of_another_stack_is_no_evidence(tmp_path: Path) -> None:
    settings = {"stackBefore": written(tmp_path / "a.json", state(version(1)))}
    assert stack_before(settings, "urn:pulumi:dev::project::t:i:A::a").name == "project/dev"
    with pytest.raises(CaramlError, match='the evidence is of stack "project/dev"') as raised:
        stack_before(settings, "urn:pulumi:prod::project::t:i:A::a")
    assert "caraml stack export --stack prod" in raised.value.fix
    with pytest.raises(CaramlError, match='the evidence is of stack "project/dev"'):
        stack_before(settings, "urn:pulumi:dev::other::t:i:A::a")
    nothing = {"stackBefore": written(tmp_path / "b.json", state())}
    assert stack_before(nothing, "urn:pulumi:prod::project::t:i:A::a").name == ""


def test_the_null_device_is_a_stack_that_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STACK_VARIABLE, os.devnull)
    assert [*stack_before({}, "urn:pulumi:prod::project::t:i:A::a").resources] == []


def test_a_file_of_the_settings_is_read_where_the_stack_held_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STACK_VARIABLE, os.devnull)
    assert len(stack_before({"stackBefore": written(tmp_path / "a.json", state(version(1)))}).resources) == 1


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    settings = {"stackBefore": written(tmp_path / "a.json", state(version(1)))}
    assert len(stack_before(settings).resources) == 1
    written(tmp_path / "a.json", state(version(1), version(2)))
    assert len(stack_before(settings).resources) == 2


def test_without_a_file_a_stack_is_not_known_and_no_status_is_said() -> None:
    with pytest.raises(NoEvidenceError) as raised:
        stack_before({"stackBefore": ""})
    assert STACK_VARIABLE in raised.value.message
    assert status_before({}) is None


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"[]", b'{"version": 3}', b'{"deployment": 1}', b"[" * 100_000, b"\xff"),
        *(b"\x1f\x8b\x00\x00", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00\xff\xff"),
        *(
            b'{"deployment": {"resources": %s}}' % items
            for items in (b'{"a": 1}', b"[null]", b'[{"type": 5, "inputs": [1]}]')
        ),
    ],
)
def test_a_file_that_is_no_state_is_refused_by_its_name(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(data)
    with pytest.raises(CaramlError) as raised:
        stack_before({"stackBefore": str(file)})
    assert raised.value.where == str(file)
