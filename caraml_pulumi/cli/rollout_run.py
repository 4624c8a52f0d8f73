"""How `caraml rollout` goes: a preview and a question, then steps that only updates and Prometheus decide about."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from caraml_pulumi.cli.flow import Request, apply_silently, confirm
from caraml_pulumi.cli.rollout_display import Events, Lines, LiveTable, RolloutDisplay
from caraml_pulumi.cli.rollout_place import Place, Thresholds
from caraml_pulumi.cli.terminal import console
from caraml_pulumi.engine.state.yaml_edit import write_whole
from caraml_pulumi.errors import INTERRUPTED, ROLLED_BACK, CaramlError
from caraml_pulumi.rollout.measuring import measure
from caraml_pulumi.rollout.plan import RolloutPlan, Weights, answering, weights_text
from caraml_pulumi.rollout.run import Pace, Surroundings, go_back, roll_out
from caraml_pulumi.rollout.situation import Situation


def run(place: Place, situation: Situation, pace: Pace, thresholds: Thresholds, request: Request) -> None:
    """Roll out, from wherever the situation is.

    Raises:
        CaramlError: it cannot begin, an update failed, it was interrupted, or the version did not hold.
    """
    plan = situation.plan
    asked = place.asked(plan, thresholds)
    place.check_ready(plan.to)
    prometheus = place.prometheus(thresholds)
    kind: type[RolloutDisplay] = Events if request.as_json else LiveTable if request.live else Lines
    display = kind(plan, list(asked), pace, console())
    display.start(situation.step, resumes=situation.resumes)
    if not situation.is_deployed:
        _confirm(place, plan.weights(situation.step), request)
    with _stoppable(place, plan, display):
        reason = roll_out(situation, pace, lambda: measure(prometheus, asked), _surroundings(place, request, display))
    display.end(reason)
    if reason:
        raise did_not_hold(place, plan, reason)


def did_not_hold(place: Place, plan: RolloutPlan, reason: str) -> CaramlError:
    """What a rollout that went back ends with."""
    return CaramlError(
        f"version {plan.to} of {plan.name} did not hold: {reason}",
        fix=f"see what it says: caraml logs {plan.name}/{plan.to} --stack {place.target.stack}",
        exit_code=ROLLED_BACK,
    )


def run_back(place: Place, plan: RolloutPlan, reason: str, pace: Pace, request: Request) -> None:
    """Restore the weights before a rollout, after a preview and a question. Raises `CaramlError` if that fails."""
    display = (Events if request.as_json else Lines)(plan, (), pace, console())
    _confirm(place, plan.before, request)
    with _stoppable(place, plan, display):
        go_back(plan, reason, _surroundings(place, request, display))
    display.end(reason)


def _confirm(place: Place, weights: Weights, request: Request) -> None:
    """Show what `weights` would change, and ask; without a yes, the release file stays as it was."""
    path = place.file.path
    text = path.read_text("utf-8")
    place.file.write(weights)
    try:
        confirm(replace(request, skip_preview=request.as_json))
    except BaseException:
        write_whole(path, text)
        raise


def _surroundings(place: Place, request: Request, display: RolloutDisplay) -> Surroundings:
    def update(message: str) -> None:
        apply_silently(replace(request, options=replace(request.options, message=message)))

    return Surroundings(place.file, place.deployed, update, display)


@contextmanager
def _stoppable(place: Place, plan: RolloutPlan, display: RolloutDisplay) -> Iterator[None]:
    """Whatever stops a rollout, the terminal is free afterwards, and the person knows how to go on or back.

    Between updates the first Ctrl-C (or SIGTERM) stops it; during one it ends as an update does.
    """
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise _stopped(place, plan, CaramlError("interrupted", exit_code=INTERRUPTED)) from None
    except CaramlError as error:
        raise _stopped(place, plan, error) from error
    finally:
        signal.signal(signal.SIGTERM, previous)
        display.close()


def _stopped(place: Place, plan: RolloutPlan, error: CaramlError) -> CaramlError:
    """`error`, with where the rollout stopped and what to do."""
    again = f"caraml rollout {plan.name} --to {plan.to} --stack {place.target.stack}"
    return CaramlError(
        f"the rollout of {plan.name} stopped at {weights_text(answering(place.deployed()))}: {error}",
        fix=f"go on with the same command; to give it up: {again} --abort",
        exit_code=error.exit_code,
    )
