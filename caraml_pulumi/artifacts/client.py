"""The connection to an S3 endpoint, and the explanation of what goes wrong on it.

Credentials come from where boto3 finds them when it runs (environment, shared files, a profile, a role) and are neither
arguments nor kept.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore import exceptions as failures
from botocore.config import Config

from caraml_pulumi.errors import CaramlError

WORKERS: Final = 16
"""Requests at a time: enough to hide the round trips of small files."""
_ATTEMPTS: Final = 4
_CONNECT_SECONDS: Final = 10
_READ_SECONDS: Final = 120
"""How long an endpoint may take to answer: the end of a large multipart upload takes some a minute."""
_ANY_REGION: Final = "us-east-1"
"""The region for endpoints that have none: what S3-compatible servers expect in signatures."""

S3Client = Any
"""boto3's client for S3: its methods are made at run time."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Which S3 to speak to. What is empty is boto3's own default, such as AWS_ENDPOINT_URL and AWS_REGION.

    `path_style` puts the bucket into the path of a request instead of the host name; `tls` counts where `url` names no
    scheme; `accelerate`, `dualstack` and `fips` choose among Amazon's own endpoints.
    """

    url: str = ""
    region: str = ""
    profile: str = ""
    path_style: bool = False
    tls: bool = True
    accelerate: bool = False
    dualstack: bool = False
    fips: bool = False

    def client(self, *, read_seconds: int = _READ_SECONDS, sign_content: bool = False) -> S3Client:
        """A client; it sends nothing yet. Raises `CaramlError` for settings that cannot be.

        `read_seconds` is how long an answer may take. `sign_content` lets the signature of each request cover its
        content, for requests that bring no checksum of their own.
        """
        with explained("connecting to S3", self):
            session = boto3.Session(profile_name=self.profile or None)
            region = self.region or session.region_name or os.environ.get("AWS_REGION") or _ANY_REGION
            config = Config(
                max_pool_connections=WORKERS,
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=read_seconds,
                retries={"mode": "standard", "max_attempts": _ATTEMPTS},
                request_checksum_calculation="when_required",  # each request brings the checksum that we verify
                response_checksum_validation="when_required",
                use_dualstack_endpoint=self.dualstack or None,
                use_fips_endpoint=self.fips or None,
                s3={
                    "payload_signing_enabled": sign_content,  # where not, the checksum of the content is signed
                    **({"addressing_style": "path"} if self.path_style else {}),
                    **({"use_accelerate_endpoint": True} if self.accelerate else {}),
                },
            )
            try:
                return session.client(
                    "s3", endpoint_url=self.url or None, config=config, region_name=region, use_ssl=self.tls
                )
            except ValueError:
                raise CaramlError(
                    "the endpoint of S3 is not one (not shown: it may hold a password)",
                    allowed="http://host[:port] or https://host[:port]",
                    fix="mend AWS_ENDPOINT_URL, or endpoint_url in the AWS profile",
                ) from None


def code_of(error: failures.ClientError) -> str:
    """The error code in an answer of S3: ``NoSuchKey``, or the HTTP status where the answer had no body."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_missing(error: failures.ClientError) -> bool:
    """Whether an answer of S3 says that the object, or its whole bucket, is not there."""
    return code_of(error) in {"404", "NoSuchKey", "NotFound", "NoSuchBucket"}


def is_not_implemented(error: failures.ClientError) -> bool:
    """Whether an answer of S3 says that the server cannot do such a thing at all."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status in {405, 501} or code_of(error) in {"NotImplemented", "MethodNotAllowed", "XNotImplemented"}


@contextmanager
def explained(doing: str, endpoint: Endpoint, bucket: str = "") -> Iterator[None]:
    """Turn what boto3 raises into a `CaramlError`; `doing` says what was tried: ``uploading model.bin``."""
    try:
        yield
    except failures.ClientError as error:
        raise _refused(error, doing, bucket) from error
    except failures.BotoCoreError as error:
        raise _failed(error, doing, endpoint) from error


_CREDENTIALS: Final = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of ~/.aws (AWS_PROFILE), "
    "or give this machine a role"
)
_WRONG_KEYS: Final = {
    "InvalidAccessKeyId": "the endpoint does not know the access key",
    "XAdminUserNotFound": "the endpoint does not know the access key",  # versitygw
    "SignatureDoesNotMatch": "the secret key does not belong to the access key",
    "ExpiredToken": "the credentials have expired",
    "ExpiredTokenException": "the credentials have expired",
    "InvalidToken": "the session token is not valid",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
    "AuthorizationHeaderMalformed": "the bucket is in another region",
}
_FIXES: Final = {
    "RequestTimeTooSkewed": "set the clock, and let it be kept right (NTP)",
    "AuthorizationHeaderMalformed": "set region to the bucket's",
}
_DENIED: Final = frozenset({"AccessDenied", "403", "Forbidden", "AllAccessDisabled", "AccountProblem"})
_ELSEWHERE: Final = frozenset({"PermanentRedirect", "301", "TemporaryRedirect", "IllegalLocationConstraintException"})


def _refused(error: failures.ClientError, doing: str, bucket: str) -> CaramlError:
    """Why S3 refused a request."""
    code = code_of(error)
    of_bucket = f' of bucket "{bucket}"' if bucket else ""
    if code in _WRONG_KEYS:
        fix = _FIXES.get(code, _CREDENTIALS)
        return CaramlError(f"S3 refuses the credentials while {doing}: {_WRONG_KEYS[code]} ({code})", fix=fix)
    if code in _DENIED:
        return CaramlError(
            f"S3 denies {doing}: the credentials may not do that{of_bucket} ({error.operation_name})",
            fix=f"grant s3:{error.operation_name} on it, or use other credentials",
        )
    if code == "NoSuchBucket":
        return CaramlError(f'there is no bucket "{bucket}"', fix="create it with an ArtifactBucket, or mend its name")
    if code == "NoSuchUpload":
        return CaramlError(f"the upload was ended by somebody else while {doing}", fix="run it again")
    if code in {"BucketAlreadyExists", "BucketAlreadyOwnedByYou"}:
        return CaramlError(f'bucket "{bucket}" exists already', fix="choose another name: they are shared by everybody")
    if code in _ELSEWHERE:
        region = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amz-bucket-region", "")
        return CaramlError(
            f'bucket "{bucket}" is in another region{f": {region}" if region else ""}', fix="set region to the bucket's"
        )
    message = str(error.response.get("Error", {}).get("Message", "")).rstrip(".")
    return CaramlError(f"S3 failed while {doing}: {message or 'it gave no reason'} ({code}, {error.operation_name})")


def _failed(error: failures.BotoCoreError, doing: str, endpoint: Endpoint) -> CaramlError:
    """Why a request was not sent, or not answered."""
    if isinstance(error, failures.ProfileNotFound):
        return CaramlError(
            f'there is no AWS profile "{endpoint.profile or error.kwargs.get("profile", "")}"', fix=_CREDENTIALS
        )
    without = (
        failures.NoCredentialsError,
        failures.PartialCredentialsError,
        failures.CredentialRetrievalError,
        failures.TokenRetrievalError,
        failures.SSOError,
    )
    if isinstance(error, without):
        return CaramlError(f"there are no credentials for S3 while {doing}: {error}", fix=_CREDENTIALS)
    if isinstance(error, failures.HTTPClientError | failures.ConnectionError):
        url = str(error.kwargs.get("endpoint_url") or endpoint.url or "S3")
        reason = "its certificate is not trusted" if isinstance(error, failures.SSLError) else "it does not answer"
        host = "/".join(url.split("/")[:3])
        return CaramlError(
            f"{host} cannot be reached while {doing}: {reason} ({type(error).__name__})",
            fix="check the endpoint (endpoint, or AWS_ENDPOINT_URL) and the network, then run it again",
        )
    return CaramlError(f"S3 cannot be used while {doing}: {error}")
