"""Records what this version leaves in the state of stacks: ``python -m tools.record_upgrade --cluster NAME``.

Each program in tests/upgrades/programs is deployed on a local control plane (``caraml cluster up --with s3``), its
checkpoint is kept beside a copy of the program in tests/upgrades/recordings/VERSION, and it is destroyed again. Later
versions are held to the recordings by tests/upgrades: a preview of theirs replaces and deletes nothing.
"""

import argparse
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

from caraml_pulumi.cluster import s3
from caraml_pulumi.cluster.state import Cluster

UPGRADES: Final = Path(__file__).parents[1] / "tests" / "upgrades"
STACK: Final = "recorded"
PASSPHRASE: Final = "recorded"  # noqa: S105 - the recordings hold no secret that is one
STATE: Final = "state.json.gz"


def main() -> None:
    """Record every program, or those that are named; none a second time. Raises if one cannot be deployed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cluster", default="local", help="the local control plane, with S3 (default: local)")
    parser.add_argument("programs", nargs="*", help="names in tests/upgrades/programs (default: all)")
    arguments = parser.parse_args()
    recordings = UPGRADES / "recordings" / version("caraml-pulumi")
    chosen = [path for path in sorted((UPGRADES / "programs").iterdir()) if (path / "Pulumi.yaml").is_file()]
    chosen = [path for path in chosen if not arguments.programs or path.name in arguments.programs]
    if recorded := [path.name for path in chosen if (recordings / path.name).exists()]:
        parser.error(f"{', '.join(recorded)} of {recordings.name} recorded already: remove what was never released")
    cluster = Cluster.named(arguments.cluster)
    environment = {
        **os.environ,
        **s3.environment(cluster),
        "AWS_EC2_METADATA_DISABLED": "true",
        "KUBECONFIG": str(cluster.kubeconfig),
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
    }
    for program in chosen:
        record(program, recordings / program.name, environment)


def record(program: Path, recording: Path, environment: dict[str, str]) -> None:
    """Deploy `program`, keep it with its checkpoint in `recording`, and destroy it."""
    shutil.copytree(program, recording, ignore=shutil.ignore_patterns("__pycache__"))
    with tempfile.TemporaryDirectory() as backend:
        environment = {**environment, "PULUMI_BACKEND_URL": f"file://{backend}"}
        try:
            _caraml("up", "--yes", "--skip-preview", "--non-interactive", directory=recording, environment=environment)
            state = f"{backend}/.pulumi/stacks/upgrade-{program.name}/{STACK}.json"
            (recording / STATE).write_bytes(gzip.compress(Path(state).read_bytes(), mtime=0))
        finally:
            _caraml("destroy", "--yes", "--skip-preview", directory=recording, environment=environment)


def _caraml(*arguments: str, directory: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-c", "from caraml_pulumi.cli.entry import main; main()", *arguments]
    subprocess.run([*command, "--stack", STACK, "--engine", "embedded"], cwd=directory, env=environment, check=True)


if __name__ == "__main__":
    main()
