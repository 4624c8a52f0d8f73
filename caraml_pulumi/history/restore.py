"""Which release a rollback goes back to, and why it cannot go back to others."""

from collections.abc import Iterable, Mapping
from typing import Any

from caraml_pulumi.engine.values import same
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.history.models import ModelName, ModelState
from caraml_pulumi.history.updates import StackHistory, Update
from caraml_pulumi.review.subjects import whole
from caraml_pulumi.rollout.record import Kind, latest_record


def last_other(history: StackHistory, name: ModelName, current: ModelState | None) -> int:
    """The newest update that succeeded and left another release of the model than the `current` one.

    The steps of a rollout are passed over: they were never meant to stay. Raises `CaramlError` if there is none.
    """
    release = current.release if current else None
    for version, found in history.states():
        state = found.get(name)
        if state is None or state.release is None or same(state.release, release):
            continue
        update = history.update(version)
        if update.succeeded and not _is_step(update, name):
            return version
    raise CaramlError(
        f"no update before left another release of {name}",
        fix=f"see what changed it: caraml history {name}; or name an update: --to N",
    )


def recorded_release(history: StackHistory, name: ModelName, version: int, *, force: bool) -> Mapping[str, Any]:
    """The release of the model that an update has left, as its file said it.

    Raises:
        CaramlError: the update left no such model, recorded no releases, or failed and `force` is not given.
    """
    update, state = history.update(version), history.models(version).get(name)
    if state is None or (state.release is None and not state.is_deployed):
        raise CaramlError(
            f"update {version} ({_told(update)}) left no {name}",
            allowed=spans(number for number, found in history.states() if name in found),
            fix="to take the model out, remove its release file and run caraml up",
        )
    if state.release is None:
        kept = spans(
            number for number, found in history.states() if (other := found.get(name)) and other.release is not None
        )
        raise CaramlError(
            f"update {version} recorded no release of {name}: its program declared the model by itself, or was made "
            "before releases were recorded",
            allowed=kept or "no update has recorded one",
            fix=f"change the program, or the release file, by hand; what was deployed then: "
            f"caraml history show {version} {name}",
        )
    if not update.succeeded and not force:
        raise CaramlError(
            f"update {version} {update.result or 'did not succeed'}: what it left of {name} may never have worked",
            fix="name an update that succeeded, or add --force",
        )
    return state.release


def spans(numbers: Iterable[int]) -> str:
    """Numbers of updates in few words: ``1-3, 5``."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and found[-1][-1] == number - 1:
            found[-1].append(number)
        else:
            found.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in found)


def _told(update: Update) -> str:
    return f"{update.kind}, {update.result}" if update.result != "succeeded" else update.kind


def _is_step(update: Update, name: ModelName) -> bool:
    record = latest_record([update.entry], name.project, name.model)
    return record is not None and record.kind is Kind.STEP


def keeping(declared: Mapping[str, Any], current: ModelState | None) -> Mapping[str, Any]:
    """The release `declared` with the versions that are declared now and that it lacks; they get no requests."""
    there = {whole(one.get("version")) for one in declared["versions"]}
    kept = [one for one in _versions(current) if whole(one.get("version")) not in there]
    versions = sorted([*declared["versions"], *kept], key=lambda one: whole(one.get("version")) or 0)
    return {**declared, "versions": versions}


def leaving(declared: Mapping[str, Any], current: ModelState | None) -> list[int]:
    """The versions that get requests now, and that the release `declared` lacks, in their order."""
    endpoint = (current.release or {}).get("endpoint") or {} if current else {}
    divisions = [endpoint.get("traffic"), *(match.get("traffic") for match in endpoint.get("matches") or [])]
    shares = [share for division in divisions for share in division or []]
    serving = {number for share in shares if share.get("weight") and (number := whole(share.get("version")))}
    return sorted(serving - {whole(one.get("version")) for one in declared["versions"]})


def returning(current: ModelState | None, wanted: ModelState, setting: str) -> list[tuple[int, str]]:
    """The versions, by number, that get a value of `setting` back, such as ``image``, which none has now, and it."""
    there = {value for _, value in _values(current, setting)}
    return [(version, value) for version, value in _values(wanted, setting) if value not in there]


def _values(state: ModelState | None, setting: str) -> list[tuple[int, str]]:
    return [
        (number, value)
        for one in _versions(state)
        if (number := whole(one.get("version"))) is not None and isinstance(value := one.get(setting), str)
    ]


def _versions(state: ModelState | None) -> list[Mapping[str, Any]]:
    """The versions that the release of a model declares."""
    return list((state.release or {}).get("versions") or []) if state else []
