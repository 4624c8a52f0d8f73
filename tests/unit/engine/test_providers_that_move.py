"""An explicit provider that reaches another place takes what it manages along."""

import json
from pathlib import Path

import pytest

from caraml_pulumi.engine.providers.kubernetes.settings import another_cluster
from caraml_pulumi.engine.session import Session
from caraml_pulumi.engine.values import Properties
from caraml_pulumi.errors import CaramlError
from tests.unit.engine.memory import Stack

PROGRAM = """
there = pulumi.ProviderResource("memory", "there", {"place": config.require("place"), "note": config.get("note")})
a = Thing("a", "one", opts=Options(provider=there))
Thing("b", a.id, opts=Options(provider=there))
Thing("elsewhere", "two")
"""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "test")
    return Stack(tmp_path).program(PROGRAM)


def providers(stack: Stack) -> list[str]:
    path = stack.directory / "backend/.pulumi/stacks/things/dev.json"
    resources = json.loads(path.read_text())["checkpoint"]["latest"]["resources"]
    return [item["inputs"]["place"] for item in resources if item["urn"].endswith("::there")]


def test_what_it_manages_is_made_in_the_new_place_and_then_deleted_in_the_old_one(stack: Stack) -> None:
    stack.config(place="old").must_up()
    stack.config(place="new")
    assert stack.preview().changes == {"replace": 3, "same": 2}
    stack.must_up()
    assert stack.store.calls[:2] == ["create a in new", "create b in new"]
    assert sorted(stack.store.calls[2:]) == ["delete a in old", "delete b in old"]
    assert providers(stack) == ["new"]
    assert stack.must_up().changes == {"same": 5}
    assert stack.destroy().error is None
    assert "delete a in new" in stack.store.calls
    assert not stack.store.things


def test_another_setting_updates_the_provider_alone(stack: Stack) -> None:
    stack.config(place="old").must_up()
    assert stack.config(note="hello").must_up().changes == {"update": 1, "same": 4}
    assert stack.store.calls == []


def test_what_could_not_be_deleted_in_the_old_place_is_deleted_there_by_the_next_update(stack: Stack) -> None:
    stack.config(place="old").must_up()
    stack.config(place="new")
    stack.store.fail = lambda call: CaramlError("no answer") if call == "delete a in old" else None
    assert "no answer" in str(stack.up().error)
    assert providers(stack) == ["new", "old"]
    stack.store.fail = lambda call: None
    stack.must_up()
    assert {"delete a in old"} <= {*stack.store.calls} <= {"delete a in old", "delete b in old"}
    assert providers(stack) == ["new"]
    assert len(stack.store.things) == 3


def test_a_second_move_forgets_nothing_that_could_not_be_deleted_after_the_first(stack: Stack) -> None:
    stack.config(place="old").must_up()
    stack.store.fail = lambda call: CaramlError("no answer") if call.startswith("delete") else None
    for place in ("new", "newer"):
        assert "no answer" in str(stack.config(place=place).up().error)
    stack.store.fail = lambda call: None
    stack.must_up()
    assert {key for key in stack.store.things if "/" in key} == {"newer/a", "newer/b"}
    assert providers(stack) == ["newer"]


def test_what_the_program_drops_meanwhile_is_deleted_in_the_old_place(stack: Stack) -> None:
    stack.config(place="old").must_up()
    stack.program(PROGRAM.replace('Thing("b", a.id, opts=Options(provider=there))', "")).config(place="new").must_up()
    assert stack.store.calls[0] == "create a in new"
    assert sorted(stack.store.calls[1:]) == ["delete a in old", "delete b in old"]
    assert providers(stack) == ["new"]


def test_what_a_killed_run_made_in_the_new_place_is_taken_over(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.config(place="old").must_up()
    stack.config(place="new")

    def die(call: str) -> CaramlError | None:
        if call == "create b in new":
            stack.store.things["new/b"] = stack.store.things["old/b"]
            raise RuntimeError("killed")
        return None

    with monkeypatch.context() as dead:
        dead.setattr(Session, "save", lambda self, snapshot: {})
        dead.setattr(Session, "record", lambda self, *_, **__: None)
        stack.store.fail = die
        with pytest.raises(RuntimeError, match="killed"):
            stack.up()
    stack.store.fail = lambda call: None
    stack.must_up()
    assert sorted(stack.store.calls) == ["delete a in old", "delete b in old"]
    assert {key for key in stack.store.things if "/" in key} == {"new/a", "new/b"}
    assert providers(stack) == ["new"]


def kubeconfig(server: str, user: str = "u", ca: str = "Y2E=") -> str:
    cluster = {"server": server, "certificate-authority-data": ca}
    return json.dumps(
        {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": cluster}],
            "users": [{"name": "u", "user": {"username": user}}],
        }
    )


A, B = "https://a.example.com", "https://b.example.com"


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        ({"kubeconfig": kubeconfig(A)}, {"kubeconfig": kubeconfig(B)}, True),
        ({"kubeconfig": kubeconfig(A)}, {"kubeconfig": kubeconfig(A, user="other")}, False),
        ({"kubeconfig": kubeconfig(A)}, {"kubeconfig": kubeconfig(A, ca="b3RoZXI=")}, True),
        ({"kubeconfig": kubeconfig(A)}, {"kubeconfig": kubeconfig(A), "namespace": "models"}, False),
        ({"kubeconfig": "/gone"}, {"kubeconfig": kubeconfig(A)}, False),
        (
            {"kubeconfig": kubeconfig(A), "clusterIdentifier": "one"},
            {"kubeconfig": kubeconfig(B), "clusterIdentifier": "one"},
            False,
        ),
        (
            {"kubeconfig": kubeconfig(A), "clusterIdentifier": "one"},
            {"kubeconfig": kubeconfig(A), "clusterIdentifier": "two"},
            True,
        ),
        ({"kubeconfig": kubeconfig(A)}, {"kubeconfig": kubeconfig(A), "clusterIdentifier": "one"}, False),
    ],
)
def test_kubeconfigs_are_of_another_cluster_by_its_identifier_or_address(
    old: Properties, new: Properties, moved: bool
) -> None:
    assert another_cluster(old, new) is moved
