"""How `caraml promote` goes: the file is written and shown, previewed, asked about, and deployed.

While nothing has been deployed, whatever stops it puts the file back as it was. Once an update has begun, the file
stays as promoted, and the same command goes on.
"""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from difflib import unified_diff
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caraml_pulumi.cli.common import note, print_json
from caraml_pulumi.cli.flow import Request, apply, apply_silently, confirm, observe, show_preview
from caraml_pulumi.cli.flow import check as check_outcome
from caraml_pulumi.cli.policy_evidence import evidence_given
from caraml_pulumi.cli.terminal import console
from caraml_pulumi.engine.api import Target
from caraml_pulumi.engine.policies.evidence import STATUS_BEFORE
from caraml_pulumi.engine.state.backend import open_backend
from caraml_pulumi.engine.state.times import timestamp
from caraml_pulumi.engine.state.yaml_edit import write_whole
from caraml_pulumi.errors import INTERRUPTED, CaramlError
from caraml_pulumi.promotion.artifacts import Artifact, can_be_copied, copy_artifact
from caraml_pulumi.promotion.document import Choice
from caraml_pulumi.promotion.plan import Plan, plan_promotion
from caraml_pulumi.promotion.stacks import PROMOTE

if TYPE_CHECKING:
    from rich.console import Console


class Mode(Enum):
    """How far a promotion goes."""

    SHOW = "planned"
    WRITE = "written"
    DEPLOY = "deployed"


def run(source: Target, model: str, choice: Choice, project: str | None, mode: Mode, request: Request) -> None:
    """Promote a model to the stack of `request`, there to `project` if that is named.

    Raises:
        CaramlError: as `plan_promotion`; a policy forbids it, a copy or the update failed, or it was interrupted.
    """
    target = request.target
    with _interruptible():
        with open_backend(target.backend_url).lock(target.project.name, target.stack, PROMOTE):
            plan = plan_promotion(source, target, model, choice, project)
            if not request.as_json:
                _show(plan)
            if not plan.is_done:
                for artifact in _moving(plan):
                    can_be_copied(artifact, *plan.stores)
                if plan.before != plan.after:
                    write_whole(plan.path, plan.after)
        result = "unchanged" if plan.is_done else mode.value
        if not plan.is_done:
            request = replace(request, options=replace(request.options, message=plan.message))
            with evidence_given(STATUS_BEFORE, _status(plan)):
                _go(plan, mode, request)
    if request.as_json:
        print_json(_document(plan, result))


def _go(plan: Plan, mode: Mode, request: Request) -> None:
    """What comes after the file was written."""
    if mode is Mode.SHOW:
        try:
            _preview(request)
        finally:
            _put_back(plan)
        return
    with _put_back_on_failure(plan):
        wanted = mode is Mode.WRITE or confirm(request)
        for artifact in _moving(plan):
            _copy(plan, artifact)
    if mode is Mode.WRITE:
        note(f"wrote {_shown(plan.path)}; commit it, then: caraml up --stack {plan.target.stack}")
    elif wanted:
        _deploy(plan, request)


def _preview(request: Request) -> None:
    if request.as_json:
        display, outcome = observe(request)
        check_outcome(request, display, outcome)
    else:
        show_preview(request)


def _deploy(plan: Plan, request: Request) -> None:
    begun = _updates(plan)
    try:
        if request.as_json:
            apply_silently(request)
        else:
            apply(replace(request, yes=True, skip_preview=True))
    except BaseException:
        if _updates(plan) == begun:
            _put_back(plan)
        else:
            note(f"{_shown(plan.path)} stays as promoted; the same command goes on, once the reason is mended")
        raise


def _updates(plan: Plan) -> int:
    """How many updates of the target are recorded, with one that has begun and not ended."""
    backend, name = open_backend(plan.target.backend_url), (plan.target.project.name, plan.target.stack)
    return len(backend.recorded_updates(*name)) + backend.journal(*name).exists()


def _moving(plan: Plan) -> list[Artifact]:
    return [artifact for artifact in plan.artifacts if artifact.moves]


def _copy(plan: Plan, artifact: Artifact) -> None:
    from caraml_pulumi.cli.artifact import transfer_bar

    with transfer_bar(f"artifact of version {artifact.version}") as progress:
        copy_artifact(artifact, *plan.stores, progress)


@contextmanager
def _put_back_on_failure(plan: Plan) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _put_back(plan)
        raise


def _put_back(plan: Plan) -> None:
    """The release file as it was before, unless somebody else has changed it since."""
    if plan.before == plan.after or not plan.path.exists() or plan.path.read_text("utf-8") != plan.after:
        return
    if plan.before is not None:
        write_whole(plan.path, plan.before)
        return
    plan.path.unlink()
    with suppress(OSError):  # the folder has other releases
        plan.path.parent.rmdir()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C and SIGTERM end it in the same way, with the file put back where nothing has begun."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise CaramlError("the promotion was interrupted", exit_code=INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, previous)


def _status(plan: Plan) -> bytes:
    """What is deployed in the source, as `caraml status --json` says it, for policies."""
    said = {"project": plan.source.project.name, "stack": plan.source.stack, "time": timestamp(), **plan.status}
    return json.dumps(said).encode()


def _show(plan: Plan) -> None:
    """What is promoted, what stays as the target has it, and how its release file changes."""
    screen = console()
    if plan.is_done:
        screen.print(
            f"{plan.target_environment} has {plan.versions} of {plan.name} from {plan.origin} already: "
            "nothing is to be done.",
            soft_wrap=True,
        )
        return
    screen.print(f"Promoting {plan.versions} of {plan.name} from {plan.origin} to {plan.target_environment}\n")
    left = f"left to {plan.target_environment}"
    rows = [("artifact", _way(artifact)) for artifact in plan.artifacts]
    rows += [(left if not index else "", setting) for index, setting in enumerate(plan.own)]
    for label, said in rows:
        screen.print(f"  {label:<{len(left)}}  {said}", soft_wrap=True, markup=False)
    _show_diff(plan, screen)


def _way(artifact: Artifact) -> str:
    if not artifact.digest:
        return f"{artifact.uri}: its URI names no digest, so what it holds may change"
    return f"copied to {artifact.promoted_uri}" if artifact.moves else f"stays at {artifact.uri}"


def _show_diff(plan: Plan, screen: "Console") -> None:
    colours = {"+": "green", "-": "red", "@": "cyan"}
    lines = diff_lines(plan)
    if plan.artifacts or plan.own:
        screen.print()
    if not lines:
        screen.print(f"{_shown(plan.path)} says so already; what is deployed does not.\n", soft_wrap=True)
    for line in lines:
        screen.print(line, style=colours.get(line[:1]), soft_wrap=True, markup=False)
    if lines:
        screen.print()


def diff_lines(plan: Plan) -> list[str]:
    """The change of the release file as a unified diff."""
    name = _shown(plan.path)
    before, after = (plan.before or "").splitlines(), plan.after.splitlines()
    origin = name if plan.before is not None else os.devnull
    return list(unified_diff(before, after, origin, name, lineterm=""))


def _shown(path: Path) -> str:
    """A path as people write it, from where they are."""
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def _document(plan: Plan, result: str) -> dict[str, Any]:
    return {
        "project": plan.spec.project,
        "model": plan.spec.model,
        "versions": list(plan.numbers),
        "from": {"stack": plan.source.stack, **plan.provenance.props()},
        "to": {"stack": plan.target.stack, "environment": plan.target_environment},
        "result": result,
        "file": str(plan.path),
        "diff": "\n".join(diff_lines(plan)),
        "artifacts": [artifact.props() for artifact in plan.artifacts],
        "own": list(plan.own),
    }
