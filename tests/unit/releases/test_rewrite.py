"""A YAML text takes over other data, and keeps its comments."""

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.releases.rewrite import rewritten

TEXT = """\
# The model iris.
model: iris # its name
versions:
  # the good old one
  - version: 1
    image: "a" # quoted
  # the new one

  - version: 2
    image: b
    env:
      A: "1"
# about the endpoint
endpoint:
  traffic: # percent
    - {version: 1, weight: 90} # most
    # the rest
    - {version: 2, weight: 10}
"""


def data() -> Any:
    return yaml.safe_load(TEXT)


def test_a_text_with_its_own_data_stays_as_it_is() -> None:
    assert rewritten(TEXT, data()) == TEXT


def test_a_value_is_changed_and_nothing_else() -> None:
    changed = data()
    changed["versions"][0]["image"] = "c"
    changed["endpoint"]["traffic"][0]["weight"] = 100
    assert rewritten(TEXT, changed) == TEXT.replace('"a" # quoted', '"c" # quoted').replace("90", "100")


def test_a_new_property_comes_before_the_comments_on_what_follows() -> None:
    changed = data()
    changed["versions"][0]["stopped"] = True
    changed["versions"][1]["env"]["B"] = "2"
    expected = TEXT.replace("# quoted\n", "# quoted\n    stopped: true\n").replace('"1"\n', '"1"\n      B: "2"\n')
    assert rewritten(TEXT, changed) == expected


def test_the_first_version_goes_and_the_comment_on_the_second_stays() -> None:
    changed = data()
    del changed["versions"][0]
    changed["endpoint"]["traffic"] = [{"version": 2, "weight": 100}]
    written = rewritten(TEXT, changed)
    assert yaml.safe_load(written) == changed
    assert "# the new one\n" in written
    assert "# the rest\n" in written
    assert "quoted" not in written
    assert "- {version: 2, weight: 100}" in written


def test_the_last_version_goes_and_the_comment_on_the_endpoint_stays() -> None:
    changed = data()
    del changed["versions"][1]
    written = rewritten(TEXT, changed)
    assert yaml.safe_load(written) == changed
    assert "\n# about the endpoint\nendpoint:\n" in written


def test_a_new_version_is_written_like_the_others() -> None:
    changed = data()
    changed["versions"] = [*changed["versions"], {"version": 3, "image": "c"}]
    changed["endpoint"]["traffic"].append({"version": 3, "weight": 0})
    written = rewritten(TEXT, changed)
    assert written.endswith("    - {version: 2, weight: 10}\n    - {version: 3, weight: 0}\n")
    assert '      A: "1"\n  - version: 3\n    image: c\n# about the endpoint\n' in written


def test_keys_in_snake_case_become_those_of_the_document() -> None:
    text = "versions:\n  - version: 1\n    storage_uri: s3://a # where\n"
    document = {"versions": [{"version": 1, "storageUri": "s3://b"}]}
    assert rewritten(text, document) == "versions:\n  - version: 1\n    storageUri: s3://b  # where\n"


def test_a_text_that_looks_like_something_else_gets_quotes_and_the_comments_stay() -> None:
    changed = data()
    changed["versions"][1]["env"]["A"] = "yes"
    changed["versions"][0]["env"] = {"on": "12:30"}
    written = rewritten(TEXT, changed)
    assert yaml.safe_load(written) == changed
    assert '# quoted\n    env:\n      "on": "12:30"\n  # the new one' in written


def test_a_text_with_comments_alone_keeps_them() -> None:
    assert rewritten("# The model iris.\n", {"a": [1]}) == "# The model iris.\na:\n  - 1\n"


def test_what_repeats_itself_through_aliases_is_written_out() -> None:
    text = "one: &x {a: 1}\ntwo: *x\nthree:\n  <<: *x\n"
    document = {"one": {"a": 1}, "two": {"a": 2}, "three": {}}
    assert yaml.safe_load(rewritten(text, document)) == document


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(0, 3), st.sampled_from(["", "on", "1", "a b", "x: y", "#", "é"])
)
keys = st.sampled_from(["version", "name", "image", "some_key", "someKey", "on", "a-b"])
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=8,
)
documents = st.dictionaries(keys, values, max_size=4)


@given(documents, documents, st.booleans())
def test_any_text_takes_over_any_data(before: Any, after: Any, flow: bool) -> None:
    text = "# kept\n" + (yaml.safe_dump(before, sort_keys=False, default_flow_style=flow or None) if before else "")
    assert (yaml.safe_load(rewritten(text, after)) or {}) == after


@given(documents)
def test_taking_over_the_data_again_changes_nothing(document: Any) -> None:
    once = rewritten(TEXT, document)
    assert rewritten(once, document) == once
