import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.cluster.state import MARKER, PORTS, Cluster, State
from caraml_pulumi.errors import CaramlError


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster.named("one", tmp_path)


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a/b", "..", "a_b", "a" * 41, "ü"])
def test_a_name_that_is_no_dns_label_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CaramlError, match="cannot be the name of a cluster"):
        Cluster.named(name, tmp_path)


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True))
def test_the_directory_of_a_cluster_is_always_directly_below_that_of_all_clusters(name: str) -> None:
    assert Cluster.named(name, Path("/clusters")).home.parent == Path("/clusters")


def test_clusters_are_in_the_state_directory_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Cluster.named().home == tmp_path / "caraml" / "clusters" / "local"
    monkeypatch.setenv("XDG_STATE_HOME", "relative/is/ignored")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert Cluster.named().home == tmp_path / "home" / ".local" / "state" / "caraml" / "clusters" / "local"


def test_a_cluster_has_one_directory_by_whatever_path_it_is_reached(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert Cluster.named("one", tmp_path / "link") == Cluster.named("one", tmp_path / "real")


def test_options_name_what_is_not_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Cluster.named().options == ""
    assert Cluster.named("two").options == " --name two"
    assert Cluster.named("two", Path("/a b")).options == " --name two --state '/a b'"


def test_a_new_home_is_for_its_owner_only_whatever_the_umask(cluster: Cluster) -> None:
    before = os.umask(0)
    try:
        cluster.create_home()
    finally:
        os.umask(before)
    assert cluster.home.stat().st_mode & 0o777 == 0o700


def test_a_directory_with_other_things_is_neither_used_nor_removed(cluster: Cluster) -> None:
    cluster.home.mkdir()
    (cluster.home / "thesis.txt").touch()
    with pytest.raises(CaramlError, match="exists and is not a cluster"):
        cluster.create_home()
    assert not cluster.remove_home()
    assert (cluster.home / "thesis.txt").exists()


def test_an_empty_directory_is_used(cluster: Cluster) -> None:
    cluster.home.mkdir()
    cluster.create_home()
    assert (cluster.home / MARKER).exists()
    assert cluster.remove_home()
    assert not cluster.home.exists()


def test_a_directory_of_clusters_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(CaramlError, match=r"file cannot be written: File exists"),
        Cluster.named("one", tmp_path / "file").locked(lambda: None),
    ):
        pass


def test_a_home_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CaramlError, match=r"cannot be written: Not a directory"):
        Cluster.named("one", tmp_path / "file").create_home()


def test_state_is_read_back_as_it_was_saved(cluster: Cluster) -> None:
    cluster.create_home()
    state = State(ports={name: 20_000 + number for number, name in enumerate(PORTS)}, tools={"kwok": "0123"})
    state.installed.append("kwok")
    state.save(cluster)
    assert State.load(cluster) == state


def test_a_server_that_an_older_version_did_not_have_listens_nowhere(cluster: Cluster) -> None:
    cluster.create_home()
    State(ports={"etcd": 20_000}, tools={}).save(cluster)
    state = State.load(cluster)
    assert state is not None
    assert (state.ports["etcd"], state.ports["knative-autoscaler-hpa"]) == (20_000, 0)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"ports": {}}', '{"ports": {}, "tools": {}, "unknown": 1}'])
def test_a_state_cut_short_counts_as_none(cluster: Cluster, content: str) -> None:
    cluster.create_home()
    assert State.load(cluster) is None
    (cluster.home / "cluster.json").write_text(content)
    assert State.load(cluster) is None


def test_a_second_command_waits_for_the_first_and_says_so(cluster: Cluster) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        with cluster.locked(waiting.set):
            order.append("second")

    with cluster.locked(lambda: order.append("the first need not wait")):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(5)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_no_lock_is_left_of_a_cluster_that_is_gone(cluster: Cluster) -> None:
    with cluster.locked(lambda: None):
        cluster.create_home()
    assert [file.name for file in cluster.home.parent.iterdir() if file.is_file()] == [".one.lock"]
    with cluster.locked(lambda: None):
        cluster.remove_home()
    assert list(cluster.home.parent.iterdir()) == []


def test_a_removed_lock_lets_only_one_of_those_in_that_waited_for_it(cluster: Cluster) -> None:
    inside: list[int] = []
    most: list[int] = []
    waiting = threading.Semaphore(0)

    def wait(number: int) -> None:
        with cluster.locked(waiting.release):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.02)
            inside.remove(number)

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(5)]
    with cluster.locked(lambda: None):
        for thread in threads:
            thread.start()
        for _ in threads:
            assert waiting.acquire(timeout=5)
    for thread in threads:
        thread.join()
    assert most == [1] * 5
