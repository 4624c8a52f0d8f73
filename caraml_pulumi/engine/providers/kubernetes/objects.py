"""Kubernetes objects as the provider handles them: plain camelCase dicts, addressed by id."""

from typing import Any, Final

from caraml_pulumi.engine.resource import urn_type
from caraml_pulumi.engine.values import Properties, PropertyValue, plain
from caraml_pulumi.errors import CaramlError

Object = dict[str, Any]
"""A Kubernetes object; `UNKNOWN` may be among its values at preview."""

AUTONAMED: Final = "pulumi.com/autonamed"
SKIP_AWAIT: Final = "pulumi.com/skipAwait"
WAIT_FOR: Final = "pulumi.com/waitFor"
TIMEOUT: Final = "pulumi.com/timeoutSeconds"
PATCH_FORCE: Final = "pulumi.com/patchForce"
FIELD_MANAGER: Final = "pulumi.com/patchFieldManager"
PROPAGATION: Final = "pulumi.com/deletionPropagationPolicy"


def words(text: str) -> list[str]:
    """The words of `text`: tables of names stay readable this way."""
    return text.split()


_BUILT_IN: Final = frozenset(
    ["", "apps", "autoscaling", "batch", "extensions", "policy"]
    + [
        f"{name}.k8s.io"
        for name in words(
            "admissionregistration apiextensions apiregistration authentication authorization certificates "
            "coordination discovery events flowcontrol.apiserver internal.apiserver networking node "
            "rbac.authorization resource scheduling storage storagemigration"
        )
    ]
)
_CLUSTER_SCOPED: Final = frozenset(
    words(
        "APIService CSIDriver CSINode CertificateSigningRequest ClusterRole ClusterRoleBinding ClusterTrustBundle "
        "ComponentStatus CustomResourceDefinition DeviceClass FlowSchema IPAddress IngressClass "
        "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration Namespace Node "
        "PersistentVolume PriorityClass PriorityLevelConfiguration ResourceSlice RuntimeClass SelfSubjectAccessReview "
        "SelfSubjectReview SelfSubjectRulesReview ServiceCIDR StorageClass StorageVersion StorageVersionMigration "
        "SubjectAccessReview TokenReview ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding "
        "ValidatingWebhookConfiguration VolumeAttachment VolumeAttributesClass"
    )
)
_DASHED: Final = {
    f"x_kubernetes_{name}": f"x-kubernetes-{name.replace('_', '-')}"
    for name in (
        words("embedded_resource int_or_string list_map_keys list_type map_type preserve_unknown_fields validations")
    )
}
_UNDERSCORED: Final = {dashed: name for name, dashed in _DASHED.items()}


def api_version_and_kind(urn: str) -> tuple[str, str]:
    """The apiVersion and kind that a resource's type stands for: ``apps/v1``, ``Deployment``.

    Raises `CaramlError` for types of the Kubernetes package that are no single object, or that need its Go provider.
    """
    token = urn_type(urn)
    _, module, kind = token.split(":", 2)
    group, _, version = module.partition("/")
    group = "" if group == "core" else group
    if not version or group in ("helm.sh", "kustomize", "yaml"):
        raise CaramlError(
            f"the embedded engine does not have {token}",
            where=urn,
            allowed="resources that are one Kubernetes object each",
            fix="write the objects out, or install the Pulumi CLI and use --engine pulumi",
        )
    if group in _BUILT_IN and kind.endswith("List"):
        raise CaramlError(
            f"{token} is a list of objects and cannot be created itself",
            where=urn,
            fix=f"register one {kind.removesuffix('List')} each",
        )
    if group in _BUILT_IN and kind.endswith("Patch"):
        raise CaramlError(
            f"the embedded engine does not have {token}: it owns whole objects only",
            where=urn,
            fix="install the Pulumi CLI and use --engine pulumi",
        )
    return (f"{group}/{version}" if group else version), kind


def group_of(obj: Object) -> str:
    """The API group: ``apps`` of apiVersion ``apps/v1``, empty for the core group."""
    group, slash, _ = str(obj.get("apiVersion", "")).partition("/")
    return group if slash and group != "core" else ""


def group_kind(obj: Object) -> str:
    """Group and kind: ``apps/Deployment``; just the kind in the core group."""
    group, kind = group_of(obj), str(obj.get("kind", ""))
    return f"{group}/{kind}" if group else kind


def is_built_in(obj: Object) -> bool:
    """Whether Kubernetes itself defines the kind, not a CustomResourceDefinition."""
    return group_of(obj) in _BUILT_IN


def is_cluster_scoped(obj: Object) -> bool:
    """Whether a built-in kind has no namespace."""
    return str(obj.get("kind")) in _CLUSTER_SCOPED


def metadata(obj: Object) -> dict[str, Any]:
    """The object's metadata; empty where it is missing or unknown."""
    found = obj.get("metadata")
    return found if isinstance(found, dict) else {}


def name_of(obj: Object) -> str:
    """``metadata.name``; empty where it is missing or unknown."""
    name = metadata(obj).get("name")
    return name if isinstance(name, str) else ""


def namespace_of(obj: Object) -> str:
    """``metadata.namespace``; empty where it is missing or unknown."""
    namespace = metadata(obj).get("namespace")
    return namespace if isinstance(namespace, str) else ""


def annotation(obj: Object, key: str) -> str:
    """The annotation `key`; empty where it is missing or unknown."""
    annotations = metadata(obj).get("annotations")
    value = annotations.get(key) if isinstance(annotations, dict) else None
    return value if isinstance(value, str) else ""


def object_id(obj: Object) -> str:
    """The resource's id: ``namespace/name``, or ``name`` of what has no namespace."""
    namespace = namespace_of(obj)
    return f"{namespace}/{name_of(obj)}" if namespace else name_of(obj)


def split_id(id_: str) -> tuple[str, str]:
    """Namespace (maybe empty) and name in an id."""
    namespace, _, name = id_.rpartition("/")
    return namespace, name


def title(obj: Object) -> str:
    """The object as messages name it: ``Deployment models/iris-1``."""
    return f"{obj.get('kind')} {object_id(obj)}"


def to_object(properties: Properties) -> Object:
    """The object in a resource's inputs or outputs: without secret wrappers and the provider's own keys."""
    own = {key: value for key, value in properties.items() if not key.startswith("__")}
    renamed: Object = _rename(plain(own), _DASHED)
    return renamed


def to_properties(obj: Object) -> Properties:
    """`obj` as outputs hold it: ``x-kubernetes-*`` keys underscored, so that typed SDKs can read them."""
    renamed: Properties = _rename(obj, _UNDERSCORED)
    return renamed


def _rename(value: PropertyValue, names: dict[str, str]) -> PropertyValue:
    if isinstance(value, dict):
        return {names.get(key, key): _rename(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_rename(item, names) for item in value]
    return value
