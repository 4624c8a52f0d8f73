"""``caraml releases``: which version of each model is in which environment."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from caraml_pulumi.cli import complete
from caraml_pulumi.cli.common import HERE, Cwd, Json, note, print_json, print_table, project_backend
from caraml_pulumi.errors import CaramlError

if TYPE_CHECKING:
    from caraml_pulumi.promotion.overview import ReleasedVersion

app = typer.Typer(add_completion=False)

Model = Annotated[
    str | None,
    typer.Argument(
        metavar="[[PROJECT/]MODEL]", help="A model.", show_default="all models", autocompletion=complete.models
    ),
]


@app.command(name="releases", epilog="Example: caraml releases iris")
def releases(model: Model = None, cwd: Cwd = HERE, json: Json = False) -> None:
    """Show which versions of each model the stacks of the project have deployed, and where these were promoted from.

    Read from the stacks' state: no cluster is asked. See caraml status for how they are.
    """
    from caraml_pulumi.engine.state.project import load_project
    from caraml_pulumi.promotion.overview import released_versions
    from caraml_pulumi.status.state import current_state

    project = load_project(cwd)
    backend = project_backend(project)
    stacks = backend.list_stacks(project.name)
    states = [(name.stack, current_state(backend.load(project.name, name.stack) or {})) for name in stacks]
    found = released_versions(states, model)
    if model and not found:
        known = sorted({f"{one.project}/{one.model}" for one in released_versions(states)})
        raise CaramlError(f'no stack has deployed a release of "{model}"', allowed=", ".join(known) or "there is none")
    if json:
        print_json([one.props() for one in found])
    elif found:
        columns = ("MODEL", "STACK", "VERSION", "REQUESTS", "IMAGE", "ARTIFACT", "PROMOTED FROM", "WHEN")
        print_table(columns, [_row(one) for one in found])
    else:
        note(f"no stack of {project.name} has deployed a release")


def _row(one: "ReleasedVersion") -> list[str]:
    from caraml_pulumi.engine.state.times import ago, parse_timestamp
    from caraml_pulumi.model.images import parse_image

    promoted = one.promoted_from
    moment: datetime | None = parse_timestamp(promoted.time) if promoted else None
    update = f" (update {promoted.update})" if promoted and promoted.update else ""
    tag = parse_image(str(one.version.image)).tag
    return [
        f"{one.project}/{one.model}",
        one.stack,
        str(one.version.version),
        "stopped" if one.version.stopped else f"{one.weight} %" if one.weight else "-",
        _short(one.image_digest) or (f"tag {tag}" if tag else "no digest"),
        _short(one.artifact_digest) or ("no digest" if one.version.storage_uri else "-"),
        f"{promoted.environment}{update}" if promoted else "-",
        ago(moment) if moment else "-",
    ]


def _short(digest: str) -> str:
    """The first twelve digits, as tools for images show a digest."""
    return digest.rpartition(":")[2][:12]
