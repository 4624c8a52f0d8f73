"""`python -m bench.policies`: what the policy pack costs, on a stack of many resources and in a preview.

The pack judges the resources of `--models` models (two versions and an endpoint each), as Pulumi would ask it: each
resource with its inputs, then the whole stack. The same questions go to the SDK's own server with the same rules, to
fewer resources because it reads each of them once for every rule. Then a preview of `--versions` model versions is
measured with the pack and without, in turns. Nothing is asserted: a machine's load is not a defect.
"""

import gc
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel, policy
from rich.console import Console

from bench.measure import FailedRun, Sample, Series
from bench.report import document, show
from bench.workload import Workload
from caraml_pulumi import CustomModelVersion, ModelEndpoint, ModelProject
from caraml_pulumi.cluster.state import Cluster
from caraml_pulumi.engine import wire
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import KubeClient
from caraml_pulumi.testing import Recording, record
from policies.rules import all_rules
from policies.server import RuleServer

PACK: Final = Path(__file__).parents[1] / "policies"
PROFILE: Final = PACK / "profiles" / "dev.json"
_PLATFORM: Final = {"domain": "bench.example.test"}


def _models(count: int) -> Recording:
    """What a program registers for `count` models, two versions and an endpoint each, in one project."""

    def program() -> None:
        project = ModelProject("bench", team="bench", stream="bench")
        for number in range(count):
            model = f"model-{number:04}"
            versions = [
                CustomModelVersion(
                    f"{model}-{version}",
                    model=model,
                    version=version,
                    project=project,
                    image="registry.local/caraml/example:1.0",
                    env={"LOG_LEVEL": "info", "THREADS": "4"},
                )
                for version in (1, 2)
            ]
            ModelEndpoint(model, versions=versions, traffic={versions[0]: 90, versions[1]: 10})

    return record(program, config={"caraml:platform": _PLATFORM})


def _questions(recording: Recording) -> tuple[list[analyzer_pb2.AnalyzeRequest], analyzer_pb2.AnalyzeStackRequest]:
    """What Pulumi asks of a pack about what was recorded."""
    each, together = [], analyzer_pb2.AnalyzeStackRequest()
    for item in recording.registrations:
        who: dict[str, Any] = {"type": item.type, "urn": item.urn, "name": item.name}
        inputs = wire.encode(item.inputs, secrets=True, unknowns=True)
        outputs = wire.encode(item.inputs if item.custom else item.outputs, secrets=True, unknowns=True)
        options = analyzer_pb2.AnalyzerResourceOptions(parent=item.parent)
        each.append(analyzer_pb2.AnalyzeRequest(**who, properties=inputs, options=options))
        together.resources.append(
            analyzer_pb2.AnalyzerResource(**who, properties=outputs, options=options, parent=item.parent)
        )
    return each, together


def _judged(
    kind: Any,  # noqa: ANN401 - a class of the SDK without types
    each: Sequence[analyzer_pb2.AnalyzeRequest],
    together: analyzer_pb2.AnalyzeStackRequest,
) -> Sample:
    """How long a server of that kind takes to judge each resource, and all of them together."""
    server = kind("bench", "1.0.0", [*all_rules()], EnforcementLevel.MANDATORY)
    # As they come from the wire: nothing of them has been read before.
    raw, stack = [request.SerializeToString() for request in each], together.SerializeToString()
    gc.freeze()  # what the benchmark itself holds is not the pack's
    began, cpu = time.perf_counter(), time.process_time()
    for request in raw:
        server.Analyze(analyzer_pb2.AnalyzeRequest.FromString(request), None)
    server.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest.FromString(stack), None)
    return Sample(time.perf_counter() - began, time.process_time() - cpu, 0)


def _pack(models: int, runs: int, console: Console) -> dict[str, list[Series]]:
    """The pack's own server on the whole stack, and in turns with the SDK's server on a tenth of it."""
    recording = _models(models)
    each, together = _questions(recording)
    whole = Series("each resource, and the stack", "caraml")
    tenth = _questions(_models(max(models // 10, 1)))
    ours, stock = Series(whole.operation, "caraml"), Series(whole.operation, "sdk")
    with console.status("judging") as status:
        for run in range(runs):
            status.update(f"run {run + 1} of {runs}: {len(each)} resources")
            whole.samples.append(_judged(RuleServer, each, together))
            status.update(f"run {run + 1} of {runs}: {len(tenth[0])} resources, both servers")
            ours.samples.append(_judged(RuleServer, *tenth))
            stock.samples.append(_judged(policy._PolicyAnalyzerServicer, *tenth))
    rules = len(all_rules())
    return {
        f"{rules} rules, {len(each)} resources": [whole],
        f"{rules} rules, {len(tenth[0])} resources": [ours, stock],
    }


def _preview(workload: Workload, runs: int, console: Console) -> list[Series]:
    """A preview with the pack, and without it."""
    workload.prepare()
    ours, without = Series("preview", "caraml"), Series("preview", "no pack")
    with console.status("preview") as status:
        for run in range(runs):
            status.update(f"run {run + 1} of {runs}: preview")
            without.samples.append(workload.preview())
            ours.samples.append(workload.preview("--policy-pack", str(PACK), "--policy-pack-config", str(PROFILE)))
    return [ours, without]


def main(
    kubeconfig: Annotated[Path | None, typer.Option(help="A test cluster's; by default the local one's.")] = None,
    runs: Annotated[int, typer.Option(min=1, help="How often each is run.")] = 5,
    models: Annotated[int, typer.Option(min=1, help="How many models the judged stack has.")] = 300,
    versions: Annotated[int, typer.Option(min=0, help="How many versions are previewed; 0 leaves it out.")] = 100,
    output: Annotated[Path | None, typer.Option("--json", help="Write the results to this file too.")] = None,
) -> None:
    """Measure the policy pack."""
    console = Console()
    results = _pack(models, runs, console)
    for title, found in results.items():
        show(console, f"{title} (s)", found)
    if versions:
        kubeconfig = kubeconfig or Cluster.named().kubeconfig
        if not kubeconfig.exists():
            raise CaramlError("there is no cluster to measure on", where=str(kubeconfig), fix="caraml cluster up")
        namespace = f"bench-{uuid.uuid4().hex[:8]}"
        client = KubeClient.from_kubeconfig(str(kubeconfig))
        client.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        try:
            with tempfile.TemporaryDirectory() as directory:
                workload = Workload("models", versions, namespace, Path(directory) / "models", kubeconfig.resolve())
                results[f"{versions} versions"] = _preview(workload, runs, console)
                show(console, f"{versions} versions (s)", results[f"{versions} versions"])
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
