"""How connections to an API server are made: TLS, client certificates, proxies."""

import os
import ssl
import tempfile
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube.credentials import Credentials
from caraml_pulumi.kube.kubeconfig import ClusterConfig

POOL_SIZE: Final = 64
"""Connections kept open; more threads than that wait for one."""


def connection_pool(config: ClusterConfig, credentials: Credentials) -> urllib3.HTTPConnectionPool:
    """The pool for `config`'s server, presenting `credentials`.

    Raises `CaramlError` for unusable certificates, and a server that is no address.
    """
    options: dict[str, Any] = {"maxsize": POOL_SIZE, "block": True, "retries": False}
    if config.server.startswith("https"):
        options["ssl_context"] = _ssl_context(config, credentials)
        if config.insecure:
            options.update(cert_reqs="CERT_NONE", assert_hostname=False)
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        if config.tls_server_name:
            options.update(server_hostname=config.tls_server_name, assert_hostname=config.tls_server_name)
    proxy = config.proxy_url or _environment_proxy(config.server)
    manager = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
    try:
        return manager.connection_from_url(config.server)
    except urllib3.exceptions.LocationParseError as error:
        raise CaramlError(
            f"the server {config.server!r} of the cluster is no address",
            where=config.source,
            allowed="an https:// or http:// URL with a port up to 65535",
        ) from error


def _environment_proxy(server: str) -> str:
    parts = urlsplit(server)
    if proxy_bypass(parts.netloc) or parts.hostname in ("127.0.0.1", "localhost", "::1"):
        return ""
    return getproxies().get(parts.scheme, "")


def _ssl_context(config: ClusterConfig, credentials: Credentials) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if config.ca:
            context = ssl.create_default_context(cadata=config.ca.decode())
    except (ssl.SSLError, UnicodeDecodeError, ValueError) as error:
        raise CaramlError(f"certificate-authority in {config.source} holds no PEM certificate") from error
    if config.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if credentials.certificate:
        # the ssl module reads certificates from files only
        with tempfile.TemporaryDirectory() as directory:
            bundle = os.path.join(directory, "client.pem")
            with open(os.open(bundle, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(credentials.certificate + b"\n" + credentials.key)
            try:
                context.load_cert_chain(bundle)
            except ssl.SSLError as error:
                raise CaramlError(
                    f"the client certificate and key of user {config.user.name!r} are no PEM, or are no pair",
                    where=config.source,
                ) from error
    return context
