"""Rules judged by promtool: which alerts fire on which series."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from caraml_pulumi.manifests.monitoring.rules import prometheus_rule
from caraml_pulumi.model.monitoring_plan import MonitoringPlan
from tools.debian import program

INTERVAL = 15
"""Seconds between two samples."""


def growing(per_second: float, minutes: int = 20) -> str:
    """Samples of a counter that grows at a rate."""
    return f"0+{per_second * INTERVAL:g}x{minutes * 60 // INTERVAL}"


def steady(value: float, minutes: int = 20) -> str:
    """Samples of a gauge that stays."""
    return f"{value:g}+0x{minutes * 60 // INTERVAL}"


def series(metric: str, labels: Mapping[str, str]) -> str:
    """A series by its metric and labels."""
    chosen = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{metric}{{{chosen}}}"


def check(rules: Iterable[Any], directory: Path) -> list[str]:
    """What promtool says of each of `rules`. Raises `CalledProcessError` if some are wrong."""
    files: list[Path] = []
    for number, groups in enumerate(rules):
        files.append(directory / f"{number}.yaml")
        files[-1].write_text(yaml.safe_dump(groups))
    command: list[str | Path] = [program("promtool"), "check", "rules", "--lint-fatal", *files]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return re.findall(r"SUCCESS: (\d+ rules) found", said)


def fails(plan: MonitoringPlan, test: dict[str, Any], directory: Path, every: str = "15s") -> str:
    """What promtool says of a test that does not hold; nothing if it does."""
    (directory / "rules.yaml").write_text(yaml.safe_dump(prometheus_rule(plan)["spec"]))
    file = directory / "test.yaml"
    whole = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": every,
        "tests": [{"interval": f"{INTERVAL}s", **test}],
    }
    file.write_text(yaml.safe_dump(whole))
    result = subprocess.run(
        [program("promtool"), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    return "" if result.returncode == 0 else result.stdout + result.stderr


def firing(
    plan: MonitoringPlan, samples: Mapping[str, str], expected: set[str], directory: Path, at: str = "15m"
) -> str:
    """Nothing if just the `expected` alerts fire on `samples`, else what promtool says."""
    names = [f"[merlin] {plan.model}: {name}" for name in sorted(expected)]
    return fails(
        plan,
        {
            "input_series": [{"series": name, "values": values} for name, values in samples.items()],
            "promql_expr_test": [
                {
                    "expr": 'group by (alertname) (ALERTS{alertstate="firing"})',
                    "eval_time": at,
                    "exp_samples": [{"labels": series("", {"alertname": name}), "value": 1} for name in names],
                }
            ],
        },
        directory,
        every="1m" if at.endswith("h") else "15s",
    )
