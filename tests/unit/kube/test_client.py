"""What the client does with answers, failures and lost connections."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from caraml_pulumi.kube import APPLY_PATCH, ClusterUnreachable, KubeError
from caraml_pulumi.kube.client import json_and_yaml
from caraml_pulumi.kube.kubeconfig import User

from .servers import Answer, Asked, client_of, serving


def status(code: int, reason: str, message: str, **details: object) -> Answer:
    """A failure as API servers tell it."""
    body = {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}
    return Answer(code, {**body, "details": details})


def test_a_body_is_sent_as_json_and_the_answer_is_parsed_with_whole_numbers_kept() -> None:
    with serving(lambda asked: Answer(200, {"spec": {"replicas": 3}, "echo": asked.body})) as (url, asked):
        client = client_of(url)
        found = client.request("PATCH", "/apis/x", {"a": 1}, {"force": "true"}, APPLY_PATCH)
    assert found == {"spec": {"replicas": 3}, "echo": {"a": 1}}
    assert isinstance(found["spec"]["replicas"], int)
    assert (asked[0].method, asked[0].path) == ("PATCH", "/apis/x?force=true")
    assert asked[0].headers["Content-Type"] == APPLY_PATCH


@given(st.text())
@example("\\ud83d\\ude00 \\\U0001f600")
def test_a_body_is_the_same_as_json_and_as_yaml(text: str) -> None:
    body = json_and_yaml({"value": text})
    assert json.loads(body) == {"value": text}
    assert yaml.safe_load(body.decode()) == {"value": text}


def test_the_path_of_the_server_url_comes_first() -> None:
    with serving(lambda asked: Answer()) as (url, asked):
        client_of(f"{url}/k8s/clusters/c-1").request("GET", "/version")
    assert asked[0].path == "/k8s/clusters/c-1/version"


def test_one_connection_serves_requests_one_after_the_other() -> None:
    ports = []

    def answer(asked: Asked) -> Answer:
        ports.append(asked.headers["Host"])
        return Answer()

    with serving(answer) as (url, _):
        client = client_of(url)
        for _ in range(5):
            client.request("GET", "/x")
        pool = client._transport._pool
        assert pool is not None
        assert pool.num_connections == 1


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    answers = [Answer(429, {}, {"Retry-After": "0"}), Answer(503, {}, {"Retry-After": "0"}), Answer(200, {"ok": True})]
    with serving(lambda asked: answers.pop(0)) as (url, asked):
        assert client_of(url).request("POST", "/x", {}) == {"ok": True}
    assert len(asked) == 3


def test_a_failure_without_retry_after_is_told_at_once() -> None:
    answer = status(500, "InternalError", "etcd is gone")
    with serving(lambda _: answer) as (url, asked), pytest.raises(KubeError, match="etcd is gone"):
        client_of(url).request("GET", "/x")
    assert len(asked) == 1


def test_a_refused_token_is_renewed_once(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")

    def answer(asked: Asked) -> Answer:
        path.write_text("new")
        return Answer() if asked.headers["Authorization"] == "Bearer new" else status(401, "Unauthorized", "no")

    with serving(answer) as (url, asked):
        client_of(url, User(name="me", token_file=path)).request("GET", "/x")
    assert [request.headers["Authorization"] for request in asked] == ["Bearer old", "Bearer new"]


def test_refused_credentials_name_the_user_and_the_kubeconfig() -> None:
    answer = status(401, "Unauthorized", "Unauthorized")
    with serving(lambda _: answer) as (url, asked), pytest.raises(KubeError) as caught:
        client_of(url, User(name="me", token="t")).request("GET", "/x")
    assert "does not accept the credentials of user 'me' in the test's kubeconfig" in caught.value.what
    assert len(asked) == 1


def test_an_invalid_object_lists_each_field() -> None:
    causes = [{"field": "spec.replicas", "message": "must be positive"}, {"field": "metadata.name", "message": "bad"}]
    answer = status(422, "Invalid", "Deployment is invalid", kind="Deployment", name="iris", causes=causes)
    with serving(lambda asked: answer) as (url, _), pytest.raises(KubeError) as caught:
        client_of(url).request("POST", "/x", {})
    assert caught.value.what == (
        "Deployment iris is invalid:\n  - spec.replicas: must be positive\n  - metadata.name: bad"
    )


def test_a_wrong_type_is_told_without_go_words() -> None:
    message = (
        'Deployment in version "v1" cannot be handled as a Deployment: '
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
    )
    with serving(lambda asked: status(400, "BadRequest", message)) as (url, _), pytest.raises(KubeError) as caught:
        client_of(url).request("POST", "/x", {})
    assert caught.value.what == "spec.replicas must be of type int32, not string"


@pytest.mark.parametrize(
    ("code", "message", "fix"),
    [
        (403, 'configmaps "a" is forbidden: unable to create: because it is being terminated', "wait until the"),
        (403, 'pods "a" is forbidden: exceeded quota: q', "raise the ResourceQuota"),
        (403, 'configmaps is forbidden: User "dev" cannot create resource "configmaps"', "ask an administrator"),
        (422, "Service is invalid: spec.clusterIP: field is immutable", "rename the object"),
    ],
)
def test_a_refusal_keeps_its_words_and_says_what_to_do(code: int, message: str, fix: str) -> None:
    with serving(lambda _: status(code, "Refused", message)) as (url, _), pytest.raises(KubeError) as caught:
        client_of(url).request("POST", "/x", {})
    assert caught.value.what == message
    assert fix in caught.value.fix


def test_an_answer_that_is_no_status_object_is_still_readable() -> None:
    answer = Answer(502, "<html>Bad\nGateway</html>")
    with serving(lambda _: answer) as (url, _), pytest.raises(KubeError) as caught:
        client_of(url).request("GET", "/x")
    assert caught.value.what == "HTTP status 502 Bad Gateway: <html>Bad Gateway</html>"


def test_warnings_of_the_server_are_passed_on() -> None:
    headers = {"Warning": '299 - "unknown field \\"spec.foo\\""'}
    warnings: list[str] = []
    with serving(lambda asked: Answer(200, {}, headers)) as (url, _):
        client_of(url).request("POST", "/x", {}, on_warning=warnings.append)
    assert warnings == ['unknown field "spec.foo"']


def test_a_server_that_does_not_run_is_named_with_the_kubeconfig() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ClusterUnreachable) as caught:
        client_of(url).request("POST", "/x", {})
    assert f"the Kubernetes API server {url} cannot be reached" in caught.value.what
    assert "Connection refused" in caught.value.what
    assert not caught.value.outcome_unknown
    assert caught.value.where == "the test's kubeconfig"


@contextmanager
def dropping(times: int) -> Iterator[tuple[str, list[bytes]]]:
    """A server that hangs up on the first `times` requests and answers the others; and what it received."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)

        def serve() -> None:
            while listener.fileno() >= 0:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    continue
                with connection:
                    received.append(connection.recv(65536))
                    if len(received) > times:
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", received


def test_a_read_is_repeated_when_the_connection_breaks() -> None:
    with dropping(2) as (url, received):
        assert client_of(url).request("GET", "/x") == {}
    assert len(received) == 3


def test_a_create_is_not_repeated_when_the_connection_breaks() -> None:
    with dropping(1) as (url, received), pytest.raises(ClusterUnreachable) as caught:
        client_of(url).request("POST", "/x", {"a": 1})
    assert len(received) == 1
    assert caught.value.outcome_unknown
    assert "broke off before it answered" in caught.value.what


def test_a_dry_run_of_a_create_is_repeated_when_the_connection_breaks() -> None:
    with dropping(1) as (url, received):
        client_of(url).request("POST", "/x", {"a": 1}, {"dryRun": "All"})
    assert len(received) == 2
