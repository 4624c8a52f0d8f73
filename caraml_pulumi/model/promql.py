"""Expressions in Prometheus' language, of series that are found by their names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace


def quoted(text: str) -> str:
    """`text` as a string of PromQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def matchers(labels: Mapping[str, str]) -> list[str]:
    """Matchers of labels that have just these values, in order of their names."""
    return [f"{name}={quoted(value)}" for name, value in sorted(labels.items())]


@dataclass(frozen=True, slots=True)
class Series:
    """The series of a metric that belong to a version: those whose label `by` matches one of `names`.

    Prometheus anchors a matcher's regular expression at both ends, so a name is matched as a whole.
    """

    metric: str
    labels: tuple[tuple[str, str], ...]
    by: str
    names: tuple[str, ...]
    """Regular expressions."""
    but: tuple[str, ...] = ()
    """Further matchers, as PromQL has them."""

    def with_matcher(self, *matcher: str) -> "Series":
        """Those of them that `matcher` matches as well."""
        return replace(self, but=(*self.but, *matcher))

    def __str__(self) -> str:
        """The selector of the series."""
        chosen = [*matchers(dict(self.labels)), f"{self.by}=~{quoted('|'.join(self.names))}", *self.but]
        return f"{self.metric}{{{','.join(chosen)}}}"


def merged(series: Iterable[Series]) -> list[Series]:
    """`series` with those that differ in their names alone as one."""
    found: dict[Series, list[str]] = {}
    for one in series:
        names = found.setdefault(replace(one, names=()), [])
        names += [name for name in one.names if name not in names]
    return [replace(one, names=tuple(names)) for one, names in found.items()]


def union(terms: Sequence[str]) -> str:
    """The series of all `terms`."""
    return " or ".join(terms)


def rates(series: Iterable[Series], window: str) -> str:
    """How fast each of the counters grows in a second, over `window`."""
    return union([f"rate({one}[{window}])" for one in merged(series)])


def labelled(expression: str, name: str, value: str) -> str:
    """`expression` with another label."""
    return f'label_replace({expression}, {quoted(name)}, {quoted(value)}, "", "")'


def total(series: Iterable[Series]) -> str:
    """The sum of gauges."""
    return f"sum({union([str(one) for one in merged(series)])})"


def total_rate(series: Iterable[Series], window: str) -> str:
    """The sum of how fast counters grow."""
    return f"sum({rates(series, window)})"
