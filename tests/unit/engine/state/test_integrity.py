from dataclasses import replace

import pytest

from caraml_pulumi.engine.resource import ResourceState
from caraml_pulumi.engine.state.integrity import check_integrity
from caraml_pulumi.errors import CaramlError
from tests.unit.engine.state.builders import STACK, config_map, provider, stack

A, B = config_map("a"), config_map("b")
USING = f"{provider().urn}::1"


@pytest.mark.parametrize(
    "resources",
    [
        [],
        [stack(), A, B],
        [stack(), A, replace(B, dependencies=[A.urn], property_dependencies={"data": [A.urn]})],
        [stack(), provider(), replace(A, provider=USING)],
        [stack(), A, replace(A, delete=True)],
        [stack(), provider("2"), replace(provider("1"), delete=True), replace(A, provider=USING, delete=True)],
    ],
)
def test_sound_state_passes(resources: list[ResourceState]) -> None:
    check_integrity(resources)


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ([A, stack()], "its parent .* which comes after it"),
        ([A], "its parent .* which the state does not hold"),
        ([stack(), replace(A, dependencies=[B.urn]), B], "its dependency .* which comes after it"),
        ([stack(), replace(A, property_dependencies={"data": [B.urn]})], "its dependency .of 'data'. .* does not hold"),
        ([stack(), replace(A, provider=USING), provider()], "its provider .* which comes after it"),
        ([stack(), provider("2"), replace(A, provider=USING)], "its provider"),
        ([stack(), A, A], "holds a resource twice"),
        ([stack(), replace(A, delete=True), A], "holds a resource twice"),
    ],
)
def test_state_that_the_pulumi_cli_would_refuse_is_refused(resources: list[ResourceState], message: str) -> None:
    with pytest.raises(CaramlError, match=message) as caught:
        check_integrity(resources)
    assert caught.value.where == A.urn
    assert caught.value.fix


def test_the_root_itself_may_not_refer_to_itself() -> None:
    with pytest.raises(CaramlError, match="its parent"):
        check_integrity([stack(parent=STACK)])
