"""A real nginx, configured as ingress-nginx configures it from Ingresses and their annotations.

ingress-nginx decides between a main Ingress and its canary in Lua; here nginx's own `split_clients` and `map` do, by
the same precedence: the header, then the weight. Everything else is what its template writes (nginx.tmpl).
"""

import base64
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import urllib3
from caraml.upi.v1.upi_pb2 import PredictValuesRequest
from caraml.upi.v1.upi_pb2_grpc import UniversalPredictionServiceStub

from caraml_pulumi.cluster import pki
from caraml_pulumi.cluster.ports import LOOPBACK, free_ports, is_open
from caraml_pulumi.manifests import Manifest
from caraml_pulumi.manifests.routing.ingress import PREFIX
from tools.debian import program

Backends = Mapping[str, Sequence[str]]
"""The addresses behind each Service."""


@dataclass(frozen=True)
class Nginx:
    """A running nginx: plain requests on one port, TLS on the other."""

    http: int
    https: int
    authority: bytes
    """The certificate that signed nginx's own."""
    pool: urllib3.PoolManager

    def request(self, method: str, url: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """The answer to a request of `url`, as a client whose DNS leads to nginx gets it."""
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        port = self.https if scheme == "https" else self.http
        headers = {"Host": host, **options.pop("headers", {})}
        return self.pool.request(
            method, f"{scheme}://localhost:{port}{slash}{path}", headers=headers, redirect=False, **options
        )

    def predict(self, url: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """The answer to a prediction."""
        return self.request("POST", url, body=options.pop("body", b"{}"), **options)

    def answers(self, count: int, url: str, **options: Any) -> Counter[str]:
        """Which version answered how many of `count` predictions."""
        found: Counter[str] = Counter()
        for _ in range(count):
            answer = self.predict(url, **options)
            assert answer.status == 200, answer.data
            found[json.loads(answer.data)["model"]] += 1
        return found

    def calls(self, count: int, host: str, metadata: Mapping[str, str] | None = None) -> Counter[str]:
        """Which version answered how many of `count` gRPC calls over TLS."""
        found: Counter[str] = Counter()
        options = [("grpc.default_authority", host), ("grpc.ssl_target_name_override", "localhost")]
        credentials = grpc.ssl_channel_credentials(self.authority)
        with grpc.secure_channel(f"{LOOPBACK}:{self.https}", credentials, options) as channel:
            stub = UniversalPredictionServiceStub(channel)
            for _ in range(count):
                sent = tuple((metadata or {}).items())
                answer = stub.PredictValues(PredictValuesRequest(), timeout=10, metadata=sent)
                found[answer.metadata.models[0].name] += 1
        return found


@contextmanager
def nginx(directory: Path, objects: Sequence[Manifest], backends: Backends) -> Iterator[Nginx]:
    """An nginx that routes by the Ingresses in `objects`, with the Secrets in them, to `backends`."""
    http, https = free_ports(2)
    pki.create(directory)
    for secret in objects:
        if secret["kind"] == "Secret":
            (directory / secret["metadata"]["name"]).write_text(secret["stringData"]["auth"])
    (directory / "nginx.conf").write_text(configuration(objects, backends, (http, https), directory))
    command = [str(program("nginx")), "-p", str(directory), "-c", str(directory / "nginx.conf"), "-e", "stderr"]
    process = subprocess.Popen(command, stderr=(directory / "error.log").open("w"), stdin=subprocess.DEVNULL)
    try:
        _await(process, http, directory)
        with urllib3.PoolManager(retries=False, timeout=30, ca_certs=str(directory / "ca.crt"), maxsize=8) as pool:
            yield Nginx(http, https, (directory / "ca.crt").read_bytes(), pool)
    finally:
        process.terminate()
        process.wait(10)


def _await(process: "subprocess.Popen[bytes]", port: int, directory: Path) -> None:
    deadline = time.monotonic() + 10
    while not is_open(port):
        assert process.poll() is None, (directory / "error.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def configuration(objects: Sequence[Manifest], backends: Backends, ports: tuple[int, int], directory: Path) -> str:
    """The whole of nginx.conf."""
    ingresses = [item for item in objects if item["kind"] == "Ingress"]
    mains = [item for item in ingresses if _annotation(item, "canary") != "true"]
    canaries = {_rule(item)[:2]: item for item in ingresses if item not in mains}
    listen = f"listen {LOOPBACK}:{ports[0]}; listen {LOOPBACK}:{ports[1]} ssl http2;"
    hosts = sorted({_rule(item)[0] for item in mains})
    temporary = [
        f"{kind}_temp_path {directory}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    ]
    lines = [
        "daemon off; master_process off;",
        f"pid {directory}/pid;",
        "events { worker_connections 256; }",
        "http {",
        "access_log off;",
        *temporary,
        f"ssl_certificate {directory}/server.crt; ssl_certificate_key {directory}/server.key;",
        *(
            f"upstream {name} {{ {' '.join(f'server {one} max_fails=0;' for one in at)} }}"
            for name, at in backends.items()
        ),
        *(line for index, item in enumerate(mains) for line in _division(index, item, canaries.get(_rule(item)[:2]))),
        f"server {{ {listen.replace(';', ' default_server;')} return 404; }}",
    ]
    for host in hosts:
        of_host = [(index, item) for index, item in enumerate(mains) if _rule(item)[0] == host]
        of_host.sort(key=lambda found: len(_rule(found[1])[1]), reverse=True)  # the longest path first
        regex = any(_annotation(item, "rewrite-target") for _, item in of_host)
        locations = [line for index, item in of_host for line in _location(index, item, directory, regex=regex)]
        lines += [f"server {{ {listen} server_name {host};", *locations, "}"]
    return "\n".join([*lines, "}"]) + "\n"


def _annotation(ingress: Manifest, name: str) -> str | None:
    found: str | None = ingress["metadata"].get("annotations", {}).get(f"{PREFIX}/{name}")
    return found


def _rule(ingress: Manifest) -> tuple[str, str, str]:
    """Host, path and Service."""
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    return rule["host"], path["path"], path["backend"]["service"]["name"]


def _division(index: int, main: Manifest, canary: Manifest | None) -> list[str]:
    """The variable `$service_{index}`: which Service gets a request."""
    service = _rule(main)[2]
    if canary is None:
        return [f'map "" $service_{index} {{ default {service}; }}']
    other, weight = _rule(canary)[2], int(_annotation(canary, "canary-weight") or 0)
    part = {0: "", 100: f"* {other};"}.get(weight, f"{weight}% {other};")
    rest = "" if weight == 100 else f"* {service};"
    lines = [f"split_clients $request_id $by_weight_{index} {{ {part} {rest} }}"]
    header = _annotation(canary, "canary-by-header")
    if header is None:
        return [*lines, f'map "" $service_{index} {{ default $by_weight_{index}; }}']
    value, pattern = _annotation(canary, "canary-by-header-value"), _annotation(canary, "canary-by-header-pattern")
    asked = value if value is not None else f"~{pattern}"
    variable = "$http_" + header.replace("-", "_")
    return [*lines, f'map {variable} $service_{index} {{ default $by_weight_{index}; "{asked}" {other}; }}']


def _location(index: int, main: Manifest, directory: Path, *, regex: bool) -> list[str]:
    _, path, _ = _rule(main)
    grpc_ = _annotation(main, "backend-protocol") == "GRPC"
    kind = "grpc" if grpc_ else "proxy"
    target = _annotation(main, "rewrite-target")
    settings = {
        "client_max_body_size": "proxy-body-size",
        f"{kind}_read_timeout": "proxy-read-timeout",
        f"{kind}_next_upstream": "proxy-next-upstream",
        f"{kind}_next_upstream_tries": "proxy-next-upstream-tries",
        f"{kind}_next_upstream_timeout": "proxy-next-upstream-timeout",
    }
    found = {directive: _annotation(main, name) for directive, name in settings.items()}
    host = _annotation(main, "upstream-vhost") or "$http_host"
    fitting = f'~* "^{path}"' if regex else path
    return [
        f"location {fitting} {{",
        *_cors(main),
        *_authentication(main, directory),
        *(f"{directive} {value};" for directive, value in found.items() if value),
        f"{kind}_set_header Host {host};",
        *([f'rewrite "(?i){path}" {target} break;'] if target else []),
        f"{kind}_pass {'grpc' if grpc_ else 'http'}://$service_{index};",
        "}",
    ]


def _authentication(main: Manifest, directory: Path) -> list[str]:
    if _annotation(main, "auth-type") is None:
        return []
    secret = _annotation(main, "auth-secret")
    return [f'auth_basic "{_annotation(main, "auth-realm")}"; auth_basic_user_file {directory}/{secret};']


def _cors(main: Manifest) -> list[str]:
    if _annotation(main, "enable-cors") != "true":
        return []
    origins = (_annotation(main, "cors-allow-origin") or "*").split(",")
    allowed = "*" if origins == ["*"] else "$http_origin"
    fitting = "|".join(origin.replace(".", r"\.") for origin in origins)
    headers = {
        "Access-Control-Allow-Origin": allowed,
        "Access-Control-Allow-Methods": _annotation(main, "cors-allow-methods"),
        "Access-Control-Allow-Headers": _annotation(main, "cors-allow-headers"),
        "Access-Control-Max-Age": _annotation(main, "cors-max-age"),
        "Access-Control-Expose-Headers": _annotation(main, "cors-expose-headers"),
        "Access-Control-Allow-Credentials": "true" if _annotation(main, "cors-allow-credentials") == "true" else None,
    }
    added = " ".join(f'add_header {name} "{value}" always;' for name, value in headers.items() if value)
    return [
        "set $cors '';",
        "set $cors 'true';" if allowed == "*" else f"if ($http_origin ~* ^({fitting})$) {{ set $cors 'true'; }}",
        "if ($request_method = 'OPTIONS') { set $cors ${cors}options; }",
        f"if ($cors = 'true') {{ {added} }}",
        f"if ($cors = 'trueoptions') {{ {added} return 204; }}",
    ]


def basic(name: str, token: str) -> dict[str, str]:
    """The header of HTTP's basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{token}".encode()).decode()}
