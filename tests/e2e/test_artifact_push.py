"""`caraml artifact` and the upload behind it, on the real S3 server."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caraml_pulumi.artifacts import upload
from caraml_pulumi.artifacts.bucket import Bucket
from caraml_pulumi.artifacts.client import Endpoint
from caraml_pulumi.artifacts.directory import hashed_directory
from caraml_pulumi.artifacts.parts import LARGE
from caraml_pulumi.artifacts.store import Store
from caraml_pulumi.artifacts.upload import Pushed, push
from caraml_pulumi.cluster import s3
from caraml_pulumi.cluster.state import Cluster
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.artifacts import Location
from tests.e2e.buckets import Requests, client, new_name, write_tree

pytestmark = pytest.mark.e2e

CARAML = Path(sys.executable).with_name("caraml")


@pytest.fixture
def bucket(s3_server: str) -> Iterator[str]:
    name = new_name()
    client().create_bucket(Bucket=name)
    yield name
    Bucket(Endpoint(), name).delete(force=True)


@pytest.fixture
def requests(bucket: str, shared: Cluster) -> Requests:
    return Requests(s3.access_log(shared), bucket)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_tree(tmp_path / "model", 5, 1000)
    return tmp_path / "model"


def pushed(model: Path, bucket: str) -> Pushed:
    return push(hashed_directory(model), Store(Endpoint(), Location(bucket, "iris")))


def caraml(*arguments: str, code: int = 0) -> str:
    done = subprocess.run([CARAML, "artifact", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def test_the_command_prints_the_uri_and_the_same_digest_as_sha256sum(model: Path, bucket: str) -> None:
    digest = caraml("digest", str(model)).strip()
    listed = "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    said = subprocess.run(["bash", "-c", listed], cwd=model, capture_output=True, text=True, check=True).stdout
    assert digest == said.split()[0]
    assert caraml("push", str(model), "--to", f"s3://{bucket}/iris").strip() == f"s3://{bucket}/iris/{digest}"


def test_a_second_push_sends_nothing(model: Path, bucket: str) -> None:
    def push_again() -> Any:
        return json.loads(caraml("push", str(model), "--to", f"s3://{bucket}/iris", "--json"))

    first, second = push_again(), push_again()
    assert (first["sentFiles"], first["sentBytes"]) == (5, 5000)
    assert (second["sentFiles"], second["sentBytes"]) == (0, 0)
    assert first["uri"] == second["uri"]


def test_a_bucket_that_is_not_there_is_one_clear_message(model: Path, s3_server: str) -> None:
    assert 'there is no bucket "missing-bucket"' in caraml("push", str(model), "--to", "s3://missing-bucket", code=1)


def test_large_files_go_in_parts_and_come_back_as_they_were(model: Path, bucket: str, requests: Requests) -> None:
    content = os.urandom(2 * LARGE + 5)
    (model / "large.bin").write_bytes(content)
    (model / "empty.bin").touch()
    (model / "a name with spaces, ümlauts & +.bin").write_bytes(b"x")
    done = pushed(model, bucket)
    assert requests.counted()["UploadPart"] == 3
    root = done.uri.removeprefix(f"s3://{bucket}/")
    for path in (path for path in model.rglob("*") if path.is_file()):
        stored = client().get_object(Bucket=bucket, Key=f"{root}/{path.relative_to(model)}")["Body"].read()
        assert stored == path.read_bytes()
    (model / "more.bin").write_text("more")
    assert pushed(model, bucket).sent_files == 1, "large files are copied, too"


def test_finished_parts_of_a_large_file_are_not_sent_again(model: Path, bucket: str, requests: Requests) -> None:
    (model / "large.bin").write_bytes(os.urandom(6 * LARGE))
    process = subprocess.Popen(
        [CARAML, "artifact", "push", str(model), "--to", f"s3://{bucket}/iris"], stderr=subprocess.PIPE
    )
    while requests.counted()["UploadPart"] < 2:
        assert process.poll() is None
        time.sleep(0.002)
    process.kill()
    process.communicate()
    time.sleep(1)  # what was under way ends
    sent = requests.counted()["UploadPart"]
    assert not requests.counted()["CompleteMultipartUpload"]
    done = pushed(model, bucket)
    assert requests.counted()["UploadPart"] == 6
    assert done.sent_bytes <= (6 - sent) * LARGE + 5000
    assert requests.counted()["CreateMultipartUpload"] == 1


def test_a_part_that_was_left_with_other_bytes_is_sent_again(model: Path, bucket: str) -> None:
    content = os.urandom(2 * LARGE)
    (model / "large.bin").write_bytes(content)
    digest = hashed_directory(model).tree.digest
    key = f"iris/{digest}/large.bin"
    begun = client().create_multipart_upload(Bucket=bucket, Key=key, ChecksumAlgorithm="SHA256")
    client().upload_part(
        Bucket=bucket,
        Key=key,
        UploadId=begun["UploadId"],
        PartNumber=1,
        Body=b"x" * LARGE,
        ChecksumAlgorithm="SHA256",
    )
    pushed(model, bucket)
    assert client().get_object(Bucket=bucket, Key=key)["Body"].read() == content


def test_an_object_that_was_left_with_other_bytes_is_sent_again(model: Path, bucket: str) -> None:
    digest = hashed_directory(model).tree.digest
    key = f"iris/{digest}/layer-0/0.bin"
    client().put_object(Bucket=bucket, Key=key, Body=b"x" * 1000)
    assert pushed(model, bucket).sent_files == 5
    stored = client().get_object(Bucket=bucket, Key=key)["Body"].read()
    assert stored == (model / "layer-0" / "0.bin").read_bytes()


def test_what_an_older_tree_lost_is_sent_instead_of_copied(model: Path, bucket: str) -> None:
    before = pushed(model, bucket)
    client().delete_object(Bucket=bucket, Key=f"iris/{before.digest}/layer-1/1.bin")
    (model / "more.bin").write_text("more")
    assert pushed(model, bucket).sent_files == 2


def test_a_damaged_manifest_is_written_anew_when_all_files_were_looked_at(model: Path, bucket: str) -> None:
    done = pushed(model, bucket)
    (manifest,) = [key for key in keys(bucket) if ".manifests" in key]
    sound = client().get_object(Bucket=bucket, Key=manifest)["Body"].read()
    client().put_object(Bucket=bucket, Key=manifest, Body=sound[:100])
    client().put_object(Bucket=bucket, Key=f"iris/{done.digest}/layer-0/0.bin", Body=b"x" * 1000)
    assert pushed(model, bucket).sent_files == 1
    assert client().get_object(Bucket=bucket, Key=manifest)["Body"].read() == sound


def test_going_back_to_an_earlier_model_sends_nothing(model: Path, bucket: str, requests: Requests) -> None:
    pushed(model, bucket)
    (model / "more.bin").write_text("more")
    pushed(model, bucket)
    (model / "more.bin").unlink()
    before = requests.counted()
    assert pushed(model, bucket).sent_bytes == 0
    assert requests.counted()["CopyObject"] == before["CopyObject"]


def test_a_file_that_changes_between_its_digest_and_its_upload_is_refused(model: Path, bucket: str) -> None:
    for name in ("layer-0/0.bin", "large.bin"):
        (model / "large.bin").write_bytes(os.urandom(LARGE + 1))
        directory = hashed_directory(model)
        with (model / name).open("r+b") as file:
            file.write(b"changed")
        with pytest.raises(CaramlError, match=f'"{name}" changed while'):
            push(directory, Store(Endpoint(), Location(bucket, "iris")))
    assert not [key for key in keys(bucket) if ".manifests" in key], "no half of a tree passes for the whole"


def test_two_uploads_of_the_same_model_at_once_both_succeed(model: Path, bucket: str) -> None:
    (model / "large.bin").write_bytes(os.urandom(3 * LARGE))
    command = [str(CARAML), "artifact", "push", str(model), "--to", f"s3://{bucket}/iris"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0]


def test_an_endpoint_that_confirms_no_checksum_is_read_back(
    model: Path, bucket: str, requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    (model / "large.bin").write_bytes(os.urandom(LARGE + 1))
    store = Store(Endpoint(), Location(bucket, "iris"))

    def forget(parsed: dict[str, Any], **_event: object) -> None:
        parsed.pop("ChecksumSHA256", None)
        if "ETag" in parsed and "UploadId" not in parsed:
            parsed["ETag"] = parsed["ETag"].replace('"', "'")

    store.client.meta.events.register("after-call.s3.PutObject", forget)
    push(hashed_directory(model), store)
    assert requests.counted()["GetObject"] >= 5


def test_copies_too_large_for_one_request_are_made_in_parts(
    model: Path, bucket: str, requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(LARGE)
    (model / "large.bin").write_bytes(content)
    pushed(model, bucket)
    (model / "more.bin").write_text("more")
    monkeypatch.setattr(upload, "COPY_LIMIT", LARGE - 1)
    done = pushed(model, bucket)
    assert done.sent_files == 1
    assert requests.counted()["UploadPartCopy"] == 2
    key = f"iris/{done.digest}/large.bin"
    assert client().get_object(Bucket=bucket, Key=key)["Body"].read() == content


CONTENTS = st.dictionaries(st.sampled_from("abcde"), st.sampled_from([b"", b"one", b"two", b"three"]), min_size=1)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(models=st.lists(CONTENTS, min_size=1, max_size=4))
def test_after_any_edits_the_tree_is_what_the_directory_is_and_known_contents_are_not_sent(
    models: list[dict[str, bytes]], bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = Store(Endpoint(), Location(bucket, new_name()))
    root = tmp_path / "edited"
    uploaded: list[dict[str, bytes]] = []
    for model in models:
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        for name, content in model.items():
            (root / name).write_bytes(content)
        done = push(hashed_directory(root), store)
        place = done.uri.removeprefix(f"s3://{bucket}/") + "/"
        stored = {
            found["Key"].removeprefix(place): client().get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
            for found in client().list_objects_v2(Bucket=bucket, Prefix=place)["Contents"]
        }
        assert stored == model
        known = {content for earlier in uploaded for content in earlier.values()}
        unknown = [content for content in model.values() if content not in known]
        assert done.sent_files == (0 if model in uploaded else len(unknown))
        if model not in uploaded:
            uploaded.append(model)


def keys(bucket: str) -> list[str]:
    return [found["Key"] for found in client().list_objects_v2(Bucket=bucket).get("Contents", [])]
