import json
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from caraml_pulumi.errors import POLICY_VIOLATION, CaramlError, CaramlErrors
from caraml_pulumi.review.document import Place
from caraml_pulumi.review.markdown import markdown
from caraml_pulumi.review.sarif import sarif
from caraml_pulumi.review.text import text
from tests.unit.engine.display.events import RECORDED, Resource, diagnostic, recorded, tree_of
from tests.unit.review.builders import (
    a_child,
    a_version,
    a_whole_change,
    an_endpoint,
    endpoint,
    reviewed,
    reviewed_tree,
    same,
    version,
    violated,
)


@pytest.mark.parametrize(
    ("events", "verdict", "headline"),
    [
        ([], "ready", "may be merged"),
        ([violated(level="advisory")], "ready", "may be merged, 1 advisory"),
        ([violated()], "blocked", "blocked by 1 mandatory violation"),
        (
            [
                violated(),
                violated(policy="b"),
                violated(policy="c", level="advisory"),
                violated(message="", level="advisory"),
            ],
            "blocked",
            "blocked by 2 mandatory violations, 2 advisories",
        ),
        ([[diagnostic("no such model")]], "failed", "the preview failed"),
        ([[diagnostic("x")], violated()], "failed", "the preview failed, and it is blocked by 1 mandatory violation"),
    ],
)
def test_the_verdict_is_one_line(events: Any, verdict: str, headline: str) -> None:
    review = reviewed(*events)
    assert (review.verdict, review.headline) == (verdict, headline)


def test_why_a_preview_could_not_begin_is_told() -> None:
    review = reviewed(error=CaramlError("the passphrase is wrong", fix="set it"))
    assert review.verdict == "failed"
    assert [one.message for one in review.messages] == ["the passphrase is wrong\n  fix:     set it"]


def test_an_error_that_was_told_already_is_not_told_again() -> None:
    error = CaramlErrors([CaramlError("no such model"), CaramlError("no such image")])
    review = reviewed([diagnostic("no such model")], error=error)
    assert sorted(one.message for one in review.messages) == ["no such image", "no such model"]


def test_a_violated_policy_is_no_failure_of_the_preview() -> None:
    error = CaramlError("mandatory policy violated: a", exit_code=POLICY_VIOLATION)
    review = reviewed(violated(), [diagnostic("<{%reset%}>preview failed<{%reset%}>\n")], error=error)
    assert (review.verdict, review.messages) == ("blocked", [])


def test_what_is_deleted_or_replaced_is_named_and_versions_come_first() -> None:
    review = reviewed(*a_whole_change())
    assert [(one.op, one.subject, one.weight) for one in review.lost] == [
        ("delete", "version 1 of iris-team/iris", 90),
        ("replace", "Deployment iris-2 of version 2 of iris-team/iris", None),
    ]


def test_the_objects_of_a_version_that_goes_are_not_named_one_by_one() -> None:
    one = a_version()
    review = reviewed(one.does("delete", version(), None), a_child(one).does("delete", {"spec": 1}, None))
    assert [loss.subject for loss in review.lost] == ["version 1 of iris-team/iris"]


def test_other_resources_are_counted_by_type_and_operation() -> None:
    secrets = [Resource("kubernetes:core/v1:Secret", name).does("create", None, {}) for name in ("a", "b")]
    review = reviewed(*secrets, Resource("kubernetes:core/v1:ConfigMap", "c").does("update", {"x": 1}, {"x": 2}))
    assert [(one.op, one.type, one.count) for one in review.others] == [
        ("create", "kubernetes:core/v1:Secret", 2),
        ("update", "kubernetes:core/v1:ConfigMap", 1),
    ]


def test_a_preview_without_changes_changes_nothing() -> None:
    review = reviewed(same(a_version(), version()), same(an_endpoint(), endpoint((1, 100))))
    assert not review.models
    assert not review.lost
    assert not review.others


def test_the_order_in_which_things_happened_does_not_matter() -> None:
    events = a_whole_change()
    assert reviewed(*events).document() == reviewed(*reversed(events)).document()


@pytest.mark.parametrize("recording", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_the_pulumi_cli_tells_is_reviewed_alike(recording: Path) -> None:
    events = recorded(recording)
    [told] = [event["summaryEvent"]["resourceChanges"] for event in events if "summaryEvent" in event]
    review = reviewed_tree(tree_of(events))
    counts = {op: count for op, count in (told or {}).items() if count}
    assert review.resources == counts
    lost = {op: sum(one.op == op for one in review.lost) for op in ("delete", "replace")}
    assert lost == {"delete": counts.get("delete", 0), "replace": counts.get("replace", 0)}


def test_a_hundred_versions_are_reviewed_in_less_than_half_a_second() -> None:
    events = []
    for number in range(1, 101):
        old, new = version(number), version(number, image="ghcr.io/team/iris:2")
        one = a_version(number)
        named = [{**props, "model": f"m{number}"} for props in (old, new)]
        events += [one.does("update", *named), violated(one, f"x {number}", "advisory")]
        events += [a_child(one, name=f"{number}-{kind}").does("update", {"a": 1}, {"a": 2}) for kind in range(5)]
    before = time.process_time()
    review = reviewed(*events)
    for _ in (markdown(review), text(review, Console(file=StringIO())), json.dumps(review.document())):
        pass
    sarif(review, Place(file="a", line=1))
    assert time.process_time() - before < 0.5, time.process_time() - before
    assert len(review.models) == 100
