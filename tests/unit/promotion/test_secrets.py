"""Secrets that a promoted release reads."""

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.promotion.secrets import needed_secrets, secrets_are_there
from tests.unit.promotion.releases import release, spec, version

REFERENCES = {"TOKEN": {"name": "feature-store", "key": "token"}, "USER": {"name": "feature-store", "key": "user"}}
NEEDED = {"feature-store": {"token", "user"}, "registry": set(), "clients": {"shop"}}


def test_secrets_of_promoted_versions_their_transformers_and_of_clients_are_needed() -> None:
    access = {"type": "private", "clients": [{"name": "shop", "tokenRef": {"name": "clients", "key": "shop"}}]}
    made = release(
        version(1, secretRefs={"OLD": {"name": "old", "key": "x"}}),
        version(
            2,
            imagePullSecrets=["registry"],
            transformer={"image": "registry.local/t:1", "secretRefs": REFERENCES},
        ),
        traffic={2: 100},
        endpoint={"access": access, "backend": "INGRESS"},
    )
    assert needed_secrets(spec(made), [2]) == NEEDED


def test_what_the_project_or_the_cluster_has_is_no_problem() -> None:
    cluster = {"registry": {".dockerconfigjson"}, "clients": {"shop"}}
    declared = {"feature-store": {"token", "user"}}
    secrets_are_there(NEEDED, declared, cluster.get, project="iris-team", environment="prod")


def test_all_that_are_missing_are_named() -> None:
    with pytest.raises(CaramlError) as error:
        secrets_are_there(
            NEEDED, {"feature-store": {"user"}}, lambda name: None, project="iris-team", environment="prod"
        )
    assert error.value.what == (
        "prod lacks secrets of the project iris-team that the release reads: "
        "clients.shop, feature-store.token, registry"
    )
    assert "caraml config set --secret" in error.value.fix
