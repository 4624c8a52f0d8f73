"""Programs of Debian's packages, fetched into an empty cache."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e


def test_two_processes_fetch_a_program_once_and_it_runs(tmp_path: Path) -> None:
    asked = [sys.executable, "-c", "from tools.debian import package_home; print(package_home('nginx'))"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}

    def fetch(_: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(asked, env=environment, capture_output=True, text=True, check=True)

    with ThreadPoolExecutor() as pool:
        first, second = pool.map(fetch, range(2))
    assert first.stdout == second.stdout
    assert "fetch nginx from Debian" in first.stderr + second.stderr
    assert "" in (first.stderr, second.stderr)
    version = subprocess.run(
        [Path(first.stdout.strip()) / "bin/nginx", "-v"], capture_output=True, text=True, check=True
    )
    assert version.stderr.startswith("nginx version: nginx/")
