"""A bucket of models and its settings, brought to what is wanted and read back.

Settings are keyed as `ArtifactBucketSpec.settings` has them; one that is not among the wanted is left as it is, and so
are lifecycle rules and tags that are not ours.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Any, Final

from botocore.exceptions import ClientError

from caraml_pulumi.artifacts.client import Endpoint, code_of, explained, is_missing, is_not_implemented
from caraml_pulumi.artifacts.store import delete_objects
from caraml_pulumi.errors import CaramlError

Settings = Mapping[str, Any]

_RULE: Final = "caraml-pulumi"
"""The id of our lifecycle rule."""
_NO_REGION: Final = "us-east-1"
"""The region that S3 does not take as a location constraint."""
_BLOCKS: Final = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


class Bucket:
    """The bucket `name`. All methods raise `CaramlError` where S3 fails."""

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        self.name = name
        self._endpoint = endpoint
        self._client = endpoint.client()

    def exists(self) -> bool:
        """Whether the bucket is there and ours to use."""
        try:
            with self._explained("looking for the bucket"):
                self._client.list_objects_v2(Bucket=self.name, MaxKeys=1)  # unlike HeadBucket it says why not
        except CaramlError as error:
            if isinstance(error.__cause__, ClientError) and code_of(error.__cause__) == "NoSuchBucket":
                return False
            raise
        return True

    def create(self, settings: Settings, *, adopt: bool) -> None:
        """Make the bucket with its settings; `adopt` takes one that is there already.

        A bucket that was made, but could not be given its settings, is removed again.
        """
        if there := self.exists():
            if not adopt:
                raise CaramlError(
                    f'bucket "{self.name}" exists already, and your credentials may use it',
                    fix="set adopt=True to manage its settings from now on, or choose another name",
                )
        else:
            region = self._client.meta.region_name
            constraint = {} if region == _NO_REGION else {"CreateBucketConfiguration": {"LocationConstraint": region}}
            with self._explained("creating the bucket"):
                self._client.create_bucket(Bucket=self.name, **constraint)
        try:
            self.apply(settings, {})
        except CaramlError:
            if not there:
                with suppress(CaramlError):
                    self.delete(force=False)
            raise

    def apply(self, wanted: Settings, before: Settings) -> None:
        """Change the settings to `wanted`; `before` is what they were set to.

        Raises:
            CaramlError: also when the endpoint lacks some of the settings, all of which are named.
        """
        steps: tuple[tuple[str, str, Callable[[Settings, Settings], None]], ...] = (
            ("versioning", "versioning", self._set_versioning),
            ("encryption", "encryption", self._set_encryption),
            ("public_access_block", "blockPublicAccess", self._set_public_access),
            ("lifecycle", "noncurrentVersionExpirationDays", self._set_lifecycle),
            ("tags", "tags", self._set_tags),
        )
        lacking = []
        for feature, setting, step in steps:
            if setting not in wanted:
                continue
            try:
                with self._explained(f"setting the bucket's {feature.replace('_', ' ')}"):
                    step(wanted, before)
            except CaramlError as error:
                if not (isinstance(error.__cause__, ClientError) and is_not_implemented(error.__cause__)):
                    raise
                lacking.append(feature)
        if lacking:
            raise CaramlError(
                f'the S3 endpoint does not implement {", ".join(lacking)} of bucket "{self.name}"',
                fix=f"accept that with unsupported={lacking}, or use an endpoint that implements them",
            )

    def read(self, wanted: Settings) -> dict[str, Any] | None:
        """What those settings that are in `wanted` are now; None if there is no bucket."""
        if not self.exists():
            return None
        found: dict[str, Any] = {}
        with self._explained("reading the bucket's settings"):
            if "versioning" in wanted:
                found["versioning"] = self._client.get_bucket_versioning(Bucket=self.name).get("Status") == "Enabled"
            if "encryption" in wanted:
                found |= self._encryption()
            if "blockPublicAccess" in wanted:
                blocks = self._or_none("public_access_block", "PublicAccessBlockConfiguration") or {}
                found["blockPublicAccess"] = all(blocks.get(block) for block in _BLOCKS)
            if "noncurrentVersionExpirationDays" in wanted:
                found |= _days(next((rule for rule in self._rules() if rule.get("ID") == _RULE), {}))
            if "tags" in wanted:
                found["tags"] = {key: value for key, value in self._tags().items() if key in wanted["tags"]}
        return found

    def delete(self, *, force: bool) -> None:
        """Delete the bucket, if it is there; `force` deletes first all that is in it, all versions."""
        if not self.exists():
            return
        if force:
            self._empty()
        with self._explained("deleting the bucket"):
            try:
                self._client.delete_bucket(Bucket=self.name)
            except ClientError as error:
                if code_of(error) != "BucketNotEmpty":
                    raise
                raise CaramlError(
                    f'bucket "{self.name}" is not empty',
                    fix="set retain_on_delete=True, or force_destroy=True to delete all that is in it, and run up",
                ) from error

    def _empty(self) -> None:
        with self._explained("emptying the bucket"):
            for page in self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self.name):
                for upload in page.get("Uploads", []):
                    self._client.abort_multipart_upload(
                        Bucket=self.name, Key=upload["Key"], UploadId=upload["UploadId"]
                    )
            before: list[dict[str, str]] = []
            while (objects := self._first_versions()) and objects != before:
                delete_objects(self._client, self.name, objects)
                before = objects

    def _first_versions(self) -> list[dict[str, str]]:
        """The first 1,000 versions. To go on from there is not safe everywhere, once they are deleted (versitygw)."""
        page = self._client.list_object_versions(Bucket=self.name)
        versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        return [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]

    def _set_versioning(self, wanted: Settings, _before: Settings) -> None:
        now = self._client.get_bucket_versioning(Bucket=self.name).get("Status")
        status = "Enabled" if wanted["versioning"] else "Suspended"
        if now != status and (now or wanted["versioning"]):  # what never was on cannot be suspended
            self._client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": status})

    def _set_encryption(self, wanted: Settings, _before: Settings) -> None:
        default = {"SSEAlgorithm": wanted["encryption"]}
        if wanted["kmsKey"]:
            default["KMSMasterKeyID"] = wanted["kmsKey"]
        rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bool(wanted["kmsKey"])}
        self._client.put_bucket_encryption(Bucket=self.name, ServerSideEncryptionConfiguration={"Rules": [rule]})

    def _encryption(self) -> dict[str, str]:
        found = self._or_none("encryption", "ServerSideEncryptionConfiguration") or {}
        rules = found.get("Rules", [])
        default = rules[0].get("ApplyServerSideEncryptionByDefault", {}) if rules else {}
        return {"encryption": default.get("SSEAlgorithm", ""), "kmsKey": default.get("KMSMasterKeyID", "")}

    def _set_public_access(self, wanted: Settings, _before: Settings) -> None:
        if wanted["blockPublicAccess"]:
            configuration = dict.fromkeys(_BLOCKS, True)
            self._client.put_public_access_block(Bucket=self.name, PublicAccessBlockConfiguration=configuration)
        else:
            self._client.delete_public_access_block(Bucket=self.name)

    def _set_lifecycle(self, wanted: Settings, _before: Settings) -> None:
        others = [rule for rule in self._rules() if rule.get("ID") != _RULE]
        rules = [*others, *_lifecycle(wanted)]
        if rules:
            configuration = {"Rules": rules}
            self._client.put_bucket_lifecycle_configuration(Bucket=self.name, LifecycleConfiguration=configuration)
        else:
            self._client.delete_bucket_lifecycle(Bucket=self.name)

    def _rules(self) -> list[dict[str, Any]]:
        return self._or_none("lifecycle_configuration", "Rules") or []

    def _set_tags(self, wanted: Settings, before: Settings) -> None:
        others = {key: value for key, value in self._tags().items() if key not in before.get("tags", {})}
        if tags := {**others, **wanted["tags"]}:
            tag_set = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
            self._client.put_bucket_tagging(Bucket=self.name, Tagging={"TagSet": tag_set})
        elif before.get("tags"):
            self._client.delete_bucket_tagging(Bucket=self.name)

    def _tags(self) -> dict[str, str]:
        found = self._or_none("tagging", "TagSet") or []
        return {tag["Key"]: tag["Value"] for tag in found if not tag["Key"].startswith("aws:")}

    def _or_none(self, what: str, field: str) -> Any:  # noqa: ANN401 - what S3 answers
        """A part of the bucket's configuration; None where it has none."""
        try:
            return getattr(self._client, f"get_bucket_{what}" if what != "public_access_block" else f"get_{what}")(
                Bucket=self.name
            ).get(field)
        except ClientError as error:
            if is_missing(error) or code_of(error).startswith(("NoSuch", "ServerSideEncryptionConfigurationNotFound")):
                return None
            raise

    def _explained(self, doing: str) -> AbstractContextManager[None]:
        return explained(doing, self._endpoint, self.name)


def _lifecycle(wanted: Settings) -> list[dict[str, Any]]:
    """Our lifecycle rule; none where nothing is to expire."""
    noncurrent, abort = int(wanted["noncurrentVersionExpirationDays"]), int(wanted["abortIncompleteUploadDays"])
    actions = {
        **({"NoncurrentVersionExpiration": {"NoncurrentDays": noncurrent}} if noncurrent else {}),
        **({"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": abort}} if abort else {}),
    }
    return [{"ID": _RULE, "Status": "Enabled", "Filter": {"Prefix": ""}, **actions}] if actions else []


def _days(rule: Mapping[str, Any]) -> dict[str, int]:
    """The days of our lifecycle rule; 0 where it does not do such a thing, or is off."""
    actions = rule if rule.get("Status") == "Enabled" else {}
    return {
        "noncurrentVersionExpirationDays": actions.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays", 0),
        "abortIncompleteUploadDays": actions.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation", 0),
    }
