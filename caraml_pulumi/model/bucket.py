"""The settings of a bucket for models."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.artifacts import ConnectionSpec, bucket_name
from caraml_pulumi.model.numbers import WholeNumber
from caraml_pulumi.model.spec import as_validation_error, rule

_MOST_DAYS: Final = 36_500
_MOST_TAGS: Final = 50
"""S3's limit."""
PUBLIC_ACCESS_BLOCKS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
"""S3's four settings that block public access."""
KMS: Final = "aws:kms"
"""S3's name of encryption with a key of KMS."""
S3_KEYS: Final = "AES256"
"""S3's name of encryption with its own keys (SSE-S3)."""


class BucketFeature(StrEnum):
    """A setting that an S3-compatible endpoint may lack."""

    VERSIONING = "versioning"
    ENCRYPTION = "encryption"
    PUBLIC_ACCESS_BLOCK = "public_access_block"
    LIFECYCLE = "lifecycle"
    TAGS = "tags"


_NOUNS: Final = {
    BucketFeature.VERSIONING: "versioning",
    BucketFeature.ENCRYPTION: "encryption",
    BucketFeature.PUBLIC_ACCESS_BLOCK: "a block of public access",
    BucketFeature.LIFECYCLE: "a lifecycle",
    BucketFeature.TAGS: "tags",
}


def days(value: int) -> int:
    """`value` itself if it is a number of days that a lifecycle rule can have, or 0. Raises `CaramlError`."""
    if not 0 <= value <= _MOST_DAYS:
        raise CaramlError(f"{value} is not a number of days", allowed=f"1 to {_MOST_DAYS}, or 0 for never")
    return value


Days = Annotated[WholeNumber, rule(days)]


def tags_of_s3(tags: dict[str, str]) -> dict[str, str]:
    """`tags` themselves if S3 takes them. Raises `CaramlError`."""
    if len(tags) > _MOST_TAGS:
        raise CaramlError(f"{len(tags)} tags are too many", allowed=f"at most {_MOST_TAGS}")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or len(value) > 256 or key.startswith("aws:"):
            raise CaramlError(
                f'"{key}" cannot be a tag',
                allowed="keys of 1 to 128 characters not beginning with aws:, values up to 256",
            )
    return tags


class ArtifactBucketSpec(ConnectionSpec):
    """A bucket and its settings. See `ArtifactBucket` for the meaning of each."""

    bucket: Annotated[str, rule(bucket_name)]
    versioning: bool = True
    kms_key: str | None = None
    block_public_access: bool = True
    noncurrent_version_expiration_days: Days = 90
    abort_incomplete_upload_days: Days = 7
    tags: Annotated[dict[str, str], rule(tags_of_s3)] = Field(default_factory=dict)
    adopt: bool = False
    force_destroy: bool = False
    retain_on_delete: bool | None = None
    unsupported: tuple[BucketFeature, ...] = ()

    @model_validator(mode="after")
    def _agree(self) -> "ArtifactBucketSpec":
        with as_validation_error("retain_on_delete"):
            if self.retain_on_delete and self.force_destroy:
                raise CaramlError(
                    "a bucket cannot both be retained and be destroyed by force", fix="give one of the two alone"
                )
        for feature, given, name in (
            (BucketFeature.ENCRYPTION, self.kms_key, "kms_key"),
            (BucketFeature.TAGS, self.tags, "tags"),
        ):
            with as_validation_error(name):
                if given and feature in self.unsupported:
                    raise CaramlError(
                        f"{name} is given, and the endpoint is said to lack it: unsupported", fix="drop one"
                    )
        return self

    @property
    def retained(self) -> bool:
        """Whether the bucket stays when its resource is deleted: unless something else was asked for."""
        return not self.force_destroy if self.retain_on_delete is None else self.retain_on_delete

    def inputs(self) -> dict[str, Any]:
        """The bucket as the provider takes it."""
        flags = {"adopt": self.adopt, "forceDestroy": self.force_destroy}
        return {"bucket": self.bucket, **self.connection(), **self.settings(), **flags}

    def settings(self) -> dict[str, Any]:
        """The settings that the endpoint has, by the names under which they are kept in the state and shown."""
        all_of_them: dict[BucketFeature, dict[str, Any]] = {
            BucketFeature.VERSIONING: {"versioning": self.versioning},
            BucketFeature.ENCRYPTION: {
                "encryption": KMS if self.kms_key else S3_KEYS,
                "kmsKey": self.kms_key or "",
            },
            BucketFeature.PUBLIC_ACCESS_BLOCK: {"blockPublicAccess": self.block_public_access},
            BucketFeature.LIFECYCLE: {
                "noncurrentVersionExpirationDays": self.noncurrent_version_expiration_days,
                "abortIncompleteUploadDays": self.abort_incomplete_upload_days,
            },
            BucketFeature.TAGS: {"tags": dict(self.tags)},
        }
        return {
            name: value
            for feature, settings in all_of_them.items()
            if feature not in self.unsupported
            for name, value in settings.items()
        }


def endpoint_has(feature: BucketFeature, unsupported: Iterable[str], accepted: bool) -> None:
    """Refuse a bucket without `feature` since its endpoint is said to lack it, unless that is `accepted`."""
    if feature.value in unsupported and not accepted:
        raise CaramlError(
            f"the bucket does without {_NOUNS[feature]}: its endpoint is said to lack it",
            fix=f"take {feature.value} out of unsupported, or use an endpoint that has it",
        )


def bucket_versioned(versioned: bool) -> None:
    """Refuse a bucket in which an overwritten or deleted model is gone."""
    if not versioned:
        raise CaramlError(
            "the bucket is not versioned: a model that is overwritten or deleted is gone",
            fix="turn versioning on",
        )


def bucket_encrypted(algorithm: str, allowed: Iterable[str] = ()) -> None:
    """Refuse a bucket whose new objects are not encrypted, or with none of the algorithms that are `allowed`, if any.

    S3 encrypts every object with its own keys (AES256) unless told otherwise.
    """
    known = tuple(allowed)
    if not algorithm or (known and algorithm not in known):
        how = f"is encrypted with {algorithm}" if algorithm else "is not encrypted"
        raise CaramlError(
            f"the bucket {how}",
            allowed=" or ".join(known) or f"{S3_KEYS} or {KMS}",
            fix="give it a key of KMS (kmsKey)" if KMS in known else "encrypt it",
        )


def bucket_blocks_public_access(blocked: bool) -> None:
    """Refuse a bucket that policies and ACLs can open to the world."""
    if not blocked:
        raise CaramlError(
            "public access to the bucket is not blocked: a policy or an ACL can open it to the world",
            allowed=f"true for all of {', '.join(PUBLIC_ACCESS_BLOCKS)}; enforced for publicAccessPrevention",
            fix="block public access; give readers rights of their own",
        )


def acl_is_private(acl: str) -> None:
    """Refuse a canned ACL of S3 that gives others than the owner rights on the bucket."""
    if acl.startswith("public-") or acl in ("public", "authenticated-read"):
        raise CaramlError(
            f'the ACL "{acl}" opens the bucket to others', allowed="private", fix="remove acl, or set it to private"
        )


def bucket_not_force_destroyed(force_destroy: bool) -> None:
    """Refuse a bucket that is deleted together with all that is in it."""
    if force_destroy:
        raise CaramlError(
            "the bucket is deleted with all models in it when it is removed from the stack",
            allowed="forceDestroy: false, the default",
            fix="remove forceDestroy; empty the bucket by hand before it is deleted",
        )
