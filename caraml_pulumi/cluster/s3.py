"""The S3 server of a cluster: versitygw over a directory of the cluster's, with keys of its own."""

import json
import os
import secrets
from pathlib import Path

from caraml_pulumi.cluster.parts import S3
from caraml_pulumi.cluster.ports import LOOPBACK, free_ports
from caraml_pulumi.cluster.servers import Server
from caraml_pulumi.cluster.state import Cluster, State
from caraml_pulumi.errors import CaramlError

NAME = "s3"
REGION = "us-east-1"


def prepare(cluster: Cluster, state: State) -> None:
    """Give the server a port, directories and random keys, where it has none yet.

    Raises:
        CaramlError: the cluster's directory cannot be written.
    """
    if NAME not in state.ports:
        state.ports[NAME] = free_ports(1)[0]
    try:
        for directory in (_objects(cluster), _versions(cluster)):
            directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        if not _keys(cluster).exists():
            _write_keys(_keys(cluster))
    except OSError as error:
        raise CaramlError(f"{cluster.home} cannot be written: {error.strerror}", fix="free some space") from error


def server(cluster: Cluster, state: State) -> Server:
    """The server: buckets are directories, old versions of objects are kept beside them, each request is logged."""
    keys = json.loads(_keys(cluster).read_text())
    return Server(
        NAME,
        S3,
        "versitygw",
        state.ports[NAME],
        (
            *("--port", f"{LOOPBACK}:{state.ports[NAME]}"),
            *("--region", REGION),
            *("--health", "/health"),
            "--quiet",
            "--keep-alive",
            *("--access-log", str(access_log(cluster))),
            *("posix", "--versioning-dir", str(_versions(cluster)), str(_objects(cluster))),
        ),
        environment={
            "ROOT_ACCESS_KEY_ID": keys["AWS_ACCESS_KEY_ID"],
            "ROOT_SECRET_ACCESS_KEY": keys["AWS_SECRET_ACCESS_KEY"],
        },
        health="/health",
        scheme="http",
    )


def environment(cluster: Cluster) -> dict[str, str]:
    """The environment variables with which S3 clients use the server; the keys among them are secret.

    Raises:
        CaramlError: the cluster has no S3 server.
    """
    state = State.load(cluster)
    if state is None or S3.name not in state.tools:
        raise CaramlError(
            f"cluster {cluster.name} has no S3 server", fix=f"caraml cluster up{cluster.options} --with s3"
        )
    keys: dict[str, str] = json.loads(_keys(cluster).read_text())
    return {
        "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{state.ports[NAME]}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,  # what Python's clients read
        **keys,
    }


def access_log(cluster: Cluster) -> Path:
    """The log with a line for each request, in the format of S3's own access logs."""
    return cluster.logs / "s3-access.log"


def _objects(cluster: Cluster) -> Path:
    return cluster.home / NAME / "objects"


def _versions(cluster: Cluster) -> Path:
    return cluster.home / NAME / "versions"


def _keys(cluster: Cluster) -> Path:
    return cluster.home / NAME / "keys.json"


def _write_keys(path: Path) -> None:
    """Make the keys anew, readable by their owner only; the file appears in one piece."""
    keys = {"AWS_ACCESS_KEY_ID": secrets.token_hex(10).upper(), "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30)}
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(keys, file)
    temporary.rename(path)
