"""What is read of the two stacks of a promotion."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from caraml_pulumi.engine.api import Target
from caraml_pulumi.engine.state.backend import Backend, open_backend
from caraml_pulumi.engine.state.history import history_entry
from caraml_pulumi.engine.state.project import load_project
from caraml_pulumi.errors import LOCKED, CaramlError
from caraml_pulumi.promotion.stacks import PROMOTE, artifact_store, no_rollout_is_open, read_environment, settled_state

STEP = "rollout of iris-team/iris to version 2: 25 % (step 2 of 4, from 1=100)"
BACK = "rollout of iris-team/iris to version 2: back to 1=100 (error rate 12 % is above 1 %)"


@pytest.fixture
def target(tmp_path: Path) -> Target:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    url = f"file://{tmp_path}/backend"
    open_backend(url).create("shop", "dev")
    return Target(load_project(tmp_path), "dev", url)


@pytest.fixture
def backend(target: Target) -> Backend:
    return open_backend(target.backend_url)


def updated(backend: Backend, *messages: str) -> None:
    now = datetime.now(UTC)
    for message in messages:
        entry = history_entry("update", now, now, message, "succeeded", {}, {}, {})
        backend.add_history("shop", "dev", entry, {})


def test_requests_that_a_rollout_is_moving_are_left_to_it(backend: Backend, target: Target) -> None:
    updated(backend, STEP)
    with pytest.raises(CaramlError, match="a rollout of iris-team/iris to version 2 is not finished in dev") as error:
        no_rollout_is_open(backend, target, {1: 75, 2: 25}, "iris-team", "iris")
    assert "caraml rollout iris-team/iris --to 2 --stack dev" in error.value.fix
    no_rollout_is_open(backend, target, {1: 75, 2: 25}, "other-team", "iris")


def test_a_rollout_that_has_ended_or_was_undone_by_hand_is_none(backend: Backend, target: Target) -> None:
    updated(backend, STEP)
    no_rollout_is_open(backend, target, {1: 100}, "iris-team", "iris")
    updated(backend, BACK)
    no_rollout_is_open(backend, target, {1: 75, 2: 25}, "iris-team", "iris")


def test_a_stack_is_settled_while_no_update_is_under_way_whoever_else_promotes_from_it(
    backend: Backend, target: Target
) -> None:
    with backend.lock("shop", "dev", PROMOTE):
        settled_state(backend, target)
    with backend.lock("shop", "dev", "up"), pytest.raises(CaramlError, match="an update of dev is under way") as error:
        settled_state(backend, target)
    assert error.value.exit_code == LOCKED


def test_an_update_that_was_interrupted_is_ended_first(backend: Backend, target: Target) -> None:
    backend.journal("shop", "dev").append({"do": "mark"})
    with pytest.raises(CaramlError, match="an update of dev was interrupted") as error:
        settled_state(backend, target)
    assert error.value.fix == "end it first: caraml up --stack dev"


def test_an_environment_that_is_not_there_is_refused_with_those_that_are(target: Target) -> None:
    (target.project.root / "Pulumi.devel.yaml").write_text("config: {}\n")
    with pytest.raises(CaramlError, match="there is no environment 'dev' to promote to") as error:
        read_environment(target)
    assert error.value.allowed == "devel"


def test_a_store_of_artifacts_is_what_the_file_says_with_its_line_in_errors(target: Target) -> None:
    assert artifact_store(target).bucket is None
    file = target.project.root / "Pulumi.dev.yaml"
    file.write_text("config:\n  caraml:artifacts:\n    bucket: models\n")
    assert artifact_store(target).bucket == "s3://models"
    file.write_text("config:\n  caraml:artifacts:\n    buckets: models\n")
    with pytest.raises(CaramlError, match="unknown field") as error:
        artifact_store(target)
    assert error.value.where.startswith(f"{file}:3")
