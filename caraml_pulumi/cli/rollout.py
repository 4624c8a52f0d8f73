"""``caraml rollout``: moves a model's traffic to another version, step by step, while it holds."""

import math
import re
from typing import Annotated, Final

import typer

from caraml_pulumi.cli import complete
from caraml_pulumi.cli.common import HERE, Cwd, Stack, resolve_target
from caraml_pulumi.cli.engines import EngineChoice, open_engine
from caraml_pulumi.cli.options import (
    ColorOption,
    Engine,
    NonInteractive,
    Parallel,
    PolicyPackConfigs,
    PolicyPacks,
    Yes,
    update_options,
)
from caraml_pulumi.cli.terminal import Color, apply_color, refuse_to_ask
from caraml_pulumi.engine.api import DEFAULT_PARALLEL
from caraml_pulumi.errors import USAGE, CaramlError

app = typer.Typer(rich_markup_mode=None)

DEFAULT_STEPS: Final = "5,25,50,100"
DEFAULT_PAUSE: Final = "5m"
DEFAULT_PATIENCE: Final = 3
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="The model; PROJECT/MODEL if several projects have it.", autocompletion=complete.models
    ),
]
To = Annotated[int, typer.Option("--to", metavar="VERSION", min=1, help="The version that gets the traffic.")]
StepsOption = Annotated[str, typer.Option("--steps", metavar="PERCENTS", help="Its weight, step by step.")]
Pause = Annotated[str, typer.Option("--pause", metavar="TIME", help="How long a step has to hold: 90s, 5m, 1h.")]
PrometheusUrl = Annotated[
    str | None,
    typer.Option(
        "--prometheus", metavar="URL", help="The Prometheus to ask.", show_default="the platform's prometheusUrl"
    ),
]
MaxErrorRate = Annotated[
    float | None,
    typer.Option(
        "--max-error-rate", metavar="PERCENT", min=0, help="What still holds.", show_default="the strictest alert's"
    ),
]
MaxLatency = Annotated[
    float | None,
    typer.Option("--max-latency", metavar="MS", min=0, help="What still holds.", show_default="the strictest alert's"),
]
Patience = Annotated[
    int,
    typer.Option("--patience", metavar="N", min=1, help="How many pauses to wait for samples, or for Prometheus."),
]
AllowNoTraffic = Annotated[
    bool, typer.Option("--allow-no-traffic", help="A step without requests holds, instead of going back.")
]
Abort = Annotated[bool, typer.Option("--abort", help="Give up a rollout that was interrupted: go back.")]
EventLines = Annotated[bool, typer.Option("--json", help="Print an event a line, as JSON.")]


@app.command(epilog="Example: caraml rollout iris --to 2 --stack prod --steps 10,50,100")
def rollout(
    model: Model,
    to: To,
    cwd: Cwd = HERE,
    stack: Stack = None,
    steps: StepsOption = DEFAULT_STEPS,
    pause: Pause = DEFAULT_PAUSE,
    prometheus: PrometheusUrl = None,
    max_error_rate: MaxErrorRate = None,
    max_latency: MaxLatency = None,
    patience: Patience = DEFAULT_PATIENCE,
    allow_no_traffic: AllowNoTraffic = False,
    abort: Abort = False,
    yes: Yes = False,
    json: EventLines = False,
    policy_pack: PolicyPacks = None,
    policy_pack_config: PolicyPackConfigs = None,
    parallel: Parallel = DEFAULT_PARALLEL,
    engine: Engine = EngineChoice.AUTO,
    color: ColorOption = Color.AUTO,
    non_interactive: NonInteractive = False,
) -> None:
    """Move a model's traffic to another version, step by step, and back if it does not hold.

    Each step changes the weights in the release file and deploys them. Then Prometheus is asked whether error rate and
    latency of the version stay within the model's alerts; if not, the weights before are restored (exit code 6). Run
    the same command again to go on after an interruption.
    """
    apply_color(color)
    from caraml_pulumi.cli.flow import Request
    from caraml_pulumi.cli.rollout_place import Thresholds, find_place
    from caraml_pulumi.cli.rollout_run import did_not_hold, run, run_back
    from caraml_pulumi.rollout.plan import parse_percents
    from caraml_pulumi.rollout.run import Pace

    percents = parse_percents(steps)
    pace = Pace(parse_seconds(pause), patience, allow_no_traffic)
    thresholds = Thresholds(prometheus, finite(max_error_rate), finite(max_latency))
    options = update_options(parallel, "", policy_pack, policy_pack_config, refresh=False, render=None)
    target = resolve_target(cwd, stack)
    request = Request(
        "update", open_engine(engine), target, options, yes=yes, as_json=json, interactive=not non_interactive
    )
    if not yes and not request.live:
        raise refuse_to_ask("rollout")
    place = find_place(target, model)
    situation = place.situation(to, percents)
    plan = situation.plan
    if abort and not situation.resumes:
        raise CaramlError(f"no rollout of {plan.name} to version {to} is open", fix="leave out --abort")
    if abort:
        run_back(place, plan, "given up", pace, request)
    elif situation.goes_back:
        run_back(place, plan, "it was interrupted on its way back", pace, request)
        raise did_not_hold(place, plan, "it was on its way back")
    else:
        run(place, situation, pace, thresholds, request)


def finite(value: float | None) -> float | None:
    """A limit that is a number. Raises `CaramlError` for "nan" and "inf", which everything would keep to."""
    if value is not None and not math.isfinite(value):
        raise CaramlError(f"{value} is no limit", allowed="a number from 0 on", exit_code=USAGE)
    return value


def parse_seconds(text: str) -> float:
    """The seconds in ``90s``, ``5m`` or ``1h``. Raises `CaramlError` for anything else, and below a second."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh])", text.strip())
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if seconds < 1:
        raise CaramlError(
            f'"{text}" is no time to pause',
            where="--pause",
            allowed="a number with its unit, 1s or more: 90s, 5m, 1h",
            exit_code=USAGE,
        )
    return seconds
