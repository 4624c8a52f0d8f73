"""The storage initializer: what brings a version's artifacts to its replicas before they start."""

from typing import Annotated, Final

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import names
from caraml_pulumi.model.artifacts import storage_uri
from caraml_pulumi.model.env import env_name
from caraml_pulumi.model.images import image_reference
from caraml_pulumi.model.resources import MemoryText, QuantityText, limit_above_request
from caraml_pulumi.model.spec import Spec, as_validation_error, rule

PVC_SCHEME: Final = "pvc://"
"""Artifacts on a PersistentVolumeClaim, which is mounted and copied from."""
STORAGE_INITIALIZER_IMAGE: Final = "kserve/storage-initializer:v0.15.2"
"""KServe's image; KServe itself uses its tag `latest`, which changes under a running model."""


def resolved_storage_uri(value: str) -> str:
    """A storage URI that was an Output at preview. Raises `CaramlError`, also for a claim: a volume is planned."""
    if value.startswith(PVC_SCHEME):
        raise CaramlError(f"a {PVC_SCHEME} storage URI must be known at preview", fix="give a plain text")
    return storage_uri(value)


class StorageInitializerSpec(Spec):
    """KServe's storage initializer, an init container; the resources are KServe's."""

    image: Annotated[str, rule(image_reference)] = STORAGE_INITIALIZER_IMAGE
    """An image that takes a URI and a directory, and downloads the one into the other."""
    cpu_request: QuantityText = "100m"
    """CPU cores."""
    memory_request: MemoryText = "100Mi"
    """Memory in bytes."""
    cpu_limit: QuantityText = "1"
    """CPU cores."""
    memory_limit: MemoryText = "1Gi"
    """Memory in bytes."""
    env: dict[Annotated[str, rule(env_name)], str] = Field(default_factory=dict)
    """Its environment variables, such as ``AWS_ENDPOINT_URL``; credentials belong into `credentialsSecret`."""
    credentials_secret: Annotated[str, rule(names.dns_name)] | None = None
    """A Secret in each project's namespace whose keys are environment variables, such as ``AWS_ACCESS_KEY_ID`` and
    ``AWS_SECRET_ACCESS_KEY``. Default: none, for public artifacts and for service accounts with an identity."""

    @model_validator(mode="after")
    def _hold_rules(self) -> "StorageInitializerSpec":
        with as_validation_error("cpu_limit"):
            limit_above_request("CPU", self.cpu_request, self.cpu_limit)
        with as_validation_error("memory_limit"):
            limit_above_request("memory", self.memory_request, self.memory_limit)
        return self
