"""What is particular to S3: how its failures are explained, and servers that cannot do all of it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.engine.state.journal import Journal
from caraml_pulumi.engine.state.s3_bucket import S3Bucket
from caraml_pulumi.engine.state.s3_log import S3Log
from caraml_pulumi.engine.state.s3_url import parse_s3_url
from caraml_pulumi.errors import CaramlError


class _Requests(BaseHTTPRequestHandler):
    """Keeps objects, whatever conditions a request has, or gives the server's answer to all."""

    server: "_Server"
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.do()

    def do_PUT(self) -> None:
        self.do()

    def do_DELETE(self) -> None:
        self.do()

    def do(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(f"{self.command} {self.path} {dict(self.headers)}")
        if self.server.refusal:
            status, code = self.server.refusal
            self.answer(status, f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode())
        elif self.command == "PUT":
            self.server.objects[self.path] = data
            self.answer(200)
        elif self.command == "DELETE":
            self.server.objects.pop(self.path, None)
            self.answer(204)
        elif (found := self.server.objects.get(self.path)) is not None:
            self.answer(200, found)
        else:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.objects: dict[str, bytes] = {}
        self.seen: list[str] = []
        self.refusal: tuple[int, str] | None = None


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, aws: None) -> Iterator[_Server]:
    with _Server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield server
        server.shutdown()


@pytest.fixture
def bucket(server: _Server) -> S3Bucket:
    return S3Bucket(parse_s3_url("s3://state/team"))


def _error(bucket: S3Bucket) -> CaramlError:
    with pytest.raises(CaramlError) as caught:
        bucket.put_if_absent("lock", b"mine")
    assert caught.value.where == "s3://state/team/lock"
    assert "s3cr3t" not in str(caught.value)
    return caught.value


def test_a_server_that_ignores_conditions_is_refused_and_the_lock_removed(bucket: S3Bucket, server: _Server) -> None:
    assert "If-None-Match" in _error(bucket).what
    assert server.objects == {}


def test_a_server_that_does_not_know_conditions_is_refused(bucket: S3Bucket, server: _Server) -> None:
    server.refusal = (501, "NotImplemented")
    assert "update the server" in _error(bucket).fix


@pytest.mark.parametrize(
    ("status", "code", "what", "fix"),
    [
        (403, "AccessDenied", "S3 denies writing lock of the state", "grant s3:ListBucket of the bucket, and"),
        (403, "InvalidAccessKeyId", "does not know the access key", "AWS_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", "the secret key does not belong", "AWS_SECRET_ACCESS_KEY"),
        (403, "RequestTimeTooSkewed", "this machine's clock is wrong", "set the clock"),
        (404, "NoSuchBucket", 'there is no bucket "state"', "mend PULUMI_BACKEND_URL"),
        (301, "PermanentRedirect", "is in another region", "set region"),
    ],
)
def test_what_a_server_refuses_is_explained(
    bucket: S3Bucket, server: _Server, status: int, code: str, what: str, fix: str
) -> None:
    server.refusal = (status, code)
    error = _error(bucket)
    assert what in error.what
    assert fix in error.fix


def test_a_missing_bucket_is_not_taken_for_a_missing_stack(bucket: S3Bucket, server: _Server) -> None:
    server.refusal = (404, "NoSuchBucket")
    with pytest.raises(CaramlError, match="there is no bucket"):
        bucket.get("stacks/shop/dev.json")


def test_a_machine_without_credentials_is_told_where_they_belong(
    bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(CaramlError, match="there are no credentials") as caught:
        open_backend("s3://state").list_stacks()
    assert "AWS_ACCESS_KEY_ID" in caught.value.fix


def test_a_profile_that_is_not_there_is_named_with_the_url(aws: None) -> None:
    with pytest.raises(CaramlError, match='no AWS profile "nope"') as caught:
        open_backend("s3://state/team?profile=nope")
    assert caught.value.where == "s3://state/team/"


def test_an_endpoint_that_is_not_there_is_named(aws: None) -> None:
    with pytest.raises(CaramlError, match=r"http://127\.0\.0\.1:1 cannot be reached") as caught:
        open_backend("s3://state?endpoint=127.0.0.1:1&disableSSL=true").list_stacks()
    assert "check the endpoint" in caught.value.fix


def test_what_cannot_be_written_to_a_log_fails_all_who_wait_for_it_and_all_that_follows(
    bucket: S3Bucket, server: _Server
) -> None:
    log = S3Log(bucket, "journal")
    journal = Journal(log, "journal")
    journal.append({"number": 0})
    journal.flush()
    server.refusal = (403, "AccessDenied")

    def record(number: int) -> str:
        try:
            journal.append({"number": number})
            journal.flush()
        except CaramlError as error:
            return error.what
        return "nothing"

    with ThreadPoolExecutor(8) as pool:
        assert all("S3 denies writing" in what for what in pool.map(record, range(8)))
    server.refusal = None
    with pytest.raises(CaramlError):
        journal.append({"number": 9})
    assert len(server.objects) == 1


def test_operations_at_the_same_time_share_the_requests_of_a_journal(bucket: S3Bucket, server: _Server) -> None:
    journal = Journal(S3Log(bucket, "journal"), "journal")

    def record(number: int) -> None:
        journal.append({"number": number})
        journal.flush()

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(record, range(320)))
    assert len(server.objects) < 160
    lines = b"".join(data for _, data in sorted(server.objects.items())).splitlines()
    assert sorted(lines) == sorted(b'{"number":%d}' % number for number in range(320))


def test_encryption_at_rest_is_asked_for_with_each_object(server: _Server) -> None:
    bucket = S3Bucket(parse_s3_url("s3://state?ssetype=aws:kms&kmskeyid=alias/state"))
    bucket.put("a", b"")
    assert "'x-amz-server-side-encryption': 'aws:kms'" in server.seen[0]
    assert "'x-amz-server-side-encryption-aws-kms-key-id': 'alias/state'" in server.seen[0]


def test_nothing_of_s3_is_loaded_for_a_backend_that_is_a_directory(tmp_path: Path) -> None:
    code = "import sys; from caraml_pulumi.engine.state.backend import open_backend; open_backend(sys.argv[1])"
    arguments = [sys.executable, "-c", f"{code}; sys.exit('botocore' in sys.modules)", f"file://{tmp_path}"]
    assert subprocess.run(arguments, check=False).returncode == 0
