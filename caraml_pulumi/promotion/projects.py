"""The project that a model is promoted to."""

from collections.abc import Collection

from caraml_pulumi.errors import CaramlError


def target_project(
    source: str, asked: str | None, projects: Collection[str], *, source_environment: str, target_environment: str
) -> str:
    """The project in the target that stands for project `source`; `projects` are those of the target.

    It is the one that was asked for, else that of the same name, else, where environments share a cluster, that which
    has the target's environment in its name where `source` has its own: ``iris-dev`` goes to ``iris-staging``. Raises
    `CaramlError` where there is none.
    """
    swapped = "-".join(target_environment if part == source_environment else part for part in source.split("-"))
    for name in [asked] if asked else [source, swapped]:
        if name in projects:
            return name
    raise CaramlError(
        f'{target_environment} has no project "{asked or source}"',
        allowed=", ".join(projects) or "it has none",
        fix="add it to caraml:projects there, or name another with --project",
    )
