"""One cluster on this machine: its directory, and what must be known to start its servers again as they were."""

import fcntl
import json
import os
import re
import shlex
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from caraml_pulumi.cluster.paths import clusters_home
from caraml_pulumi.errors import CaramlError

DEFAULT_NAME = "local"
MARKER = "THIS-DIRECTORY-IS-REMOVED-BY-caraml-cluster-down"
"""A file that shows a directory is ours to remove; no other directory is ever used or removed."""
PORTS = (
    "etcd",
    "etcd-peer",
    "apiserver",
    "controller-manager",
    "scheduler",
    "kwok",
    "knative-webhook",
    "knative-autoscaler",
    "knative-autoscaler-hpa",
    "knative-controller",
    "knative-webhook-profiling",
    "knative-autoscaler-profiling",
    "knative-autoscaler-hpa-profiling",
    "knative-controller-profiling",
)
"""What each of a cluster's neighbouring ports is for, in order."""


@dataclass(frozen=True)
class Cluster:
    """The directory of a cluster and the files in it; nothing of it need exist."""

    name: str
    home: Path

    @classmethod
    def named(cls, name: str = DEFAULT_NAME, directory: Path | None = None) -> "Cluster":
        """The cluster `name` below `directory`, by default below the user's state directory.

        Raises:
            CaramlError: the name is not a DNS label of at most 40 characters.
        """
        if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", name):
            raise CaramlError(
                f'"{name}" cannot be the name of a cluster',
                allowed="1 to 40 lower-case letters, digits and hyphens; a letter or digit first and last",
            )
        return cls(name, (directory or clusters_home()).resolve() / name)

    @property
    def options(self) -> str:
        """The command-line options that choose this cluster, with a leading space; none for the default one."""
        name = "" if self.name == DEFAULT_NAME else f" --name {self.name}"
        directory = (
            "" if self.home.parent == clusters_home().resolve() else f" --state {shlex.quote(str(self.home.parent))}"
        )
        return name + directory

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.home / "kubeconfig"

    @property
    def dev_kubeconfig(self) -> Path:
        """The kubeconfig of user `dev`, group `developers`, who has no rights until RBAC grants some."""
        return self.home / "kubeconfig.dev"

    @property
    def pki(self) -> Path:
        """Certificates, keys and tokens."""
        return self.home / "pki"

    @property
    def logs(self) -> Path:
        """A log file for each process."""
        return self.home / "logs"

    def log(self, process: str) -> Path:
        """The log file of one process."""
        return self.logs / f"{process}.log"

    @contextmanager
    def locked(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Keep other `up` and `down` of this cluster out; `waiting` is called once if one is under way.

        Raises:
            CaramlError: the directory of all clusters cannot be made or written to.
        """
        path = self.home.parent / f".{self.name}.lock"
        try:
            path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
            path.touch()
        except OSError as error:
            raise CaramlError(
                f"{path.parent} cannot be written: {error.strerror}", fix="choose another --state"
            ) from error
        with _lock(path, waiting):
            try:
                yield
            finally:
                if not self.home.exists():
                    path.unlink()

    def create_home(self) -> None:
        """Make the empty directory, readable by its owner only.

        Raises:
            CaramlError: something that is not a cluster is there already, or the directory cannot be made.
        """
        if (
            self.home.exists()
            and not (self.home / MARKER).exists()
            and (not self.home.is_dir() or any(self.home.iterdir()))
        ):
            raise CaramlError(
                f"{self.home} exists and is not a cluster",
                fix="choose another --name or --state; nothing was changed",
            )
        try:
            self.home.mkdir(parents=True, mode=0o700, exist_ok=True)
            self.home.chmod(0o700)
            (self.home / MARKER).touch()
            self.logs.mkdir(exist_ok=True)
        except OSError as error:
            raise CaramlError(
                f"{self.home} cannot be written: {error.strerror}", fix="choose another --state"
            ) from error

    def remove_home(self) -> bool:
        """Remove the directory with all in it if it is ours; say whether there was one."""
        if not (self.home / MARKER).exists():
            return False
        shutil.rmtree(self.home)
        return True


@dataclass
class State:
    """What a cluster was started with: kept in `cluster.json` of its directory."""

    ports: dict[str, int]
    tools: dict[str, str]
    """The hash of each part it was started with."""
    installed: list[str] = field(default_factory=list)
    """The parts that have been set up completely in the API server."""
    created: float = field(default_factory=time.time)

    @classmethod
    def load(cls, cluster: Cluster) -> "State | None":
        """The state of a cluster; nothing if it has none, or one cut short by a crash.

        A port that the cluster was not given, since it was made by an older version, is 0: nothing listens there.
        """
        try:
            state = cls(**json.loads((cluster.home / "cluster.json").read_text()))
            state.ports = dict.fromkeys(PORTS, 0) | state.ports
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            return None
        return state

    def save(self, cluster: Cluster) -> None:
        """Write the state in one piece."""
        temporary = cluster.home / "cluster.json.new"
        temporary.write_text(json.dumps(asdict(self), indent=2))
        os.replace(temporary, cluster.home / "cluster.json")


@contextmanager
def _lock(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file at `path`; one that its last holder has removed meanwhile does not count."""
    while True:
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(file, fcntl.LOCK_EX)
            if _is_still_at(path, file):
                yield
                return


def _is_still_at(path: Path, file: IO[str]) -> bool:
    """Whether an open file is the one at `path`."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
