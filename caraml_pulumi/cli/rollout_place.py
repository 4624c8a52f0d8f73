"""The model that `caraml rollout` is about: in the files of a stack, in its state, and in its history."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from caraml_pulumi.cli.common import load_with_journal
from caraml_pulumi.engine.api import Target
from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.engine.state.config import ConfigValue, load_stack_config
from caraml_pulumi.engine.values import Secret
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.modes import VersionStatus
from caraml_pulumi.model.states import Phase
from caraml_pulumi.rollout.measuring import expressions
from caraml_pulumi.rollout.plan import RolloutPlan, Weights
from caraml_pulumi.rollout.prometheus import Prometheus
from caraml_pulumi.rollout.record import latest_record
from caraml_pulumi.rollout.release_file import RolloutFile, find_release
from caraml_pulumi.rollout.situation import Situation, find_situation
from caraml_pulumi.rollout.verdict import Check
from caraml_pulumi.stack_files import PLATFORM_KEY, PROJECTS_KEY, RELEASES, StackFiles, read_stack
from caraml_pulumi.status.deployed import Deployed, read_deployed
from caraml_pulumi.status.selection import Selection
from caraml_pulumi.status.state import current_state
from caraml_pulumi.status.survey import survey

HISTORY_LIMIT: Final = 200
"""How many of the last updates are searched for a rollout that was interrupted."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where Prometheus is, and limits in place of the alerts' (percent, milliseconds)."""

    prometheus_url: str | None
    max_error_rate: float | None
    max_latency: float | None


@dataclass(frozen=True, slots=True)
class Place:
    """A model of a stack: its release file, and what else the stack's files say."""

    target: Target
    files: StackFiles
    file: RolloutFile

    @property
    def name(self) -> str:
        """The model with its project."""
        return f"{self.file.spec.project}/{self.file.spec.model}"

    def deployed(self) -> Weights:
        """The weights in the stack's state. Raises `CaramlError` if the endpoint is not deployed."""
        return self._deployed(self._read_state())

    def situation(self, to: int, percents: Sequence[int]) -> Situation:
        """Where a rollout to version `to` is. Raises `CaramlError` if there can be none."""
        spec = self.file.spec
        state = self._read_state()
        weights = self._deployed(state)
        versions = {
            one.version: one for one in state.versions if (one.project, one.model) == (spec.project, spec.model)
        }
        if to not in versions or versions[to].stopped:
            listed = [str(version) for version, one in versions.items() if not one.stopped]
            raise CaramlError(
                f"version {to} of {self.name} is not deployed",
                allowed=f"versions {', '.join(listed)}" if listed else "",
                fix="add it to the release without traffic, and deploy it first: caraml up",
            )
        backend, stack = open_backend(self.target.backend_url), (self.target.project.name, self.target.stack)
        recorded = backend.last_recorded(*stack)
        return find_situation(
            spec.project,
            spec.model,
            to,
            percents,
            declared=self.file.weights(),
            deployed=weights,
            recorded=(recorded and self._weights(read_deployed(current_state(recorded)))) or weights,
            record=latest_record(backend.history(*stack, HISTORY_LIMIT), spec.project, spec.model),
        )

    def check_ready(self, version: int) -> None:
        """Refuse a version that does not answer, or has failed. Raises `CaramlError`, also if that cannot be seen."""
        spec = self.file.spec
        document, journal = load_with_journal(self.target)
        [report] = survey(document, journal, Selection(spec.model, spec.project, version)).versions
        state = report.state
        if state.phase is Phase.FAILED or state.status not in (VersionStatus.RUNNING, VersionStatus.SERVING):
            raise CaramlError(
                f"version {version} of {self.name} is not ready: {state.reason or state.status}",
                fix=f"see caraml status {self.name}/{version} --stack {self.target.stack}",
            )

    def asked(self, plan: RolloutPlan, thresholds: Thresholds) -> dict[Check, str]:
        """What Prometheus is asked. Raises `CaramlError` if a step would break a rule, or there is nothing to ask."""
        for step in range(len(plan.percents)):
            versions = self.file.plan(plan.weights(step), self.files)
        version = next(one for one in versions if one.version == plan.to)
        return expressions(
            self.file.spec,
            version,
            self.files.platform,
            max_error_rate=thresholds.max_error_rate,
            max_latency=thresholds.max_latency,
        )

    def prometheus(self, thresholds: Thresholds) -> Prometheus:
        """The Prometheus to ask, which answers. Raises `CaramlError` if none is known, or it does not."""
        url = thresholds.prometheus_url or self.files.platform.monitoring.prometheus_url
        if url is None:
            raise CaramlError(
                "it is not known which Prometheus watches the models",
                where=f"{PLATFORM_KEY} in {load_stack_config(self.target.project, self.target.stack).path}",
                fix="set monitoring.prometheusUrl of the platform, or give --prometheus URL",
            )
        prometheus = Prometheus(url)
        prometheus.check()
        return prometheus

    def _read_state(self) -> Deployed:
        return read_deployed(current_state(*load_with_journal(self.target)))

    def _deployed(self, state: Deployed) -> Weights:
        weights = self._weights(state)
        if weights is None:
            raise CaramlError(f"the endpoint of {self.name} is not deployed", fix="deploy it first: caraml up")
        return weights

    def _weights(self, state: Deployed) -> Weights | None:
        """The weights of the model's endpoint; None if it has none."""
        spec = self.file.spec
        ours = (one for one in state.endpoints if (one.project, one.model) == (spec.project, spec.model))
        return next((endpoint.traffic for endpoint in ours), None)


def find_place(target: Target, model: str) -> Place:
    """The model in the stack's files.

    Raises `CaramlError` if there is no such stack, or no such model in its files, or if they break a rule.
    """
    load_with_journal(target)
    config = load_stack_config(target.project, target.stack)
    entries = {key: value for key, value in config.entries().items() if key in (PLATFORM_KEY, PROJECTS_KEY)}
    directory = target.project.stack_config_dir
    files = read_stack(directory, target.stack, {key: _plain(value) for key, value in entries.items()})
    return Place(target, files, find_release(directory / RELEASES / files.platform.environment, model))


def _plain(value: ConfigValue) -> Any:  # noqa: ANN401 - whatever the configuration has
    """The value of a key that is a mapping; secrets in it are ``[secret]``."""
    return json.loads(str(value.value) if isinstance(value, Secret) else value)
