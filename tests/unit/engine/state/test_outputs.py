from pathlib import Path

import pytest

from caraml_pulumi.engine.state.backend import Backend, open_backend
from caraml_pulumi.engine.state.names import StackName
from caraml_pulumi.engine.state.outputs import stack_outputs
from caraml_pulumi.engine.state.snapshot import Snapshot, snapshot_to_json
from caraml_pulumi.engine.values import Secret
from caraml_pulumi.errors import CaramlError
from tests.unit.engine.state.builders import CRYPTER, stack

NAME = StackName("shop", "dev")


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    backend = open_backend(f"file://{tmp_path}")
    backend.save("shop", "dev", snapshot_to_json(Snapshot([stack(outputs={"a": 1, "b": Secret("x")})]), CRYPTER, NAME))
    return backend


def test_outputs_are_read_with_their_secrets(backend: Backend) -> None:
    outputs = stack_outputs(backend, NAME, phrase="a passphrase")
    assert outputs == {"a": 1, "b": Secret("x")}
    assert outputs["b"].ciphertext is None


def test_outputs_are_listed_without_a_passphrase(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE_FILE", raising=False)
    assert stack_outputs(backend, NAME, decrypt=False) == {"a": 1, "b": Secret(None)}


def test_a_stack_that_is_not_there_is_refused_with_those_that_are(backend: Backend) -> None:
    with pytest.raises(CaramlError, match="organization/shop/prod") as caught:
        stack_outputs(backend, StackName("shop", "prod"))
    assert caught.value.allowed == "organization/shop/dev"


def test_a_stack_that_was_never_updated_has_no_outputs(backend: Backend) -> None:
    backend.create("shop", "new")
    assert stack_outputs(backend, StackName("shop", "new")) == {}
