"""Rollouts from beginning to end, in a world that is as small as can be: what is declared, deployed and recorded."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caraml_pulumi.errors import LOCKED, CaramlError
from caraml_pulumi.rollout.plan import Weights, answering
from caraml_pulumi.rollout.record import latest_record
from caraml_pulumi.rollout.run import LOCK_PATIENCE_SECONDS, Pace, Surroundings, go_back, roll_out
from caraml_pulumi.rollout.situation import find_situation
from caraml_pulumi.rollout.verdict import State, Verdict

PACE = Pace(10, patience=2)
STEPS = (5, 25, 50, 100)
BEFORE: Weights = {1: 100}


class Killed(BaseException):
    """The process is gone."""


@dataclass
class World:
    """What is left when a process is gone: a release file, the state, and the history, the newest first."""

    declared: Weights = field(default_factory=lambda: dict(BEFORE))
    fails_at: int = 101
    """From which weight on version 2 does not hold."""
    kills: list[int] = field(default_factory=list)
    """After how many actions the process is killed, counted from the last time."""
    locked: int = 0
    """How many updates find the stack locked."""
    state: Weights = field(default_factory=lambda: dict(BEFORE))
    recorded: Weights = field(default_factory=lambda: dict(BEFORE))
    """The weights that the newest update in the history led to."""
    history: list[dict[str, str]] = field(default_factory=list)
    time: float = 0.0
    actions: int = 0
    said: list[str] = field(default_factory=list)

    def act(self) -> None:
        self.actions += 1
        if self.kills and self.actions > self.kills[0]:
            self.kills.pop(0)
            self.actions = 0
            raise Killed

    def weights(self) -> Weights:
        return self.declared

    def write(self, weights: Weights) -> None:
        self.act()
        self.declared = dict(weights)
        self.act()

    def update(self, message: str) -> None:
        self.act()
        if self.locked:
            self.locked -= 1
            raise CaramlError("another run holds the lock", exit_code=LOCKED)
        self.state = self.declared
        self.act()
        self.recorded = self.state
        self.history.insert(0, {"message": message, "result": "succeeded"})
        self.act()

    def sleep(self, seconds: float) -> None:
        self.act()
        self.time += seconds

    def measure(self) -> Verdict:
        self.act()
        good = self.state.get(2, 0) < self.fails_at
        return Verdict(State.HOLDS if good else State.BREACHED, "fine" if good else "bad", {})

    def begin(self, step: int) -> None:
        self.said.append(f"begin {step}")
        self.act()

    def watch(self, step: int, elapsed_seconds: float, verdict: Verdict) -> None:
        pass

    def held(self, step: int, verdict: Verdict) -> None:
        self.said.append(f"held {step}")

    def back(self, reason: str) -> None:
        self.said.append(f"back: {reason}")
        self.act()

    def wait(self, text: str) -> None:
        self.said.append(f"wait: {text}")

    @property
    def around(self) -> Surroundings:
        return Surroundings(self, lambda: self.state, self.update, self, lambda: self.time, self.sleep)

    def run(self, steps: Sequence[int] = STEPS) -> str:
        """What the command does, again and again until it is not killed. Returns why it went back."""
        while True:
            record = latest_record(self.history, "team", "iris")
            situation = find_situation(
                "team",
                "iris",
                2,
                steps,
                declared=self.declared,
                deployed=self.state,
                recorded=self.recorded,
                record=record,
            )
            try:
                if situation.goes_back:
                    return go_back(situation.plan, "interrupted", self.around)
                return roll_out(situation, PACE, self.measure, self.around)
            except Killed:
                if "finished" in self.history[0]["message"] if self.history else False:
                    return ""

    @property
    def end(self) -> tuple[Weights, Weights]:
        return answering(self.declared), answering(self.state)

    @property
    def messages(self) -> list[str]:
        return [entry["message"].partition(": ")[2] for entry in reversed(self.history)]


@pytest.fixture
def world() -> World:
    return World()


def test_a_version_that_holds_gets_all_the_traffic_step_by_step(world: World) -> None:
    assert world.run() == ""
    assert world.end == ({2: 100}, {2: 100})
    assert world.messages == [
        "5 % (step 1 of 4, from 1=100)",
        "25 % (step 2 of 4, from 1=100)",
        "50 % (step 3 of 4, from 1=100)",
        "100 % (step 4 of 4, from 1=100)",
        "finished (fine)",
    ]
    assert world.time == 4 * PACE.pause_seconds


def test_a_version_that_does_not_hold_loses_the_traffic_at_once(world: World) -> None:
    world.fails_at = 50
    assert world.run() == "bad"
    assert world.messages[2:] == ["50 % (step 3 of 4, from 1=100)", "back to 1=100 (bad)"]
    assert world.end == ({1: 100}, {1: 100})
    assert world.time < 3 * PACE.pause_seconds


def test_another_update_of_the_stack_is_waited_for(world: World) -> None:
    world.locked = 3
    assert world.run() == ""
    assert world.said[:5] == ["begin 0", *["wait: another run holds the lock"] * 3, "held 0"]


def test_an_update_that_never_ends_stops_the_rollout(world: World) -> None:
    world.locked = 10**6
    with pytest.raises(CaramlError, match="another run holds the lock"):
        world.run()
    assert world.time == pytest.approx(LOCK_PATIENCE_SECONDS, abs=10)


def test_it_stops_where_somebody_else_deployed_other_weights_meanwhile(world: World) -> None:
    measured = world.measure

    def meddle() -> Verdict:
        if world.state.get(2) == 25:
            world.state = {1: 40, 2: 60}
        return measured()

    world.measure = meddle  # type: ignore[method-assign]
    with pytest.raises(CaramlError, match="the stack's state gives version 1: 40 %, version 2: 60 %, where"):
        world.run()
    assert world.declared == {1: 75, 2: 25}


def test_a_failed_way_back_says_what_the_weights_should_be(world: World) -> None:
    world.fails_at = 25

    def fail(message: str) -> None:
        if "back to" in message:
            raise CaramlError("the API server is away")
        World.update(world, message)

    world.update = fail  # type: ignore[method-assign]
    with pytest.raises(CaramlError, match=r"has to go back to version 1: 100 % \(bad\), but that failed: the API"):
        world.run()


@settings(max_examples=500)
@given(
    kills=st.lists(st.integers(0, 60), max_size=4),
    fails_at=st.sampled_from([5, 25, 50, 100, 101]),
    steps=st.sampled_from([STEPS, (100,), (1, 2, 100), (50,)]),
)
def test_however_often_it_is_killed_it_comes_to_the_same_end(
    kills: list[int], fails_at: int, steps: tuple[int, ...]
) -> None:
    world = World(fails_at=fails_at, kills=kills)
    reason = world.run(steps)
    holds = steps[-1] < fails_at
    end = answering({1: 100 - steps[-1], 2: steps[-1]}) if holds else BEFORE
    assert bool(reason) != holds
    assert world.end == (end, end)
