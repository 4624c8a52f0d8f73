"""Answers that come in parts, for as long as the server sends them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import ClusterUnreachable, KubeError

from .servers import Answer, client_of, serving

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
Go = threading.Semaphore


@contextmanager
def sending(*pieces: bytes) -> Iterator[tuple[str, Go]]:
    """A server that sends a piece of one answer each time it is let go on, then closes the connection."""
    go = threading.Semaphore(0)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                for piece in pieces:
                    go.acquire()
                    connection.sendall(piece)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", go
        thread.join()


def test_each_part_is_there_as_soon_as_it_was_sent() -> None:
    with sending(HEAD + b"4\r\none\n\r\n", b"4\r\ntwo\n\r\n", b"0\r\n\r\n") as (url, go):
        go.release()
        with client_of(url).stream("/log") as parts:
            assert next(parts) == b"one\n"
            go.release()
            assert next(parts) == b"two\n"
            go.release()
            assert list(parts) == []


def test_an_answer_that_breaks_off_says_so() -> None:
    with sending(HEAD + b"4\r\none\n\r\n", b"9\r\ntw") as (url, go):
        go.release(2)
        with client_of(url).stream("/log") as parts:
            assert next(parts) == b"one\n"
            with pytest.raises(ClusterUnreachable, match="broke off"):
                list(parts)


def test_a_failure_is_told_as_of_any_request_and_frees_the_connection() -> None:
    body = {"kind": "Status", "reason": "Forbidden", "message": "pods is forbidden"}
    with serving(lambda asked: Answer(403, body)) as (url, asked):
        client = client_of(url)
        for _ in range(70):  # more than there are connections
            with (
                pytest.raises(KubeError, match="pods is forbidden") as caught,
                client.stream("/log", {"follow": "true"}),
            ):
                raise AssertionError
        assert caught.value.reason == "Forbidden"
    assert asked[0].path == "/log?follow=true"


def test_a_stream_is_asked_for_again_when_the_server_is_busy() -> None:
    answers = [Answer(429, {}, {"Retry-After": "0"}), Answer(200, "hello\n")]
    with serving(lambda asked: answers.pop(0)) as (url, _), client_of(url).stream("/log") as parts:
        assert b"".join(parts) == b"hello\n"


def test_a_server_that_is_no_address_is_named() -> None:
    with pytest.raises(CaramlError, match="is no address") as caught:
        client_of("https://127.0.0.1:123456").request("GET", "/version")
    assert "up to 65535" in caught.value.allowed
