"""Where models are stored: the URIs that the storage initializer downloads, and places in S3 buckets."""

import re
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlsplit

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.deferred import Value, checked
from caraml_pulumi.model.spec import Spec, deferrable, rule

SCHEMES: Final = {
    "s3": "s3://bucket/prefix",
    "gs": "gs://bucket/prefix",
    "https": "https://host/path/file, or an Azure blob: https://account.blob.core.windows.net/container/prefix",
    "http": "http://host/path/file",
    "hdfs": "hdfs://host/path",
    "webhdfs": "webhdfs://host/path",
    "pvc": "pvc://claim/path",
    "hf": "hf://owner/model[:revision]",
}
"""The schemes that KServe's storage initializer downloads from, each with its form."""

URI_LENGTH: Final = 2048
"""The longest URI, in characters: what clients and servers of HTTP commonly take."""

_ELSEWHERE: Final = {
    "file": "the files of this machine are not in the cluster: upload them with a ModelArtifact",
    "oci": "the storage initializer does not pull images: use the image as the version's own image",
    "gcs": "write gs:// for Google Cloud Storage",
    "s3a": "write s3:// for S3",
    "s3n": "write s3:// for S3",
}
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_CLAIM = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_HUB = re.compile(r"[\w.-]+/[\w.-]+(?::[\w./-]+)?", re.ASCII)
_PREFIX = re.compile(r"[\w!.*'()/=+@,-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Location:
    """A place in an S3 bucket. The prefix has no slash at either end, and is empty for the bucket itself."""

    bucket: str
    prefix: str = ""

    @property
    def uri(self) -> str:
        """``s3://bucket/prefix``."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def child(self, *parts: str) -> "Location":
        """The place under this one."""
        return Location(self.bucket, "/".join(part for part in (self.prefix, *parts) if part))


def storage_uri(value: str) -> str:
    """`value` itself if KServe's storage initializer can download from it.

    Whether something is there is not looked up. Raises `CaramlError` for a scheme that the storage initializer does not
    take, for a URI that is not of its scheme's form, and for one with a password in it, which is never shown.
    """
    if not value or len(value) > URI_LENGTH or re.search(r"[\s\x00-\x1f\x7f]", value):
        raise CaramlError(
            f"the storage URI is {'empty' if not value else 'too long or has spaces in it'}",
            allowed=f"1 to {URI_LENGTH} characters without spaces: {_forms()}",
        )
    scheme, separator, rest = value.partition("://")
    if not separator:
        raise CaramlError(
            f'"{value}" is not a storage URI: it has no scheme',
            allowed=_forms(),
            fix="upload a directory with a ModelArtifact, and use its uri",
        )
    if scheme not in SCHEMES:
        raise CaramlError(
            f'the storage initializer does not download from "{scheme}://"',
            allowed=_forms(),
            fix=_ELSEWHERE.get(scheme, "write the scheme in lower case" if scheme.lower() in SCHEMES else ""),
        )
    if "@" in rest.partition("/")[0] and scheme != "hf":
        raise CaramlError(
            f"the {scheme}:// storage URI has a user or a password in it (not shown)",
            fix="give the storage initializer its credentials by a service account or a Secret",
        )
    if not _well_formed(scheme, value, rest):
        raise CaramlError(f'"{value}" is not a {scheme}:// storage URI', allowed=SCHEMES[scheme])
    return value


def _well_formed(scheme: str, value: str, rest: str) -> bool:
    host, _, path = rest.partition("/")
    if scheme == "s3":
        return is_bucket_name(host)
    if scheme == "pvc":
        return bool(_CLAIM.fullmatch(host))
    if scheme == "hf":
        return bool(_HUB.fullmatch(rest))
    if scheme in {"http", "https"}:
        try:
            return bool(urlsplit(value).hostname and path)
        except ValueError:
            return False
    return bool(host)


def _forms() -> str:
    return "; ".join(SCHEMES.values())


def is_bucket_name(name: str) -> bool:
    """Whether S3 takes `name` for a bucket."""
    return (
        bool(_BUCKET.fullmatch(name))
        and not _ADDRESS.fullmatch(name)
        and not any(pair in name for pair in ("..", ".-", "-."))
        and not name.startswith(("xn--", "sthree-"))
        and not name.endswith(("-s3alias", "--ol-s3"))
    )


def bucket_name(name: str) -> str:
    """`name` itself if S3 takes it for a bucket. Raises `CaramlError`."""
    if not is_bucket_name(name):
        raise CaramlError(
            f'"{name}" is not a name for a bucket',
            allowed="3 to 63 lower-case letters, digits, dashes and single dots, a letter or digit at both ends, "
            "not an IP address",
        )
    return name


def object_prefix(prefix: str) -> str:
    """`prefix` without the slashes around it, if keys that begin with it are safe everywhere. Raises `CaramlError`."""
    bare = prefix.strip("/")
    if not _PREFIX.fullmatch(bare) or any(part in {"", ".", ".."} for part in bare.split("/") if bare):
        raise CaramlError(
            f'"{prefix}" is not a prefix of keys',
            allowed="letters, digits and ! - _ . * ' ( ) = + @ , in parts between single slashes, none of them . or ..",
        )
    return bare


def s3_location(uri: str) -> Location:
    """The place that ``s3://bucket/prefix`` names. Raises `CaramlError`."""
    scheme, separator, rest = uri.partition("://")
    if scheme != "s3" or not separator:
        raise CaramlError(f'"{uri}" is not a place in an S3 bucket', allowed="s3://bucket or s3://bucket/prefix")
    name, _, prefix = rest.partition("/")
    return Location(bucket_name(name), object_prefix(prefix))


def tree_location(place: Location, digest: str) -> Location:
    """Where the tree of a digest is, in the place of a model: ``place/<digest>``, the files under it as they were."""
    return place.child(digest)


def manifest_location(place: Location, digest: str = "") -> Location:
    """Where the manifest of a tree is, or those of all: beside the trees, so that it is not downloaded with one."""
    return place.child(".manifests", f"{digest}.json" if digest else "")


def bucket_uri(value: str) -> str:
    """``s3://bucket`` or ``s3://bucket/prefix`` for a bucket given by its name or so. Raises `CaramlError`."""
    return s3_location(value).uri if "://" in value else Location(bucket_name(value)).uri


def endpoint_url(value: str) -> str:
    """`value` itself if it is the address of an S3 endpoint, without anything secret in it. Raises `CaramlError`."""
    try:
        parts = urlsplit(value)
        sound = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or True)
        sound = sound and parts.path in {"", "/"} and not parts.query and not parts.fragment
    except ValueError:
        sound = False
    if "@" in value:
        raise CaramlError(
            "the endpoint has a user or a password in it (not shown)",
            fix="leave them out: credentials are read from the environment or an AWS profile when they are needed",
        )
    if not sound:
        raise CaramlError(f'"{value}" is not an endpoint', allowed="http://host[:port] or https://host[:port]")
    return value.rstrip("/")


def model_segment(value: str) -> str:
    """`value` itself if it can be the part of keys that names a model. Raises `CaramlError`."""
    if not value or "/" in value or value.startswith("."):
        raise CaramlError(
            f'"{value}" cannot name a model in a bucket', allowed="one part of a key, without / or a dot first"
        )
    return object_prefix(value)


class ConnectionSpec(Spec):
    """Which S3 to speak to; what is not given is boto3's own default."""

    endpoint: Annotated[str, rule(endpoint_url)] | None = None
    region: str | None = None
    profile: str | None = None

    def connection(self) -> dict[str, str]:
        """What was given of it."""
        named = {"endpoint": self.endpoint, "region": self.region, "profile": self.profile}
        return {name: value for name, value in named.items() if value}


class ModelArtifactSpec(ConnectionSpec):
    """What a model's files are, and where they go. See `ModelArtifact` for the meaning of each."""

    model_dir: str
    bucket: Annotated[str, rule(bucket_uri), deferrable(bucket_uri)]
    prefix: Annotated[str, rule(object_prefix)] = ""
    model: Annotated[str, rule(model_segment)]
    retain_on_delete: bool = True

    @property
    def place(self) -> Value:
        """The URI of the place of all of the model's trees, deferred like the bucket."""
        return checked(self.bucket, lambda uri: s3_location(uri).child(self.prefix, self.model).uri)

    def inputs(self) -> dict[str, Value]:
        """The place and how to get there, as the provider takes them."""
        return {"place": self.place, **self.connection()}
