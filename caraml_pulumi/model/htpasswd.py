"""The file by which nginx knows the clients of a private endpoint."""

import hashlib
from collections.abc import Mapping
from typing import Final

_SALT_LENGTH: Final = 8
"""apr1 takes no more."""


def htpasswd(tokens: Mapping[str, str], realm: str) -> str:
    """The lines of an htpasswd file, `name:hash`, for clients and their tokens (PrimeHub: apache md5).

    The hash is apr1, which nginx verifies by itself, whatever the C library of its image. Its salt follows from the
    realm, the name and the token, so that an unchanged token is no change; the same token has another hash for another
    client or in another realm.
    """
    from passlib.hash import apr_md5_crypt  # loads dozens of schemes' registry

    lines = []
    for name, token in sorted(tokens.items()):
        salt = hashlib.sha256("\0".join((realm, name, token)).encode()).hexdigest()[:_SALT_LENGTH]
        lines.append(f"{name}:{apr_md5_crypt.using(salt=salt).hash(token)}\n")
    return "".join(lines)
