"""The model: the kind of iris whose average flower is nearest. Counted and timed, whoever asks."""

import json
import math
import random
import time
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram

from .settings import Settings

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")


class InvalidRequest(ValueError):
    """What was asked is not a list of flowers."""


class Failure(RuntimeError):
    """The model failed."""


class Predictor:
    """Predicts the kinds of flowers."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.registry = CollectorRegistry()
        self._centroids = read_centroids(settings.model_dir)
        self._predictions = Counter(
            "iris_predictions", "Requests for predictions.", ["model", "protocol", "outcome"], registry=self.registry
        )
        self._seconds = Histogram(
            "iris_prediction_seconds", "Time of a request.", ["model", "protocol"], registry=self.registry
        )

    def predict(self, protocol: str, flowers: Sequence[Sequence[object]]) -> list[str]:
        """The kind of each of `flowers`. Raises `InvalidRequest`, and `Failure` as often as the settings say."""
        outcome = "error"
        with self._seconds.labels(self.settings.full_name, protocol).time():
            try:
                time.sleep(self.settings.latency_seconds)
                if random.random() < self.settings.error_rate:  # noqa: S311 - not for secrets
                    raise Failure("the model fails on purpose: IRIS_ERROR_RATE")
                kinds = [self._nearest(flower) for flower in flowers]
                outcome = "ok"
            except InvalidRequest:
                outcome = "invalid"
                raise
            finally:
                self._predictions.labels(self.settings.full_name, protocol, outcome).inc()
        return kinds

    def _nearest(self, flower: Sequence[object]) -> str:
        numbers = [float(value) for value in flower if isinstance(value, int | float)]
        if len(numbers) != len(FEATURES) or len(flower) != len(FEATURES):
            raise InvalidRequest(f"a flower has {len(FEATURES)} numbers: {', '.join(FEATURES)}")
        return min(self._centroids, key=lambda kind: math.dist(self._centroids[kind], numbers))


def read_centroids(model_dir: Path) -> dict[str, list[float]]:
    """The average flower of each kind."""
    centroids: dict[str, list[float]] = json.loads((model_dir / "centroids.json").read_text())
    return centroids
