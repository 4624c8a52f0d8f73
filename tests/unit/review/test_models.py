from typing import Any

import pytest

from caraml_pulumi.engine.values import UNKNOWN_TEXT
from caraml_pulumi.review.document import ModelReview, VersionReview
from tests.unit.engine.display.events import SECRET, Resource
from tests.unit.model import builders
from tests.unit.review.builders import (
    DIGEST,
    a_child,
    a_version,
    an_endpoint,
    endpoint,
    reviewed,
    same,
    version,
)

Change = tuple[str | None, str | None]


def the_model(*events: Any) -> ModelReview:
    [model] = reviewed(*events).models
    return model


def the_version(*events: Any) -> VersionReview:
    [one] = the_model(*events).versions
    return one


def properties(one: Any) -> dict[str, Change]:
    return {change.name: (change.before, change.after) for change in one.properties}


def test_a_changed_version_tells_only_what_differs() -> None:
    old, new = version(), version(image=f"ghcr.io/team/iris:2@{DIGEST}", resource_request={"max_replica": 4})
    changed = the_version(a_version().does("update", old, new))
    assert (changed.change, changed.full_name) == ("changed", "iris-1")
    assert properties(changed) == {
        "image": ("ghcr.io/team/iris:1", "ghcr.io/team/iris:2@sha256:ab12ab12ab12"),
        "replicas": ("0 to 1", "0 to 4"),
    }


def test_a_new_version_tells_what_it_is() -> None:
    added = the_version(a_version().does("create", None, version(env={"LEVEL": "debug"})))
    assert added.change == "added"
    assert properties(added) == {
        "image": (None, "ghcr.io/team/iris:1"),
        "mode": (None, "SERVERLESS"),
        "replicas": (None, "0 to 1"),
        "CPU": (None, "500m, limit 8"),
        "memory": (None, "500Mi, limit 1000Mi"),
        "autoscaling": (None, "concurrency, target 1"),
    }
    assert [(one.name, one.added) for one in added.names] == [("env", ["LEVEL"])]


def test_a_version_that_goes_tells_what_it_was() -> None:
    removed = the_version(a_version().does("delete", version(), None))
    assert removed.change == "removed"
    assert properties(removed)["image"] == ("ghcr.io/team/iris:1", None)


@pytest.mark.parametrize(("before", "after", "change"), [(False, True, "stopped"), (True, False, "started")])
def test_stopping_and_starting_a_version_are_called_that(before: bool, after: bool, change: str) -> None:
    assert the_version(a_version().does("update", version(stopped=before), version(stopped=after))).change == change


def test_of_env_only_the_names_are_told() -> None:
    old = version(env={"KEPT": "value-1", "GOES": "value-2", "CHANGES": "value-3"})
    new = version(env={"KEPT": "value-1", "COMES": "value-4", "CHANGES": "value-5"})
    review = reviewed(a_version().does("update", old, new))
    [env] = review.models[0].versions[0].names
    assert (env.added, env.removed, env.changed) == (["COMES"], ["GOES"], ["CHANGES"])
    assert "value-" not in review.model_dump_json()


def test_labels_are_told_by_their_names_where_they_change() -> None:
    changed = the_version(a_version().does("update", version(), version(labels={"tier": "gold"})))
    assert [(one.name, one.added) for one in changed.names] == [("labels", ["tier"])]
    added = the_version(a_version().does("create", None, version(labels={"tier": "gold"})))
    assert added.names == []


def test_command_and_arguments_are_not_told_as_they_may_have_secrets_in_them() -> None:
    changed = the_version(a_version().does("update", version(), version(args=["--token", "abc", "--verbose"])))
    assert properties(changed) == {"args": (None, "3 items [not shown]")}


def test_weights_are_told_with_a_version_that_stays_as_it_is() -> None:
    model = the_model(
        same(a_version(1), version(1)),
        same(a_version(2), version(2)),
        same(a_version(3), version(3)),
        an_endpoint().does("update", endpoint((1, 90), (2, 10)), endpoint((1, 80), (2, 20))),
    )
    assert [(one.version, one.change, one.weight.before, one.weight.after) for one in model.versions] == [
        (1, "unchanged", 90, 80),
        (2, "unchanged", 10, 20),
    ]
    assert model.endpoint is not None
    assert properties(model.endpoint) == {
        "traffic": ("90 % to version 1, 10 % to version 2", "80 % to version 1, 20 % to version 2")
    }


def test_the_settings_of_an_endpoint_are_told() -> None:
    new = endpoint(
        (1, 100),
        mirror={"version": 2, "percentage": 10},
        matches=[{"headers": {"x-group": {"exact": "beta"}}, "traffic": [{"version": 1, "weight": 100}]}],
        timeout_seconds=5,
    )
    [model] = reviewed(an_endpoint().does("update", endpoint((1, 100)), new)).models
    assert model.endpoint is not None
    assert properties(model.endpoint) == {
        "matches": (None, "x-group exact beta: 100 % to version 1"),
        "mirror": (None, "10 % copied to version 2"),
        "timeout (s)": (None, "5"),
    }


def test_of_clients_only_the_names_are_told() -> None:
    on = builders.platform(routing={"backend": "INGRESS"})
    access = {"type": "private", "clients": [{"name": "team-a", "token": "s3cret-token"}]}
    new = endpoint((1, 100), on=on, access=access)
    review = reviewed(an_endpoint().does("update", endpoint((1, 100), on=on), new))
    [model] = review.models
    assert model.endpoint is not None
    assert properties(model.endpoint) == {"access": ("public", "private")}
    assert [(one.name, one.added) for one in model.endpoint.names] == [("clients", ["team-a"])]
    assert "s3cret" not in review.model_dump_json()


def test_a_version_counts_as_changed_when_only_its_objects_are() -> None:
    one = a_version()
    changed = the_version(same(one, version()), a_child(one).does("update", {"spec": 1}, {"spec": 2}))
    assert changed.change == "changed"
    assert [(item.op, item.type, item.name) for item in changed.objects] == [
        ("update", "kubernetes:apps/v1:Deployment", "iris-2")
    ]


def test_models_of_which_nothing_changes_are_counted() -> None:
    review = reviewed(same(a_version(), version()), same(an_endpoint(), endpoint((1, 100))))
    assert (review.models, review.unchanged_models) == ([], 1)


def test_what_is_not_known_or_secret_is_said_to_be() -> None:
    new = {**version(), "image": UNKNOWN_TEXT, "storageUri": SECRET, "env": UNKNOWN_TEXT, "resourceRequest": SECRET}
    changed = the_version(a_version().does("update", version(), new))
    told = properties(changed)
    assert told["image"] == ("ghcr.io/team/iris:1", "<computed>")
    assert told["artifact"] == (None, "[secret]")
    assert told["CPU"] == ("500m, limit 8", "[secret]")
    assert [(one.name, one.changed) for one in changed.names] == [("env", ["<computed>"])]


def test_numbers_that_came_as_floats_are_whole_ones() -> None:
    props = {**version(), "version": 1.0, "timeoutSeconds": 30.0}
    added = the_version(a_version().does("create", None, props))
    assert added.version == 1
    assert properties(added)["timeout (s)"] == (None, "30")


def test_models_are_ordered_by_project_and_name() -> None:
    named = [("b", "x"), ("a", "z"), ("a", "y")]
    events = [
        Resource("caraml:index:CustomModelVersion", f"{project}-{model}").does(
            "create", None, {**version(), "project": project, "model": model}
        )
        for project, model in named
    ]
    assert [(one.project, one.model) for one in reviewed(*events).models] == sorted(named)
