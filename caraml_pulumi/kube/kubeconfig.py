"""Which API server to talk to, and as whom: the kubeconfig, read as kubectl reads it.

Taken in this order: the path or text given, the files named by ``KUBECONFIG`` (merged, the first to set a name wins),
``~/.kube/config``, the service account of the pod we run in.
"""

import base64
import binascii
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube.errors import ClusterUnreachable

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TEXT: Final = "the kubeconfig given as text"


@dataclass(frozen=True, slots=True)
class User:
    """Credentials of one kubeconfig user. `certificate` and `key` are PEM; `exec` is the exec plugin's mapping."""

    name: str = ""
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    username: str = ""
    password: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    exec: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """One API server, how to trust it, and the user to be.

    `namespace` is the context's, ``default`` when it has none. `source` names the kubeconfig for messages, `directory`
    is where relative paths and exec plugins start from.
    """

    server: str
    user: User = field(default_factory=User)
    namespace: str = "default"
    context: str = ""
    ca: bytes = b""
    insecure: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    source: str = ""
    directory: Path | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    """One named cluster, user or context, and the file it is in."""

    value: dict[str, Any]
    source: str
    directory: Path | None


def load_cluster_config(
    kubeconfig: str | None = None, context: str | None = None, cluster: str | None = None
) -> ClusterConfig:
    """The API server and user of `context` (None: the current one) in `kubeconfig`, a path or the text itself.

    `cluster` takes another cluster than the context's. Raises `CaramlError` that names the file and the key,
    `ClusterUnreachable` when no cluster is configured at all.
    """
    documents = _documents(kubeconfig)
    if not documents:
        return _in_cluster()
    entries = {section: _named(documents, section) for section in ("clusters", "users", "contexts")}
    sources = ", ".join(source for _, source, _ in documents)
    current = context or next((text for raw, _, _ in documents if (text := raw.get("current-context"))), "")
    if not current:
        raise CaramlError(
            f"{sources} names no current-context",
            allowed=_names(entries["contexts"]),
            fix="kubectl config use-context NAME, or give the context",
        )
    chosen = _lookup(entries["contexts"], str(current), "context", sources)
    values = chosen.value
    cluster_entry = _lookup(entries["clusters"], cluster or str(values.get("cluster", "")), "cluster", chosen.source)
    user_name = str(values.get("user", ""))
    user_entry = _lookup(entries["users"], user_name, "user", chosen.source) if user_name else _Entry({}, sources, None)
    return _cluster_config(cluster_entry, _user(user_name, user_entry), str(current), values.get("namespace"))


def _documents(kubeconfig: str | None) -> list[tuple[dict[str, Any], str, Path | None]]:
    if kubeconfig and kubeconfig.strip():
        if "\n" in kubeconfig or kubeconfig.lstrip().startswith("{"):
            return [(_parse(kubeconfig, TEXT), TEXT, None)]
        path = Path(kubeconfig).expanduser()
        if not os.path.exists(path):  # unlike Path.exists, no error for what cannot be a path
            raise ClusterUnreachable(
                f"the kubeconfig {path} does not exist",
                fix="correct the path, or start a local cluster with caraml cluster up",
            )
        paths = [path]
    elif variable := os.environ.get("KUBECONFIG", "").strip():
        named = [Path(part).expanduser() for part in variable.split(os.pathsep) if part]
        paths = [path for path in named if path.exists()]
        if not paths:
            raise ClusterUnreachable(
                f"KUBECONFIG names no file that exists: {variable}", fix="set KUBECONFIG to your kubeconfig"
            )
    else:
        default = Path.home() / ".kube" / "config"
        paths = [default] if default.exists() else []
    return [(_parse(_read(path, "kubeconfig"), str(path)), str(path), path.resolve().parent) for path in paths]


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise CaramlError(f"cannot read {what} {path}: {reason}") from error


def _parse(text: str, source: str) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"{source}:{mark.line + 1}" if mark else source
        problem = getattr(error, "problem", None) or "malformed"
        raise CaramlError(f"{source} is not valid YAML: {problem}", where=line) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise CaramlError(f"{source} is not a kubeconfig: it holds no mapping", fix="give the path of a kubeconfig")
    return document


def _named(documents: list[tuple[dict[str, Any], str, Path | None]], section: str) -> dict[str, _Entry]:
    entries: dict[str, _Entry] = {}
    for document, source, directory in documents:
        listed = document.get(section) or []
        if not isinstance(listed, list):
            raise CaramlError(f"{section} in {source} is not a list", where=source)
        for item in listed:
            value = item.get(section.removesuffix("s")) if isinstance(item, dict) else None
            if not isinstance(item, dict) or "name" not in item or not isinstance(value or {}, dict):
                raise CaramlError(f"an entry of {section} in {source} has no name or is not a mapping", where=source)
            entries.setdefault(str(item["name"]), _Entry(value or {}, source, directory))
    return entries


def _names(entries: dict[str, _Entry]) -> str:
    return ", ".join(sorted(entries)) or "none is defined"


def _lookup(entries: dict[str, _Entry], name: str, kind: str, source: str) -> _Entry:
    if name not in entries:
        raise CaramlError(f"{source} has no {kind} {name!r}", allowed=_names(entries))
    return entries[name]


def _cluster_config(entry: _Entry, user: User, context: str, namespace: object) -> ClusterConfig:
    server = str(entry.value.get("server") or "")
    if not server.startswith(("https://", "http://")):
        raise CaramlError(
            f"the cluster of context {context!r} in {entry.source} has no usable server: {server!r}",
            allowed="an https:// or http:// URL",
        )
    return ClusterConfig(
        server=server.rstrip("/"),
        user=user,
        namespace=str(namespace or "default"),
        context=context,
        ca=_pem(entry, "certificate-authority"),
        insecure=bool(entry.value.get("insecure-skip-tls-verify")),
        tls_server_name=str(entry.value.get("tls-server-name") or ""),
        proxy_url=str(entry.value.get("proxy-url") or ""),
        source=entry.source,
        directory=entry.directory,
    )


def _user(name: str, entry: _Entry) -> User:
    value = entry.value
    if "auth-provider" in value:
        raise CaramlError(
            f"user {name!r} in {entry.source} uses auth-provider, which Kubernetes 1.26 removed",
            fix="use the exec plugin of your cloud (aws eks get-token, gke-gcloud-auth-plugin, kubelogin)",
        )
    plugin = value.get("exec")
    if plugin is not None and (not isinstance(plugin, dict) or not plugin.get("command")):
        raise CaramlError(f"exec of user {name!r} in {entry.source} has no command")
    certificate, key = _pem(entry, "client-certificate"), _pem(entry, "client-key")
    if bool(certificate) != bool(key):
        missing = "client-key" if certificate else "client-certificate"
        raise CaramlError(f"user {name!r} in {entry.source} has no {missing}", fix=f"set {missing} or {missing}-data")
    return User(
        name=name,
        token=str(value.get("token") or ""),
        token_file=_path(entry, str(value["tokenFile"])) if value.get("tokenFile") else None,
        username=str(value.get("username") or ""),
        password=str(value.get("password") or ""),
        certificate=certificate,
        key=key,
        exec=plugin,
    )


def _path(entry: _Entry, text: str) -> Path:
    path = Path(text).expanduser()
    return path if path.is_absolute() or entry.directory is None else entry.directory / path


def _pem(entry: _Entry, key: str) -> bytes:
    """The certificate or key under ``KEY-data`` (base64) or in the file that ``KEY`` names; empty when neither is."""
    if data := entry.value.get(f"{key}-data"):
        try:
            return base64.b64decode(str(data), validate=True)
        except (binascii.Error, ValueError) as error:
            raise CaramlError(f"{key}-data in {entry.source} is not base64") from error
    if name := entry.value.get(key):
        return _read(_path(entry, str(name)), f"{key} of {entry.source}:").encode()
    return b""


def _in_cluster() -> ClusterConfig:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    token = SERVICE_ACCOUNT / "token"
    if not host or not token.exists():
        raise ClusterUnreachable(
            "no Kubernetes cluster is configured: KUBECONFIG is not set and ~/.kube/config does not exist",
            fix="set KUBECONFIG to your kubeconfig, or start a local cluster with caraml cluster up",
        )
    namespace = SERVICE_ACCOUNT / "namespace"
    return ClusterConfig(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        user=User(name="the pod's service account", token_file=token),
        namespace=namespace.read_text().strip() if namespace.exists() else "default",
        ca=_read(SERVICE_ACCOUNT / "ca.crt", "the service account's").encode(),
        source=str(SERVICE_ACCOUNT),
    )
