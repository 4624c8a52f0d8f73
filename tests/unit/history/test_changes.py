from typing import Any

import pytest

from caraml_pulumi.engine.values import SECRET_SIGNATURE, SIGNATURE_KEY
from caraml_pulumi.history.changes import ModelChange, changes
from caraml_pulumi.history.components import components_of
from caraml_pulumi.history.document import change_document
from caraml_pulumi.history.models import ModelName, agree, models
from tests.unit.history.records import IRIS, checkpoint, deployed, endpoint, release, state, version

Resources = list[dict[str, Any]]


def summary(before: Resources | None, after: Resources | None) -> list[str]:
    return ModelChange(IRIS, state(before) if before else None, state(after) if after else None).summary()


A = deployed({1: "reg.io/iris:1.0", 2: "reg.io/iris:2.0"}, {1: 90, 2: 10})


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (
            deployed({1: "reg.io/iris:1.0", 2: "reg.io/iris:2.1"}, {1: 90, 2: 10}),
            ["version 2: image reg.io/iris:2.0 → …:2.1"],
        ),
        (deployed({1: "reg.io/iris:1.0", 2: "reg.io/iris:2.0"}, {2: 100}), ["traffic 1=90, 2=10 → 2=100"]),
        (deployed({2: "reg.io/iris:2.0"}, {2: 100}), ["version 1 removed", "traffic 1=90, 2=10 → 2=100"]),
        (
            deployed(
                {1: "reg.io/iris:1.0", 2: "reg.io/iris:2.0"},
                {1: 90, 2: 10},
                promotedFrom={"environment": "dev", "update": 7},
            ),
            ["promoted from dev (update 7)"],
        ),
        ([*A[:2], version(2, image="reg.io/iris:2.0", stopped=True), A[3]], ["version 2 stopped"]),
        ([*A[:2], version(2, image="reg.io/iris:2.0", probes={"liveness": False}), A[3]], ["version 2: probes"]),
        ([*A[:3], endpoint({1: 90, 2: 10}, timeoutSeconds=9)], ["endpoint: timeout (s) none → 9"]),
        (A[1:], ["the record of the release removed"]),
        ([release({1: "reg.io/iris:1.0"}, {1: 100}), *A[1:]], ["release: endpoint, versions"]),
    ],
)
def test_a_change_is_told_in_a_few_words_for_each_part(after: Resources, told: list[str]) -> None:
    assert summary(A, after) == told


def test_a_model_that_comes_or_goes_tells_what_came_or_went() -> None:
    assert summary(None, A) == [
        "version 1 added: image reg.io/iris:1.0",
        "version 2 added: image reg.io/iris:2.0",
        "endpoint added",
        "traffic 1=90, 2=10",
    ]
    assert summary(A, None) == ["version 1 removed", "version 2 removed", "endpoint removed"]
    assert [
        ModelChange(IRIS, *pair).kind for pair in ((None, state(A)), (state(A), None), (state(A), state(A[1:])))
    ] == [
        "added",
        "removed",
        "changed",
    ]


def test_stacks_whose_program_recorded_no_releases_tell_their_changes_too() -> None:
    assert summary(A[1:], [*A[1:3], endpoint({2: 100})]) == ["traffic 1=90, 2=10 → 2=100"]


def test_only_models_that_differ_are_told_by_name() -> None:
    rose = ModelName("a-team", "rose")
    before = models(components_of(checkpoint([*A, version(1, rose), endpoint({1: 100}, rose)])))
    after = models(components_of(checkpoint([*A[:3], endpoint({2: 100})])))
    assert [str(change.name) for change in changes(before, after)] == ["a-team/rose", "iris-team/iris"]
    assert changes(before, before) == []


def test_secrets_are_told_as_changed_and_never_shown() -> None:
    sealed = [{SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": text} for text in ("v1:one", "v1:two")]
    change = ModelChange(IRIS, *(state([version(1, env=env)]) for env in sealed))
    assert change.summary() == ["version 1: env changed [secret]"]
    assert "v1:" not in str(change_document(change)) + str(change.after and change.after.document(declared=False))


def test_true_and_one_are_told_apart() -> None:
    assert not agree(state([version(1, stopped=True)]), state([version(1, stopped=1)]))
    assert agree(state([version(1, stopped=True)]), state([version(1, stopped=True)]))


def test_the_document_has_whole_values_and_no_objects() -> None:
    document = change_document(ModelChange(IRIS, state(A), state(deployed({2: "reg.io/iris:2.1"}, {2: 100}))))
    assert document["change"] == "changed"
    assert (document["project"], document["model"]) == (IRIS.project, IRIS.model)
    [first, second] = document["versions"]
    assert (first["version"], first["change"], "objects" in first, "urn" in first) == (1, "removed", False, False)
    assert second["properties"] == [{"name": "image", "before": "reg.io/iris:2.0", "after": "reg.io/iris:2.1"}]
    assert second["weight"] == {"before": 10, "after": 100}
    assert "objects" not in document["endpoint"]
