"""What an update did to a model, in models' terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from caraml_pulumi.engine.display.tree import Row, Status
from caraml_pulumi.engine.resource import urn_name
from caraml_pulumi.engine.values import same
from caraml_pulumi.history.components import Resource
from caraml_pulumi.history.models import ModelName, ModelState, agree
from caraml_pulumi.review.document import ModelReview
from caraml_pulumi.review.models import gather, review_of
from caraml_pulumi.review.subjects import ENDPOINT_TYPE, VERSION_TYPE, whole
from caraml_pulumi.review.words import Line, Part, parts

ChangeKind = Literal["added", "removed", "changed"]
_PROMOTED: Final = "promotedFrom"
_WEIGHT: Final = "weight"
_TRAFFIC: Final = "traffic"
_FIRST: Final = frozenset({"image", "artifact"})
"""What is told in a line of a version that is added."""


@dataclass(frozen=True, slots=True)
class ModelChange:
    """What became of a model from one state to a later one; one of the two is there."""

    name: ModelName
    before: ModelState | None
    after: ModelState | None

    @property
    def kind(self) -> ChangeKind:
        """Whether it came, went or changed."""
        was, is_ = (state is not None and state.is_deployed for state in (self.before, self.after))
        return "added" if is_ and not was else "removed" if was and not is_ else "changed"

    @property
    def promoted_from(self) -> Mapping[str, Any] | None:
        """Where the release was promoted from, if that is new."""
        before, after = (_promotion(state) for state in (self.before, self.after))
        return after if after != before else None

    def review(self) -> ModelReview:
        """The change as a review of it tells."""
        found, _ = gather(_rows(_parts(self.before), _parts(self.after)))
        if not found:
            return ModelReview(
                project=self.name.project, model=self.name.model, environment="", versions=[], endpoint=None
            )
        return review_of(found[0])

    def summary(self) -> list[str]:
        """The change in a few words for each part: ``version 2: image iris:2.0 → iris:2.1``, ``traffic 1=100 → …``."""
        found = [words for part in parts(self.review()) if (words := _in_words(part, self._others(part.title)))]
        before, after = (_weights(state) for state in (self.before, self.after))
        if after and before != after:
            found.append(f"traffic {before} → {after}" if before else f"traffic {after}")
        if promotion := self.promoted_from:
            found.append(promoted(promotion))
        return found or [self._of_the_record()]

    def _others(self, title: str) -> str:
        """The names of the properties in which a part differs, for those that nobody compares in words."""
        old, new = (_parts(state) for state in (self.before, self.after))
        common = ((old[key], new[key]) for key in old.keys() & new.keys() if _title(new[key]) == title)
        return ", ".join(sorted({name for one, other in common for name in _differing(_inputs(one), _inputs(other))}))

    def _of_the_record(self) -> str:
        """What is told of a change that no component shows."""
        old, new = (state.release if state else None for state in (self.before, self.after))
        if old is None or new is None:
            return f"the record of the release {'removed' if new is None else 'added'}"
        return f"release: {', '.join(_differing(old, new))}"


def promoted(promotion: Mapping[str, Any]) -> str:
    """``promoted from dev (update 12)``."""
    update = whole(promotion.get("update"))
    return f"promoted from {promotion.get('environment')}" + (f" (update {update})" if update else "")


def changes(before: Mapping[ModelName, ModelState], after: Mapping[ModelName, ModelState]) -> list[ModelChange]:
    """The models that differ, by name."""
    return [
        ModelChange(name, before.get(name), after.get(name))
        for name in sorted({*before, *after}, key=str)
        if not agree(before.get(name), after.get(name))
    ]


def _promotion(state: ModelState | None) -> Mapping[str, Any] | None:
    promotion = (state.release or {}).get(_PROMOTED) if state else None
    return promotion if isinstance(promotion, Mapping) else None


def _parts(state: ModelState | None) -> Mapping[str, Resource]:
    return state.parts if state else {}


def _rows(before: Mapping[str, Resource], after: Mapping[str, Resource]) -> dict[str, Row]:
    """Components of a model as a preview's rows have them."""
    rows: dict[str, Row] = {}
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        either = new or old or {}
        op = "create" if old is None else "delete" if new is None else "same"
        if old and new and not same(_inputs(old), _inputs(new)):
            op = "update"
        metadata = {"old": old, "new": new}
        rows[key] = Row(
            either["urn"], either["type"], urn_name(either["urn"]), op=op, status=Status.DONE, metadata=metadata
        )
    return rows


def _in_words(part: Part, others: str) -> str:
    """A part in a line; nothing for what the traffic tells already."""
    lines = [line for line in part.lines if line.name not in (_WEIGHT, _TRAFFIC)]
    if part.change in ("added", "removed"):
        lines = [line for line in lines if line.name in _FIRST and part.change == "added"]
    elif part.change == "unchanged" or (part.change == "changed" and not lines and part.lines):
        return ""
    told = ", ".join(_line(line) for line in lines)
    if part.change == "changed":
        return f"{part.title}: {told or others}"
    return f"{part.title} {part.change}{': ' if told else ''}{told}"


def _line(line: Line) -> str:
    if line.note:
        return f"{line.name} {line.note}"
    if line.only:
        return f"{line.name} {line.after if line.before is None else line.before}"
    return f"{line.name} {_arrow(line.before, line.after)}"


def _arrow(before: str | None, after: str | None) -> str:
    return f"{before or 'none'} → {after or 'none'}"


def _weights(state: ModelState | None) -> str | None:
    """The division of the traffic: ``1=90, 2=10``; None where there is none."""
    endpoints = (_inputs(one) for one in _parts(state).values() if one["type"] == ENDPOINT_TYPE)
    shares = next(endpoints, {}).get(_TRAFFIC)
    return ", ".join(_share(one) for one in shares) if isinstance(shares, list) else None


def _share(share: Any) -> str:  # noqa: ANN401 - whatever the inputs have there
    found = share if isinstance(share, Mapping) else {}
    return f"{whole(found.get('version'))}={whole(found.get('weight'))}"


def _inputs(resource: Resource) -> Mapping[str, Any]:
    return resource.get("inputs") or {}


def _title(resource: Resource) -> str:
    """What a review calls the part that a component is of."""
    return f"version {whole(_inputs(resource).get('version'))}" if resource["type"] == VERSION_TYPE else "endpoint"


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return sorted(key for key in old.keys() | new.keys() if not same(old.get(key), new.get(key)))
