"""URLs as they may be shown."""

from urllib.parse import urlsplit, urlunsplit

_WITH_A_USER = ("", "ssh", "git+ssh")
"""Schemes whose URLs name a user and no password: ``ssh://git@host/path``, ``git@host:path``."""


def without_credentials(url: str) -> str:
    """`url` without the user and password that it may hold; a URL that is none stays."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    bare = parts.netloc.rpartition("@")[2]
    return url if parts.scheme in _WITH_A_USER or bare == parts.netloc else urlunsplit(parts._replace(netloc=bare))
