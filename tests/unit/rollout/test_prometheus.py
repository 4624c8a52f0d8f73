"""Prometheus' HTTP API, as it answers, refuses, and stays away."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs

import pytest

from caraml_pulumi.cluster.ports import free_ports
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.rollout.prometheus import TOKEN_VARIABLE, Prometheus


class Api:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        self.asked: list[tuple[str, str, str]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                [query] = parse_qs(body)["query"]
                api.asked.append((self.path, query, self.headers.get("Authorization", "")))
                self.send_response(api.status)
                self.end_headers()
                self.wfile.write(api.body)

            def log_message(self, format: str, *values: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/prometheus"

    def answer(self, *values: str) -> None:
        series = [{"metric": {}, "value": [1.0, value]} for value in values]
        document = {"status": "success", "data": {"resultType": "vector", "result": series}}
        self.status, self.body = 200, json.dumps(document).encode()


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    thread = Thread(target=api.server.serve_forever)
    thread.start()
    yield api
    api.server.shutdown()
    thread.join()
    api.server.server_close()


@pytest.mark.parametrize(
    ("values", "value"),
    [(["0.5"], 0.5), ([], None), (["NaN"], None), (["1", "NaN", "3"], 3.0), (["+Inf"], float("inf"))],
)
def test_the_largest_value_counts_and_none_where_there_are_no_samples(
    api: Api, values: list[str], value: float | None
) -> None:
    api.answer(*values)
    assert Prometheus(f"{api.url}/").value('up{job="iris & co"}') == value
    assert api.asked == [("/prometheus/api/v1/query", 'up{job="iris & co"}', "")]


def test_a_token_of_the_environment_is_sent_and_never_shown(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "sesame-open")
    api.answer("1")
    Prometheus(api.url).check()
    assert api.asked[0][2] == "Bearer sesame-open"
    api.status, api.body = 401, b"no"
    with pytest.raises(CaramlError, match="Prometheus answers 401") as error:
        Prometheus(api.url).check()
    assert TOKEN_VARIABLE in error.value.fix
    assert "sesame" not in str(error.value)


def test_what_prometheus_says_of_an_expression_is_passed_on(api: Api) -> None:
    api.status, api.body = 400, b'{"status": "error", "error": "parse error: unexpected end of input"}'
    with pytest.raises(CaramlError, match="answers 400: parse error: unexpected end of input"):
        Prometheus(api.url).value("sum(")


@pytest.mark.parametrize("status", [200, 302, 404, 502])
@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b'"success"',
        b"{}",
        b'{"status": "success"}',
        b'{"status": "success", "data": []}',
        b'{"status": "success", "data": {"resultType": "scalar", "result": [1, "1"]}}',
        b'{"status": "success", "data": {"resultType": "vector", "result": [{}]}}',
    ],
)
def test_a_server_that_is_no_prometheus_is_told_apart(api: Api, status: int, body: bytes) -> None:
    api.status, api.body = status, body
    with pytest.raises(CaramlError, match="does not speak its HTTP API") as error:
        Prometheus(api.url).value("vector(1)")
    assert (error.value.where, "/api/v1/query" in error.value.fix) == (api.url, True)


def test_a_server_that_does_not_speak_tls_is_told_so(api: Api) -> None:
    with pytest.raises(CaramlError, match="cannot be reached: TLS fails: "):
        Prometheus(api.url.replace("http:", "https:")).check()


def test_a_prometheus_that_is_not_there_is_named() -> None:
    [port] = free_ports(1)
    with pytest.raises(CaramlError, match=r"Prometheus cannot be reached: .*Connection refused") as error:
        Prometheus(f"http://127.0.0.1:{port}").check()
    assert error.value.where == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("url", ["", "prometheus:9090", "ftp://host", "http://", "http://[::1", "http://h:99999999"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(CaramlError, match="is not the address of a Prometheus"):
        Prometheus(url)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(CaramlError, match="has a password in it") as error:
        Prometheus("https://admin:hunter2@prometheus")
    assert "hunter2" not in str(error.value)
