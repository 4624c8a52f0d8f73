import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.state.names import StackName
from caraml_pulumi.engine.state.properties import compact_json
from caraml_pulumi.engine.state.resources import resource_from_json, resource_to_json
from caraml_pulumi.engine.state.secrets import PassphraseCrypter
from caraml_pulumi.engine.state.snapshot import (
    PendingOperation,
    Snapshot,
    magic,
    snapshot_from_json,
    snapshot_to_json,
)
from caraml_pulumi.engine.values import SECRET_SIGNATURE, SIGNATURE_KEY, UNKNOWN, UNKNOWN_TEXT, Secret
from caraml_pulumi.errors import CaramlError
from tests.unit.engine.state.builders import CRYPTER, STACK, config_map, provider, stack

NAME = StackName("shop", "dev")

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text().filter(lambda text: text != UNKNOWN_TEXT)
    | st.just(UNKNOWN)
)
_keys = st.text(max_size=8).filter(lambda key: key != SIGNATURE_KEY)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=8,
)
_secrets = st.builds(Secret, _values)
_properties = st.dictionaries(_keys, _values | _secrets | st.lists(_secrets, max_size=2), max_size=4)


@st.composite
def _snapshots(draw: st.DrawFn) -> Snapshot:
    default = provider()
    resources: list[ResourceState] = [stack(outputs=draw(_properties)), default]
    for index in range(draw(st.integers(0, 4))):
        earlier = st.lists(st.sampled_from([item.urn for item in resources]), max_size=2, unique=True)
        resources.append(
            config_map(
                f"map-{index}",
                inputs=draw(_properties),
                outputs=draw(_properties),
                provider=f"{default.urn}::{default.id}",
                dependencies=draw(earlier),
                property_dependencies=draw(st.dictionaries(_keys, earlier, max_size=2)),
                additional_secret_outputs=draw(st.lists(_keys, max_size=2)),
                init_errors=draw(st.lists(st.text(), max_size=2)),
                custom_timeouts=draw(st.dictionaries(st.sampled_from(["create", "delete"]), st.integers(1, 900))),
                protect=draw(st.booleans()),
                external=draw(st.booleans()),
                retain_on_delete=draw(st.booleans()),
                pending_replacement=draw(st.booleans()),
                created=draw(st.sampled_from(["", "2026-11-22T04:26:24.874075029Z"])),
                extra=draw(st.sampled_from([{}, {"sourcePosition": "project:///__main__.py#7"}, {"aliases": ["a"]}])),
            )
        )
    pending = (
        [PendingOperation("creating", config_map("late", inputs=draw(_properties)))] if draw(st.booleans()) else []
    )
    return Snapshot(resources, pending, secrets_provider=CRYPTER.provider)


@settings(deadline=None, max_examples=50)
@given(_snapshots(), st.sampled_from([None, NAME]))
def test_any_snapshot_is_read_as_it_was_written(snapshot: Snapshot, name: StackName | None) -> None:
    document = json.loads(compact_json(snapshot_to_json(snapshot, CRYPTER, name)))
    again = snapshot_from_json(document, CRYPTER)
    assert again == snapshot
    assert snapshot_to_json(again, CRYPTER, name) == document


@settings(deadline=None, max_examples=50)
@given(_snapshots())
def test_any_snapshot_survives_an_export_in_the_clear(snapshot: Snapshot) -> None:
    document = json.loads(compact_json(snapshot_to_json(snapshot, CRYPTER, show_secrets=True)))
    assert snapshot_from_json(document, CRYPTER) == snapshot


@settings(deadline=None, max_examples=50)
@given(st.text("abcdefgh", min_size=6, max_size=40))
def test_a_secret_is_never_in_a_written_document(text: str) -> None:
    snapshot = Snapshot([stack(outputs={"a": Secret({"deep": [text]}), "b": [{"c": Secret(text)}]})])
    assert text not in compact_json(snapshot_to_json(snapshot, CRYPTER, NAME))


def test_a_manifest_that_names_no_release_has_no_checksum() -> None:
    manifest = {"time": "0001-01-01T00:00:00Z", "magic": "", "version": ""}
    assert snapshot_from_json({"version": 3, "deployment": {"manifest": manifest}}, CRYPTER).manifest == manifest


def test_an_unchanged_secret_keeps_its_ciphertext() -> None:
    snapshot = Snapshot([stack(outputs={"token": Secret("x")})])
    first = snapshot_to_json(snapshot, CRYPTER, NAME)
    assert snapshot_to_json(snapshot, CRYPTER, NAME) == first
    assert snapshot_to_json(snapshot_from_json(first, CRYPTER), CRYPTER, NAME) == first


def test_state_of_another_salt_is_encrypted_anew_and_says_so() -> None:
    other = PassphraseCrypter.new("a passphrase")
    document = snapshot_to_json(Snapshot([stack(outputs={"token": Secret("x")})]), other, NAME)
    snapshot = snapshot_from_json(document, CRYPTER)
    assert snapshot.outputs == {"token": Secret("x")}
    written = snapshot_to_json(snapshot, CRYPTER, NAME)
    assert written["checkpoint"]["latest"]["secrets_providers"] == CRYPTER.provider
    assert snapshot_from_json(written, CRYPTER).outputs == {"token": Secret("x")}


def test_a_stack_without_secrets_is_written_without_a_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)
    document = snapshot_to_json(Snapshot([stack(outputs={"url": "x"})]), PassphraseCrypter(), NAME)
    assert "secrets_providers" not in document["checkpoint"]["latest"]
    assert snapshot_from_json(document, PassphraseCrypter()).outputs == {"url": "x"}


def test_a_secret_within_a_secret_is_one_secret() -> None:
    document = resource_to_json(stack(outputs={"a": Secret({"b": Secret(1)})}), CRYPTER)
    assert resource_from_json(document, CRYPTER).outputs == {"a": Secret({"b": 1})}


def test_whole_numbers_are_written_without_a_fraction() -> None:
    written = resource_to_json(stack(outputs={"a": 3.0, "b": [2.5, True, 1e300]}), CRYPTER)["outputs"]
    assert compact_json(written) == '{"a":3,"b":[2.5,true,1e+300]}'


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_cannot_say_is_refused(value: float) -> None:
    with pytest.raises(CaramlError, match="cannot hold"):
        resource_to_json(stack(outputs={"a": value}), CRYPTER)


def test_empty_keys_are_left_out_but_custom_never_is() -> None:
    assert resource_to_json(stack(), CRYPTER) == {"urn": STACK, "custom": False, "type": "pulumi:pulumi:Stack"}


def test_a_stack_that_was_never_updated_is_empty() -> None:
    document = {"version": 3, "checkpoint": {"stack": str(NAME), "latest": None}}
    assert snapshot_from_json(document, CRYPTER).resources == []


def _deployment(**changes: Any) -> dict[str, Any]:
    document = snapshot_to_json(Snapshot([stack(), config_map("a")]), CRYPTER)
    document["deployment"] |= changes
    return document


def _with_resource(**changes: Any) -> dict[str, Any]:
    document = _deployment()
    document["deployment"]["resources"][1] |= changes
    return document


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "not the state of a stack"),
        ({"version": 3, "checkpoint": "x"}, "not the state of a stack"),
        ({"version": 2, "deployment": {}}, "format version 2"),
        ({"version": 5, "deployment": {}}, "format version 5"),
        ({"version": 4, "features": ["hooks", "views"], "deployment": {}}, "uses views of Pulumi"),
        ({"version": 3, "deployment": []}, "list as its deployment"),
        (_deployment(resources={}), "bad 'resources'"),
        (_deployment(resources=["x"]), "bad 'resources'"),
        (_deployment(pending_operations=[{"type": "dancing", "resource": {}}]), "'dancing'"),
        (_deployment(manifest={"version": "3.0.0", "magic": magic("3.0.1")}), "does not match its checksum"),
        (_deployment(manifest="x"), "does not match its checksum"),
        (_with_resource(urn="x"), "the URN 'x'"),
        (_with_resource(inputs=[]), "list as 'inputs'"),
        (_with_resource(protect="yes"), "str as 'protect'"),
        (_with_resource(dependencies=[1]), "bad 'dependencies'"),
        (_with_resource(propertyDependencies={"a": "x"}), "bad 'propertyDependencies.a'"),
        (_with_resource(type=None), "no 'type'"),
        (_with_resource(inputs={"a": {SIGNATURE_KEY: SECRET_SIGNATURE}}), "secret without a value"),
        (_with_resource(inputs={"a": {SIGNATURE_KEY: SECRET_SIGNATURE, "plaintext": "{"}}), "not JSON once decrypted"),
        (_with_resource(inputs={"a": {SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": "x"}}), "cannot be decrypted"),
    ],
)
def test_damaged_state_is_refused_with_the_reason(document: dict[str, Any], message: str) -> None:
    with pytest.raises(CaramlError, match=message):
        snapshot_from_json(document, CRYPTER)


def test_a_secret_that_cannot_be_decrypted_is_named_by_its_resource() -> None:
    document = _with_resource(inputs={"a": {SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": "x"}})
    with pytest.raises(CaramlError) as caught:
        snapshot_from_json(document, CRYPTER)
    assert caught.value.where == config_map("a").urn


@pytest.mark.parametrize(
    ("uses", "features"),
    [
        ({"resource_hooks": {"BeforeCreate": ["note"]}}, ["hooks"]),
        ({"replace_with": [stack().urn]}, ["replaceWith"]),
        ({"taint": True}, ["taint"]),
        ({}, None),
    ],
)
def test_state_that_uses_a_feature_names_it_so_that_older_releases_refuse_it(
    uses: dict[str, Any], features: list[str] | None
) -> None:
    snapshot = Snapshot(resources=[stack(), provider(), config_map("a", **uses)])
    document = snapshot_to_json(snapshot, CRYPTER, NAME)
    assert (document["version"], document.get("features")) == (4 if features else 3, features)
    assert snapshot_from_json(document, CRYPTER).resources == snapshot.resources
