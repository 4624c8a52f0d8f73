"""What a backend knows of a stack: its resources, and the operations that were under way when it was written.

Two documents of Pulumi hold it: the checkpoint file of a self-managed backend (``{"version": 3, "checkpoint": {"stack",
"latest": {...}}}``) and the deployment that ``pulumi stack export`` writes (``{"version": 3, "deployment": {...}}``).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from caraml_pulumi.engine.resource import STACK_TYPE, ResourceState
from caraml_pulumi.engine.state.integrity import check_integrity
from caraml_pulumi.engine.state.names import StackName
from caraml_pulumi.engine.state.properties import Seal, Unseal, sealed_as_text, sealed_with, unsealed_with
from caraml_pulumi.engine.state.resources import resource_document, resource_state
from caraml_pulumi.engine.state.secrets import Crypter, PassphraseCrypter, recorded_provider, salt_of_provider
from caraml_pulumi.engine.state.times import timestamp
from caraml_pulumi.engine.values import Properties
from caraml_pulumi.errors import CaramlError

_KEYS: Final = frozenset({"manifest", "secrets_providers", "resources", "pending_operations", "metadata"})
VERSION: Final = 3
"""The version of both documents."""
FEATURES_VERSION: Final = 4
"""The version of documents that use features, which they name: older releases of Pulumi refuse these."""
_FEATURES: Final = {"resourceHooks": "hooks", "replaceWith": "replaceWith", "taint": "taint"}
"""The keys of a resource that make its document use a feature, and the feature's name."""
PULUMI_VERSION: Final = "3.260.0"
"""The release of the Pulumi CLI whose state format this is."""

OperationType = Literal["creating", "updating", "deleting", "reading", "importing"]
"""What was being done to a resource."""
_OPERATIONS: Final[tuple[OperationType, ...]] = get_args(OperationType)


@dataclass(slots=True)
class PendingOperation:
    """An operation that had begun and not ended when the state was written: the run was killed."""

    type: OperationType
    resource: ResourceState


def magic(version: str) -> str:
    """The checksum that a manifest of the Pulumi release `version` carries; none where it names no release."""
    return "" if not version else hashlib.sha256(version.encode()).hexdigest()


def new_manifest() -> dict[str, Any]:
    """The manifest of state that is written now."""
    return {"time": timestamp(), "magic": magic(PULUMI_VERSION), "version": PULUMI_VERSION}


@dataclass(slots=True)
class Snapshot:
    """The state of a stack.

    `secrets_provider` is what the state said (``{"type": "passphrase", "state": {"salt"}}``), None for new state; what
    is written is the provider of the crypter that writes. `manifest` is kept as it was read: set it to `new_manifest()`
    when the state changes. `extra` keeps keys the engine does not use.
    """

    resources: list[ResourceState] = field(default_factory=list)
    pending_operations: list[PendingOperation] = field(default_factory=list)
    secrets_provider: dict[str, Any] | None = None
    manifest: dict[str, Any] = field(default_factory=new_manifest)
    metadata: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> Properties:
        """The outputs of the stack itself."""
        return next((item.outputs for item in self.resources if item.type == STACK_TYPE and not item.delete), {})


def snapshot_from_json(document: Mapping[str, Any], crypter: Crypter) -> Snapshot:
    """Read either document. `crypter` is the stack's, which decrypts and will encrypt.

    State whose salt is another one (a stack that was imported, a copy) is read with that salt and the same passphrase,
    and its secrets will be encrypted anew.

    Raises:
        CaramlError: it is no such document, of another version, damaged, refers to resources it does not hold, or a
            secret cannot be decrypted.
    """
    deployment = deployment_of(document)
    provider = recorded_provider(document)
    unseal = _unsealing(provider, crypter)
    snapshot = Snapshot(
        resources=[resource_state(item, unseal) for item in _objects(deployment, "resources")],
        pending_operations=[_pending(item, unseal) for item in _objects(deployment, "pending_operations")],
        secrets_provider=provider,
        manifest=_manifest(deployment),
        metadata=deployment.get("metadata") or {},
        extra={key: value for key, value in deployment.items() if key not in _KEYS},
    )
    check_integrity(snapshot.resources)
    return snapshot


def snapshot_to_json(
    snapshot: Snapshot, crypter: Crypter, stack: StackName | None = None, *, show_secrets: bool = False
) -> dict[str, Any]:
    """Write the checkpoint of `stack`, or a deployment without one. `show_secrets` writes them in the clear.

    A stack that never had a secret, nor a salt for one, is written without a secrets provider.

    Raises:
        CaramlError: a secret must be encrypted and no passphrase is given.
    """
    seal = sealed_as_text if show_secrets else sealed_with(crypter)
    resources = [resource_document(item, seal) for item in snapshot.resources]
    pending = [_pending_document(item, seal) for item in snapshot.pending_operations]
    provider = crypter.provider  # only now: the first secret may have made the salt
    deployment: dict[str, Any] = {"manifest": snapshot.manifest}
    if provider:
        deployment["secrets_providers"] = provider
    if resources:
        deployment["resources"] = resources
    if pending:
        deployment["pending_operations"] = pending
    deployment |= {"metadata": snapshot.metadata, **snapshot.extra}
    features = sorted({_FEATURES[key] for item in resources for key in item.keys() & _FEATURES.keys()})
    head = {"version": FEATURES_VERSION, "features": features} if features else {"version": VERSION}
    if stack is None:
        return {**head, "deployment": deployment}
    return {**head, "checkpoint": {"stack": str(stack), "latest": deployment}}


def deployment_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The part of either document that both have in common; empty for a stack that was never updated.

    Raises:
        CaramlError: it is no such document, or of another version.
    """
    version = document.get("version")
    if "deployment" in document:
        deployment = document["deployment"]
    elif isinstance(checkpoint := document.get("checkpoint"), Mapping):
        deployment = checkpoint.get("latest") or {}
    else:
        raise CaramlError(
            "this is not the state of a stack", allowed='a JSON object with "version" and "checkpoint" or "deployment"'
        )
    if version not in (VERSION, FEATURES_VERSION):
        raise CaramlError(
            f"the state has the format version {version!r}",
            allowed=f"{VERSION}, {FEATURES_VERSION}",
            fix="use the Pulumi CLI on this stack: it writes other versions, and converts older ones",
        )
    if other := sorted(set(document.get("features") or ()) - set(_FEATURES.values())):
        raise CaramlError(
            f"the state uses {', '.join(map(str, other))} of Pulumi",
            allowed=", ".join(sorted(_FEATURES.values())),
            fix="use the Pulumi CLI on this stack: --engine pulumi",
        )
    if not isinstance(deployment, dict):
        raise CaramlError(f"the state has {type(deployment).__name__} as its deployment", allowed="an object")
    return deployment


def _objects(deployment: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    items = [] if deployment.get(key) is None else deployment[key]
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise CaramlError(f"the state has a bad {key!r}", allowed="a list of objects")
    return items


def _manifest(deployment: Mapping[str, Any]) -> dict[str, Any]:
    manifest = deployment.get("manifest") or new_manifest()
    if not isinstance(manifest, dict) or manifest.get("magic") != magic(str(manifest.get("version", ""))):
        raise CaramlError(
            "the state's manifest does not match its checksum: the file is damaged or was edited by hand",
            where="manifest",
            fix="restore the stack from its .bak file or from a backup: caraml stack import --file BACKUP",
        )
    return manifest


def _unsealing(provider: dict[str, Any] | None, crypter: Crypter) -> Unseal:
    if provider is None or provider == crypter.provider:
        return unsealed_with(crypter, keep_ciphertext=True)
    phrase = crypter.phrase if isinstance(crypter, PassphraseCrypter) else None
    reader = PassphraseCrypter(salt_of_provider(provider), phrase)
    return unsealed_with(reader, keep_ciphertext=False)


def _pending(document: Mapping[str, Any], unseal: Unseal) -> PendingOperation:
    resource, type_ = document.get("resource"), document.get("type")
    if not isinstance(resource, dict) or type_ not in _OPERATIONS:
        raise CaramlError(f"the state has a bad pending operation of type {type_!r}", allowed=", ".join(_OPERATIONS))
    return PendingOperation(type_, resource_state(resource, unseal))


def _pending_document(operation: PendingOperation, seal: Seal) -> dict[str, Any]:
    return {"resource": resource_document(operation.resource, seal), "type": operation.type}
