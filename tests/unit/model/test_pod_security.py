import pytest
from hypothesis import given
from hypothesis import strategies as st

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import pod_security

names = st.text("abc", min_size=1, max_size=3)
paths = st.lists(names, max_size=4).map(lambda parts: "/" + "/".join(parts))


@given(paths, paths)
def test_a_path_is_allowed_just_if_it_is_one_that_is_allowed_or_under_it(path: str, allowed: str) -> None:
    parts, under = path.strip("/").split("/"), [part for part in allowed.split("/") if part]
    try:
        pod_security.host_path_allowed("models", path, [allowed])
        accepted = True
    except CaramlError:
        accepted = False
    assert accepted == (parts[: len(under)] == under)


@given(paths, paths)
def test_no_path_climbs_out_of_what_is_allowed(path: str, allowed: str) -> None:
    climbing = f"{allowed}/{'../' * 9}{path.lstrip('/')}"
    try:
        pod_security.host_path_allowed("models", climbing, [allowed])
    except CaramlError:
        return
    pod_security.host_path_allowed("models", path, [allowed])


@given(st.lists(st.sampled_from([*pod_security.BASELINE_CAPABILITIES, "SYS_ADMIN", "ALL", "CAP_CHOWN", "BPF"])))
def test_capabilities_are_refused_just_if_one_is_beyond_the_baseline(added: list[str]) -> None:
    beyond = {"SYS_ADMIN", "ALL", "BPF"} & {*added}
    if beyond:
        with pytest.raises(CaramlError) as caught:
            pod_security.capabilities_within("model", added, pod_security.BASELINE_CAPABILITIES)
        assert all(name in caught.value.what for name in beyond)
    else:
        pod_security.capabilities_within("model", added, pod_security.BASELINE_CAPABILITIES)


def test_a_capability_in_small_letters_is_the_same() -> None:
    pod_security.capabilities_within("model", ["cap_net_bind_service"], ["CAP_NET_BIND_SERVICE"])


@pytest.mark.parametrize("name", pod_security.HOST_NAMESPACES)
def test_a_namespace_of_the_node_is_refused_by_the_name_of_its_property(name: str) -> None:
    pod_security.own_namespace(name, False)
    with pytest.raises(CaramlError, match=name):
        pod_security.own_namespace(name, True)


def test_a_number_of_a_user_says_as_much_as_non_root() -> None:
    pod_security.runs_as_non_root("model", None, 65534)
    pod_security.runs_as_non_root("model", True, None)
    for non_root, user in ((None, None), (False, None), (True, 0), (None, 0)):
        with pytest.raises(CaramlError, match="root"):
            pod_security.runs_as_non_root("model", non_root, user)
