"""`python -m bench.state`: what it costs that the state is in a bucket, on the local S3 server, instead of a directory.

The operations of a stack of `--count` ConfigMaps run in turns, each with both. Nothing is asserted: a machine's load is
not a defect.
"""

import json
import os
import sys
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.measure import FailedRun, Series
from bench.report import document, show
from bench.workload import OPERATIONS, Workload
from caraml_pulumi.artifacts.bucket import Bucket
from caraml_pulumi.artifacts.client import Endpoint
from caraml_pulumi.cluster import s3
from caraml_pulumi.cluster.state import Cluster
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import KubeClient


def _measure(cluster: Cluster, count: int, runs: int, root: Path) -> list[Series]:
    client = KubeClient.from_kubeconfig(str(cluster.kubeconfig))
    bucket = Bucket(Endpoint(), f"bench-{uuid.uuid4().hex[:12]}")
    bucket.create({}, adopt=False)
    found = {(operation, tool): Series(operation, tool) for operation in OPERATIONS for tool in ("caraml", "directory")}
    try:
        for run in range(runs):
            for tool in ("caraml", "directory"):
                namespace = f"bench-{uuid.uuid4().hex[:10]}"
                client.request("POST", "/api/v1/namespaces", body={"metadata": {"name": namespace}})
                workload = Workload("configmaps", count, namespace, root / f"{tool}-{run}", cluster.kubeconfig)
                workload.prepare()
                if tool == "caraml":
                    workload = replace(workload, backend_url=f"s3://{bucket.name}/{run}")
                for operation in OPERATIONS:
                    found[operation, tool].samples.append(workload.caraml(operation))
                client.request("DELETE", f"/api/v1/namespaces/{namespace}")
    finally:
        bucket.delete(force=True)
        client.close()
    return list(found.values())


def main(
    cluster: Annotated[str, typer.Option(metavar="NAME", help="A local cluster with S3.")] = "default",
    count: Annotated[int, typer.Option(metavar="N", min=1, help="ConfigMaps.")] = 200,
    runs: Annotated[int, typer.Option(metavar="N", min=1, help="How often, in turns.")] = 3,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the results there.")] = None,
) -> None:
    """Measure the operations of a stack with its state in a bucket and in a directory."""
    try:
        place = Cluster.named(cluster)
        os.environ |= s3.environment(place)
        with tempfile.TemporaryDirectory(prefix="caraml-bench-") as root:
            results = _measure(place, count, runs, Path(root))
    except (CaramlError, FailedRun) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    title = f"{count} ConfigMaps: state in a bucket (caraml), and in a directory"
    show(Console(), title, results)
    if json_file:
        json_file.write_text(json.dumps(document({title: results}), indent=2))


if __name__ == "__main__":
    typer.run(main)
