"""What the ``s3://`` URL of a backend says, as the Pulumi CLI reads it."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from caraml_pulumi.artifacts.client import Endpoint
from caraml_pulumi.errors import CaramlError

_BUCKET: Final = re.compile(r"[A-Za-z0-9._-]{1,255}")
"""What S3 and its kin take as the name of a bucket."""
_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_PATH_STYLE: Final = ("use_path_style", "s3ForcePathStyle", "hostname_immutable")
_WITHOUT_TLS: Final = ("disable_https", "disableSSL")
_FLAGS: Final = (*_PATH_STYLE, *_WITHOUT_TLS, "accelerate", "dualstack", "fips")
_TEXTS: Final = ("endpoint", "kmskeyid", "prefix", "profile", "region", "ssetype")
_OF_THE_CLI: Final = (
    "awssdk",
    "rate_limiter_capacity",
    "request_checksum_calculation",
    "response_checksum_validation",
)
"""Settings of the library that the Pulumi CLI speaks S3 with; they mean nothing here."""
_ENCRYPTIONS: Final = {name.lower(): name for name in ("AES256", "aws:kms", "aws:kms:dsse")}


@dataclass(frozen=True, slots=True)
class S3Location:
    """A directory in a bucket.

    `prefix` is put before every key: empty, or ending with ``/`` unless the URL's ``prefix`` says otherwise.
    `encryption` are the arguments of a PutObject that ask for encryption at rest, none by default: the bucket's own.
    """

    url: str
    bucket: str
    prefix: str
    endpoint: Endpoint
    encryption: tuple[tuple[str, str], ...] = ()

    def place(self, key: str) -> str:
        """The object `key` under the prefix, for messages."""
        return f"s3://{self.bucket}/{self.prefix}{key}"


def parse_s3_url(url: str) -> S3Location:
    """Read ``s3://BUCKET[/DIRECTORY][?region=..&endpoint=..&s3ForcePathStyle=true&disableSSL=..&profile=..]``.

    Also understood: ``use_path_style``, ``disable_https``, ``hostname_immutable``, ``accelerate``, ``dualstack``,
    ``fips``, ``ssetype`` and ``kmskeyid`` (encryption at rest), and ``prefix`` (before the directory). What is left out
    is found where every S3 client finds it, such as AWS_REGION and AWS_ENDPOINT_URL.

    Raises:
        CaramlError: there is no bucket in it, a setting is not known, or a value cannot be.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _wrong("the URL of the backend is not one", url) from None
    if "@" in parts.netloc:
        raise _wrong("the URL of the backend holds credentials (not shown)", "s3://...")
    if not parts.netloc:
        raise _wrong(f"the backend {url!r} names no bucket", url)
    if not _BUCKET.fullmatch(parts.netloc):
        raise _wrong(f"a bucket cannot be called {parts.netloc!r}", url)
    settings = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in settings:
        if name not in {*_FLAGS, *_TEXTS, *_OF_THE_CLI}:
            raise CaramlError(
                f"the backend's URL has a setting {name!r}, which is not known",
                where=url,
                allowed=", ".join(sorted({*_FLAGS, *_TEXTS, *_OF_THE_CLI})),
            )
    flags = {name: _flag(url, name, settings[name]) for name in _FLAGS if name in settings}
    without_tls = any(flags.get(name, False) for name in _WITHOUT_TLS)
    directory = unquote(parts.path).strip("/")
    return S3Location(
        url=url,
        bucket=parts.netloc,
        prefix=settings.get("prefix", "") + (f"{directory}/" if directory else ""),
        endpoint=Endpoint(
            url=_endpoint(url, settings.get("endpoint", ""), "http" if without_tls else "https"),
            region=settings.get("region", ""),
            profile=settings.get("profile", ""),
            path_style=any(flags.get(name, False) for name in _PATH_STYLE),
            tls=not without_tls,
            accelerate=flags.get("accelerate", False),
            dualstack=flags.get("dualstack", False),
            fips=flags.get("fips", False),
        ),
        encryption=_encryption(url, settings.get("ssetype", ""), settings.get("kmskeyid", "")),
    )


def _flag(url: str, name: str, text: str) -> bool:
    if text not in _TRUE | _FALSE:
        raise CaramlError(
            f"the setting {name} of the backend's URL is {text!r}", where=url, allowed="true or false", fix="mend it"
        )
    return text in _TRUE


def _endpoint(url: str, text: str, scheme: str) -> str:
    if "@" in text:
        raise _wrong("the endpoint in the backend's URL holds credentials (not shown)", url.partition("?")[0])
    return f"{scheme}://{text}" if text and "://" not in text else text


def _encryption(url: str, kind: str, key: str) -> tuple[tuple[str, str], ...]:
    if not kind and not key:
        return ()
    if kind.lower() not in _ENCRYPTIONS and kind:
        raise CaramlError(
            f"the setting ssetype of the backend's URL is {kind!r}", where=url, allowed=", ".join(_ENCRYPTIONS.values())
        )
    chosen = (("ServerSideEncryption", _ENCRYPTIONS[kind.lower()]),) if kind else ()
    return (*chosen, ("SSEKMSKeyId", key)) if key else chosen


def _wrong(what: str, url: str) -> CaramlError:
    return CaramlError(
        what,
        where=url,
        allowed="s3://BUCKET[/DIRECTORY][?region=...&endpoint=...&s3ForcePathStyle=true&profile=...]",
        fix="mend PULUMI_BACKEND_URL, or backend.url in Pulumi.yaml; credentials belong in AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, or in a profile",
    )
