from pathlib import Path

import pytest

from caraml_pulumi.engine.providers.base import Context, Diff, Live
from caraml_pulumi.engine.providers.stack_reference import StackReferenceProvider
from caraml_pulumi.engine.resource import STACK_TYPE, ResourceState, make_urn
from caraml_pulumi.engine.state.backend import Backend, open_backend
from caraml_pulumi.engine.state.names import StackName
from caraml_pulumi.engine.state.secrets import PassphraseCrypter
from caraml_pulumi.engine.state.snapshot import Snapshot, snapshot_to_json
from caraml_pulumi.engine.values import UNKNOWN, UNKNOWN_TEXT, Properties, Secret
from caraml_pulumi.errors import CaramlError

URN = make_urn("dev", "shop", "pulumi:pulumi:StackReference", "organization/base/dev")


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Backend:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
    return open_backend(f"file://{tmp_path}")


def deploy(backend: Backend, outputs: Properties, passphrase: str | None = None) -> None:
    stack = ResourceState(make_urn("dev", "base", STACK_TYPE, "base-dev"), STACK_TYPE, custom=False, outputs=outputs)
    crypter = PassphraseCrypter.new(passphrase)
    backend.save("base", "dev", snapshot_to_json(Snapshot([stack]), crypter, StackName("base", "dev")))


def read(backend: Backend, name: str = "organization/base/dev") -> Live:
    return StackReferenceProvider(backend).read(URN, name, None, Context())


def test_the_outputs_of_another_stack_are_read_with_its_own_salt(backend: Backend) -> None:
    deploy(backend, {"url": "http://a", "token": Secret("hush"), "users": [{"name": "ann", "key": Secret("k")}]})
    live = read(backend)
    assert live == Live(
        "organization/base/dev",
        {
            "name": "organization/base/dev",
            "outputs": {"url": "http://a", "token": Secret("hush"), "users": [{"name": "ann", "key": Secret("k")}]},
            "secretOutputNames": ["token", "users"],
        },
    )


def test_a_secret_is_not_tied_to_the_ciphertext_of_the_other_stack(backend: Backend) -> None:
    deploy(backend, {"token": Secret("hush")})
    assert read(backend).outputs["outputs"]["token"].ciphertext is None


def test_outputs_without_secrets_need_no_passphrase(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(backend, {"url": "http://a"})
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    assert read(backend).outputs["outputs"] == {"url": "http://a"}


def test_a_stack_that_was_never_deployed_has_no_outputs(backend: Backend) -> None:
    backend.create("base", "dev")
    assert read(backend).outputs["outputs"] == {}


def test_a_missing_stack_is_refused_with_those_there_are(backend: Backend) -> None:
    deploy(backend, {})
    with pytest.raises(CaramlError, match="there is no stack 'organization/base/prod'") as caught:
        read(backend, "organization/base/prod")
    assert caught.value.allowed == "organization/base/dev"


def test_another_passphrase_is_explained_with_the_stack_it_is_about(backend: Backend) -> None:
    deploy(backend, {"token": Secret("hush")}, passphrase="theirs")
    with pytest.raises(CaramlError, match="incorrect passphrase") as caught:
        read(backend)
    assert "organization/base/dev" in str(caught.value)


@pytest.mark.parametrize("name", ["a/b/c/d", "acme/base/dev", "dev"])
def test_a_name_that_is_none_is_refused(backend: Backend, name: str) -> None:
    with pytest.raises(CaramlError, match=name):
        read(backend, name)


def test_a_name_known_only_later_makes_everything_unknown(backend: Backend) -> None:
    assert read(backend, UNKNOWN_TEXT).outputs == {
        "name": UNKNOWN,
        "outputs": UNKNOWN,
        "secretOutputNames": UNKNOWN,
    }


def test_only_a_reference_with_a_name_is_accepted(backend: Backend) -> None:
    provider = StackReferenceProvider(backend)
    assert provider.check(URN, None, {"name": "base/dev"}) == {"name": "base/dev"}
    with pytest.raises(CaramlError, match="needs the name of a stack"):
        provider.check(URN, None, {"name": 3})
    with pytest.raises(CaramlError, match="does not know the resource type 'pulumi:pulumi:Stash'"):
        provider.check(make_urn("dev", "shop", "pulumi:pulumi:Stash", "s"), None, {"name": "base/dev"})


def test_a_reference_to_another_stack_is_another_resource(backend: Backend) -> None:
    old = ResourceState(URN, "pulumi:pulumi:StackReference", True, inputs={"name": "base/dev"})
    provider = StackReferenceProvider(backend)
    assert provider.diff(old, {"name": "base/dev"}, []) == Diff()
    assert provider.diff(old, {"name": "base/prod"}, []) == Diff(changed=True, replace_keys=["name"])
