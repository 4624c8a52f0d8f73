"""This version over the state that released versions left: a preview replaces nothing and deletes nothing.

No cluster is asked. Where none answers a dry run, changes are told from the recorded inputs alone, as Pulumi does.
"""

import gzip
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from caraml_pulumi.engine.resource import urn_type
from tests.unit.cli.program import COMMAND
from tools.record_upgrade import PASSPHRASE, STACK, STATE

RECORDINGS: Final = Path(__file__).parent / "recordings"
NOWHERE: Final = "127.0.0.1:9"
"""Where nobody listens."""
ALLOWED: Final = {
    "0.1.0": {("create", "caraml:index:ModelRelease")},
}
"""What later versions may do to the resources of a recorded one: the operation, and the type of the resource."""
COMPONENTS: Final = {
    "ArtifactBucket",
    "AutoscalingPolicy",
    "CustomModelVersion",
    "ImageBuild",
    "ModelArtifact",
    "ModelEndpoint",
    "ModelMonitoring",
    "ModelProject",
}
"""Of the first version; every later one has them all."""
CASES: Final = sorted(path.relative_to(RECORDINGS).as_posix() for path in RECORDINGS.glob("*/*") if path.is_dir())
VERSIONS: Final = sorted({case.partition("/")[0] for case in CASES})


def preview(case: str, directory: Path, *, change: tuple[str, str] = ("", "")) -> dict[str, Any]:
    """What ``caraml preview --json`` says of a recording, with a text of its program changed."""
    project = directory / "project"
    shutil.copytree(RECORDINGS / case, project)
    program = project / "__main__.py"
    before, after = change
    assert before in program.read_text()
    program.write_text(program.read_text().replace(before, after))
    name = yaml.safe_load((project / "Pulumi.yaml").read_text())["name"]
    state = directory / f"backend/.pulumi/stacks/{name}/{STACK}.json.gz"
    state.parent.mkdir(parents=True)
    (project / STATE).rename(state)
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(unreachable()))
    done = subprocess.run(
        [*COMMAND, "preview", "--json", "--engine", "embedded", "--stack", STACK],
        cwd=project,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "KUBECONFIG": str(kubeconfig),
            "AWS_ENDPOINT_URL": f"http://{NOWHERE}",
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_REGION": "us-east-1",
            "PULUMI_BACKEND_URL": f"file://{directory}/backend",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def unreachable() -> dict[str, Any]:
    return {
        "clusters": [{"name": "gone", "cluster": {"server": f"https://{NOWHERE}"}}],
        "contexts": [{"name": "gone", "context": {"cluster": "gone", "user": "nobody"}}],
        "users": [{"name": "nobody", "user": {"token": "none"}}],
        "current-context": "gone",
    }


def changed(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for step in document["steps"] if step["op"] != "same"]


@pytest.mark.parametrize("case", CASES)
def test_a_preview_over_the_state_of_a_released_version_changes_nothing_but_what_is_listed(
    case: str, tmp_path: Path
) -> None:
    document = preview(case, tmp_path)
    steps = changed(document)
    unlisted = [step for step in steps if (step["op"], urn_type(step["urn"])) not in ALLOWED[case.partition("/")[0]]]
    assert not unlisted, json.dumps([(step["op"], step["urn"], step["detailedDiff"]) for step in unlisted], indent=1)
    assert document["changeSummary"]["same"] > 10


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_is_recorded_with_every_component(version: str) -> None:
    types = set()
    for case in CASES:
        if case.startswith(f"{version}/"):
            document = json.loads(gzip.decompress((RECORDINGS / case / STATE).read_bytes()))
            types |= {resource["type"] for resource in document["checkpoint"]["latest"]["resources"]}
    assert {type_.rpartition(":")[2] for type_ in types if type_.startswith("caraml:index:")} >= COMPONENTS


def test_a_replacement_would_be_seen(tmp_path: Path) -> None:
    document = preview("0.1.0/projects", tmp_path, change=('{"name": "upgrade-projects-kept"}', '{"name": "other"}'))
    assert ("replace", "kubernetes:core/v1:Namespace") in {
        (one["op"], urn_type(one["urn"])) for one in changed(document)
    }
