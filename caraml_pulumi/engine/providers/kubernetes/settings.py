"""The inputs of a ``kubernetes.Provider``, and the environment variables that stand in for them."""

import json
import os
from dataclasses import dataclass, field
from typing import Any, Final

from caraml_pulumi.engine.values import Properties, plain, same
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube.kubeconfig import load_cluster_config

_REFUSED: Final = {
    "renderYamlToDirectory": "use caraml preview --render DIR, or the Pulumi CLI",
    "alwaysRender": "use caraml preview --render DIR, or the Pulumi CLI",
}
_ENVIRONMENT: Final = {
    "context": "PULUMI_K8S_CONTEXT",
    "cluster": "PULUMI_K8S_CLUSTER",
    "namespace": "PULUMI_K8S_NAMESPACE",
    "enableServerSideApply": "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
    "deleteUnreachable": "PULUMI_K8S_DELETE_UNREACHABLE",
    "skipUpdateUnreachable": "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """How the provider is configured; the defaults are pulumi-kubernetes'.

    `kubeconfig` is a path or the text itself, None the usual places. `namespace` is for objects that name none.
    `upsert` creates by server-side apply, so that an object that exists already is changed and becomes the stack's.
    `delete_unreachable` drops resources of a cluster that is gone from the state, `skip_update_unreachable` leaves them
    as they are when refreshing.
    """

    kubeconfig: str | None = field(default=None, repr=False)
    context: str | None = None
    cluster: str | None = None
    namespace: str = ""
    patch_force: bool = False
    mutable_config_maps: bool = False
    mutable_secrets: bool = False
    upsert: bool = False
    delete_unreachable: bool = False
    skip_update_unreachable: bool = False


def parse_settings(inputs: Properties) -> Settings:
    """Read provider inputs. Raises `CaramlError` for a setting that the embedded engine does not have."""
    given: dict[str, Any] = {key: value for key, value in plain(inputs).items() if value not in (None, "")}
    for key, fix in _REFUSED.items():
        if key in given and not _is_false(given[key]):
            raise CaramlError(f"the embedded engine does not have the Kubernetes provider's {key}", fix=fix)
    for key, variable in _ENVIRONMENT.items():
        if key not in given and os.environ.get(variable):
            given[key] = os.environ[variable]
    if not _flag(given, "enableServerSideApply", default=True):
        raise CaramlError(
            "the embedded engine applies server-side only, and enableServerSideApply is false",
            fix="leave it out, or install the Pulumi CLI and use --engine pulumi",
        )
    kubeconfig = given.get("kubeconfig")
    return Settings(
        kubeconfig=kubeconfig if isinstance(kubeconfig, str | None) else json.dumps(kubeconfig),
        context=_text(given, "context"),
        cluster=_text(given, "cluster"),
        namespace=_text(given, "namespace") or "",
        patch_force=_flag(given, "enablePatchForce"),
        mutable_config_maps=_flag(given, "enableConfigMapMutable"),
        mutable_secrets=_flag(given, "enableSecretMutable"),
        upsert=_flag(given, "upsertExistingObjects"),
        delete_unreachable=_flag(given, "deleteUnreachable"),
        skip_update_unreachable=_flag(given, "skipUpdateUnreachable"),
    )


def another_cluster(old: Properties, new: Properties) -> bool:
    """Whether two provider resources' inputs stand for different clusters, as far as can be told.

    That is so if their `clusterIdentifier` differs, and without one if their kubeconfigs' active clusters do (as
    pulumi-kubernetes has it).
    """
    before, after = old.get("clusterIdentifier"), new.get("clusterIdentifier")
    if before and after:
        return not same(before, after)
    try:
        return _address(parse_settings(old)) != _address(parse_settings(new))
    except CaramlError:
        return False


def _address(settings: Settings) -> tuple[object, ...]:
    found = load_cluster_config(settings.kubeconfig, settings.context, settings.cluster)
    return found.server, found.ca, found.insecure, found.tls_server_name, found.proxy_url


def _text(given: dict[str, Any], key: str) -> str | None:
    value = given.get(key)
    if value is not None and not isinstance(value, str):
        raise CaramlError(f"the Kubernetes provider's {key} is {value!r}", allowed="a text")
    return value


def _is_false(value: object) -> bool:
    return value is False or str(value).lower() == "false"


def _flag(given: dict[str, Any], key: str, *, default: bool = False) -> bool:
    value = given.get(key, default)
    if isinstance(value, bool) or str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    raise CaramlError(f"the Kubernetes provider's {key} is {value!r}", allowed="true or false")
