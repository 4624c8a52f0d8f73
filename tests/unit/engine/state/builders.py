"""Small stacks for the tests of state."""

from typing import Any

from caraml_pulumi.engine.resource import STACK_TYPE, ResourceState, make_urn
from caraml_pulumi.engine.state.secrets import PassphraseCrypter

CRYPTER = PassphraseCrypter.new("a passphrase")
CRYPTER.prepare()
STACK = make_urn("dev", "shop", STACK_TYPE, "shop-dev")


def stack(**fields: Any) -> ResourceState:
    """The root resource of the stack ``shop/dev``."""
    return ResourceState(urn=STACK, type=STACK_TYPE, custom=False, **fields)


def config_map(name: str, **fields: Any) -> ResourceState:
    """A child of the stack."""
    type_ = "kubernetes:core/v1:ConfigMap"
    fields = {"id": f"default/{name}", "parent": STACK, **fields}
    return ResourceState(urn=make_urn("dev", "shop", type_, name), type=type_, custom=True, **fields)


def provider(id_: str = "1") -> ResourceState:
    """A default provider."""
    type_ = "pulumi:providers:kubernetes"
    return ResourceState(urn=make_urn("dev", "shop", type_, "default"), type=type_, custom=True, id=id_)
