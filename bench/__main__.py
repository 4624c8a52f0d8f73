"""`python -m bench`: preview, up, no-change preview, refresh and destroy of two workloads, and import times.

Each number is a whole process, run `--runs` times: the median, and the range in brackets. RATIO is our median over the
other tool's in the same run. Nothing is asserted: a machine's load is not a defect.
"""

import json
import os
import shutil
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.measure import FailedRun, Series, measured
from bench.report import document, show
from bench.workload import CARAML, OPERATIONS, Workload
from caraml_pulumi.cluster.state import Cluster
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import KubeClient

STARTS = {
    "python": [sys.executable, "-c", "pass"],
    "import caraml_pulumi": [sys.executable, "-c", "import caraml_pulumi"],
    "import pulumi": [sys.executable, "-c", "import pulumi"],
    "caraml --help": [str(CARAML), "--help"],
}


def _workload(console: Console, workload: Workload, runs: int) -> list[Series]:
    """Measure one workload; the tools take turns within each run, so that a slow minute hits all of them."""
    workload.prepare()
    bare = workload.bare(workload.objects())
    with_pulumi = shutil.which("pulumi") is not None
    if with_pulumi:
        workload.new_pulumi_stack()
    series = {
        (operation, tool): Series(operation, tool)
        for operation in OPERATIONS
        for tool in ("caraml", "bare", *(["pulumi"] if with_pulumi else []))
        if (operation, tool) != ("preview, no change", "bare")
    }
    tools = {"bare": bare, "caraml": workload.caraml, "pulumi": workload.pulumi}
    with console.status(workload.name) as status:
        for run in range(runs):
            for tool, operate in tools.items():
                for operation in OPERATIONS:
                    if (operation, tool) in series:
                        status.update(f"run {run + 1} of {runs}: {workload.name}, {tool} {operation}")
                        series[operation, tool].samples.append(operate(operation))
    return list(series.values())


def _starts(directory: Path, runs: int) -> list[Series]:
    """How long Python takes to start with this and that imported."""
    series = [Series(what, "caraml") for what in STARTS]
    for _ in range(runs):
        for one in series:
            one.samples.append(measured(STARTS[one.operation], directory, os.environ))
    return series


def main(
    kubeconfig: Annotated[Path | None, typer.Option(help="A test cluster's; by default the local one's.")] = None,
    runs: Annotated[int, typer.Option(min=1, help="How often each operation is run.")] = 3,
    configmaps: Annotated[int, typer.Option(min=0, help="How many ConfigMaps; 0 leaves them out.")] = 200,
    versions: Annotated[int, typer.Option(min=0, help="How many model versions; 0 leaves them out.")] = 100,
    output: Annotated[Path | None, typer.Option("--json", help="Write the results to this file too.")] = None,
) -> None:
    """Measure caraml against a bare HTTP client, and against pulumi if it is on PATH."""
    console = Console()
    kubeconfig = kubeconfig or Cluster.named().kubeconfig
    if not kubeconfig.exists():
        raise CaramlError("there is no cluster to measure on", where=str(kubeconfig), fix="caraml cluster up")
    namespace = f"bench-{uuid.uuid4().hex[:8]}"
    client = KubeClient.from_kubeconfig(str(kubeconfig))
    results: dict[str, list[Series]] = {}
    client.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    try:
        with tempfile.TemporaryDirectory() as directory:
            results["start-up"] = _starts(Path(directory), max(runs, 5))
            show(console, "start-up (s)", results["start-up"])
            for name, count in {"configmaps": configmaps, "models": versions}.items():
                if count:
                    title = f"{count} {name}"
                    workload = Workload(name, count, namespace, Path(directory) / name, kubeconfig.resolve())
                    results[title] = _workload(console, workload, runs)
                    show(console, f"{title} (s)", results[title])
    finally:
        client.request("DELETE", f"/api/v1/namespaces/{namespace}")
        client.close()
    if output:
        output.write_text(json.dumps(document(results), indent=1))


if __name__ == "__main__":
    try:
        typer.run(main)
    except (CaramlError, FailedRun) as error:
        sys.exit(f"error: {error}")
