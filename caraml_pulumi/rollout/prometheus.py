"""Prometheus, asked over its HTTP API for the value of an expression now."""

import math
import os
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3

from caraml_pulumi.errors import CaramlError

TOKEN_VARIABLE: Final = "CARAML_PROMETHEUS_TOKEN"  # noqa: S105 - the name of a variable
"""A bearer token for a Prometheus that asks for one; it is never shown."""
TIMEOUT_SECONDS: Final = 10.0


class Prometheus:
    """A Prometheus, or what speaks its API: Thanos, Mimir, VictoriaMetrics."""

    def __init__(self, url: str) -> None:
        """Raises `CaramlError` if `url` is no address of a web server, or has a password in it."""
        try:
            parts = urlsplit(url)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise CaramlError(f'"{url}" is not the address of a Prometheus', allowed="http://host:9090")
        if parts.username or parts.password:
            raise CaramlError(
                "the address of Prometheus has a password in it, which logs would show",
                fix=f"take it out; a bearer token is taken from the environment: {TOKEN_VARIABLE}",
            )
        self.url = url.rstrip("/")
        token = os.environ.get(TOKEN_VARIABLE, "")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT_SECONDS)

    def value(self, expression: str) -> float | None:
        """The value of `expression` now, the largest if there are several; None without samples.

        Raises:
            CaramlError: Prometheus cannot be reached, refuses, or does not understand.
        """
        result = self._result(expression)
        try:
            numbers = [float(series["value"][1]) for series in result]
        except (KeyError, IndexError, TypeError, ValueError):
            raise self._no_prometheus("a vector without values") from None
        return max((number for number in numbers if not math.isnan(number)), default=None)

    def check(self) -> None:
        """Make sure that it answers. Raises `CaramlError` if it does not."""
        self._result("vector(1)")

    def _result(self, expression: str) -> list[dict[str, Any]]:
        address = f"{self.url}/api/v1/query"
        try:
            response = self._pool.request(
                "POST", address, fields={"query": expression}, encode_multipart=False, headers=self._headers
            )
        except urllib3.exceptions.HTTPError as error:
            raise CaramlError(
                f"Prometheus cannot be reached: {_cause(error)}",
                where=self.url,
                fix="correct --prometheus or the platform's monitoring.prometheusUrl, or forward its port",
            ) from None
        try:
            document = response.json()
            status = document["status"]
        except (ValueError, KeyError, TypeError):
            document, status = {}, ""
        if response.status in (401, 403):
            raise CaramlError(
                f"Prometheus answers {response.status}: it asks for a token, or for another one",
                where=self.url,
                fix=f"give a token that it accepts in {TOKEN_VARIABLE}",
            )
        if status == "error":
            raise CaramlError(f"Prometheus answers {response.status}: {document.get('error')}", where=self.url)
        try:
            kind, result = document["data"]["resultType"], document["data"]["result"]
        except (KeyError, TypeError):
            raise self._no_prometheus(f"status {response.status}") from None
        if kind != "vector" or not isinstance(result, list):
            raise self._no_prometheus(f"a {kind}")
        return result

    def _no_prometheus(self, answer: str) -> CaramlError:
        return CaramlError(
            f"Prometheus cannot be asked: what answers does not speak its HTTP API ({answer})",
            where=self.url,
            fix="give the address that /api/v1/query follows, without a login page before it",
        )


def _cause(error: urllib3.exceptions.HTTPError) -> str:
    if isinstance(error, urllib3.exceptions.TimeoutError) and not isinstance(
        error, urllib3.exceptions.NewConnectionError
    ):
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    if isinstance(error, urllib3.exceptions.SSLError):
        return f"TLS fails: {error}"
    return str(error).rpartition(": ")[2]
