from pathlib import Path
from typing import Any

import pytest

from caraml_pulumi.engine.policies.config import Rule, Setting, read_config, reconcile
from caraml_pulumi.errors import CaramlError

REPLICAS = Rule("replicas", "resource", "mandatory", {"ceiling": {"type": "integer", "default": 3, "minimum": 1}})
REGIONS = Rule(
    "regions",
    "stack",
    "advisory",
    {"names": {"type": "array", "items": {"type": "string", "enum": ["eu", "us"]}}, "strict": {"type": "boolean"}},
    required=["names"],
)


def given(tmp_path: Path, text: str) -> dict[str, Setting]:
    file = tmp_path / "settings.json"
    file.write_text(text)
    return read_config(file)


def test_a_level_may_be_given_alone_or_with_properties(tmp_path: Path) -> None:
    assert given(tmp_path, '{"a": "mandatory", "b": {"enforcementLevel": "disabled", "x": 1}, "c": {"x": 2}}') == {
        "a": Setting("mandatory"),
        "b": Setting("disabled", {"x": 1}),
        "c": Setting(None, {"x": 2}),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{\n  'a': 1}", "not valid JSON"),
        (" \n", "it is empty\n.*\n  fix: *write {}"),
        ("\ufeff{}", "a byte order mark\n.*\n  fix: *save it as UTF-8 without one"),
        ('{"a": "advisory", // why\n"b": "advisory"}', "it has a comment"),
        ('# why\n{"a": "advisory"}', "it has a comment"),
        ('{"a": "advisory",}', "a comma behind the last item"),
        ('{"a": {"x": [1, ]}}', "a comma behind the last item"),
        ('{"a": "mandatory", "a": "disabled"}', 'has "a" twice in an object'),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": null}', "null is not an enforcement level"),
        ('{"a": {"enforcementLevel": null}}', "null is not an enforcement level"),
        ('{"a": {"enforcementLevel": []}}', r"\[\] is not an enforcement level"),
        ("[]", "must be an object"),
        ('{"a": "fatal"}', '"fatal" is not an enforcement level'),
        ('{"a": 3}', "3 is not an enforcement level"),
        ('{"all": {"enforcementLevel": "advisory", "x": 1}}', "'all' sets enforcement levels only, not x"),
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CaramlError, match=message):
        given(tmp_path, text)


def test_a_json_error_is_located_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(CaramlError) as caught:
        given(tmp_path, "{\n  'a': 1}")
    assert caught.value.where == f"{tmp_path}/settings.json:2"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaramlError, match="cannot be read: No such file") as caught:
        read_config(tmp_path / "none.json")
    assert caught.value.where.endswith("none.json")


def test_defaults_fill_what_nobody_sets() -> None:
    assert reconcile([REPLICAS], {}, {}, "file") == {"replicas": Setting("mandatory", {"ceiling": 3})}


@pytest.mark.parametrize(
    ("initial", "file", "level"),
    [
        ({}, {}, "mandatory"),
        ({"all": Setting("advisory")}, {}, "advisory"),
        ({"all": Setting("advisory"), "replicas": Setting("disabled")}, {}, "disabled"),
        ({"replicas": Setting("disabled")}, {"all": Setting("remediate")}, "remediate"),
        ({}, {"all": Setting("disabled"), "replicas": Setting("advisory")}, "advisory"),
        ({}, {"all": Setting("disabled"), "replicas": Setting(None, {"ceiling": 4})}, "disabled"),
    ],
)
def test_the_nearer_level_wins(initial: dict[str, Setting], file: dict[str, Setting], level: str) -> None:
    assert reconcile([REPLICAS], initial, file, "file")["replicas"].level == level


def test_properties_are_merged_over_the_packs_own() -> None:
    rule = Rule("r", "resource", "advisory", {"a": {"default": 1}, "b": {"default": 1}, "c": {"default": 1}})
    settings = reconcile([rule], {"r": Setting(None, {"b": 2, "c": 2})}, {"r": Setting(None, {"c": 3})}, "file")
    assert settings["r"].properties == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize(
    ("properties", "message", "allowed"),
    [
        ({}, "policy 'regions' needs the property 'names'", ""),
        ({"names": "eu"}, '"eu" is not allowed', "array"),
        (
            {"names": ["eu", "mars"]},
            '"mars" is not allowed\n  where:   settings.json: regions.names[1]',
            'one of ["eu", "us"]',
        ),
        ({"names": [], "strict": 1}, "1 is not allowed", "boolean"),
        ({"names": [], "stricter": True}, "policy 'regions' has no property 'stricter'", "names, strict"),
    ],
)
def test_properties_that_the_schema_does_not_allow_are_refused(
    properties: dict[str, Any], message: str, allowed: str
) -> None:
    with pytest.raises(CaramlError) as caught:
        reconcile([REGIONS], {}, {"regions": Setting(None, properties)}, "settings.json")
    assert message in str(caught.value)
    assert "settings.json" in str(caught.value)
    assert allowed in str(caught.value)


@pytest.mark.parametrize(("ceiling", "fits"), [(1, True), (2.0, True), (0, False), (2.5, False), (True, False)])
def test_an_integer_with_a_minimum(ceiling: object, fits: bool) -> None:
    settings = {"replicas": Setting(None, {"ceiling": ceiling})}
    if fits:
        assert reconcile([REPLICAS], {}, settings, "file")["replicas"].properties == {"ceiling": ceiling}
    else:
        with pytest.raises(CaramlError, match="is not allowed"):
            reconcile([REPLICAS], {}, settings, "file")


def test_a_disabled_policy_needs_no_properties() -> None:
    assert reconcile([REGIONS], {}, {"regions": Setting("disabled")}, "file")["regions"].level == "disabled"


def test_a_policy_whose_name_is_like_no_other_is_refused_with_all_names() -> None:
    with pytest.raises(CaramlError) as caught:
        reconcile([REPLICAS], {}, {"xyz": Setting("advisory")}, "file")
    assert "allowed: all, replicas" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({"owner": "a", "days": 3}, ""),
        ({"owner": "a"}, "an object with owner, days"),
        ({"owner": 7, "days": 3}, "string"),
        ("a", "object"),
    ],
)
def test_objects_in_a_list_have_what_they_need(given: object, allowed: str) -> None:
    item = {"type": "object", "properties": {"owner": {"type": "string"}}, "required": ["owner", "days"]}
    rule = Rule("r", "resource", "advisory", {"people": {"type": "array", "items": item}})
    settings = {"r": Setting(None, {"people": [given]})}
    if not allowed:
        assert reconcile([rule], {}, settings, "file")["r"].properties == {"people": [given]}
    else:
        with pytest.raises(CaramlError) as caught:
            reconcile([rule], {}, settings, "file")
        assert f"allowed: {allowed}" in str(caught.value)


def test_all_problems_are_reported_together() -> None:
    with pytest.raises(CaramlError) as caught:
        reconcile([REPLICAS, REGIONS], {}, {"replica": Setting("advisory")}, "file")
    assert "no policy 'replica'" in str(caught.value)
    assert "did you mean 'replicas'?" in str(caught.value)
    assert "needs the property 'names'" in str(caught.value)
