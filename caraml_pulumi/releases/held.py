"""A release that is not in a file yet, held to the rules of the environment where it is to be deployed."""

from collections.abc import Mapping
from typing import Any

from caraml_pulumi.model.platform import PlatformSpec
from caraml_pulumi.model.project import ModelProjectSpec, find_project
from caraml_pulumi.model.release import ReleaseSpec, plan_release
from caraml_pulumi.model.spec import dotted, located, parse, within


def hold_release(
    document: Mapping[str, Any], where: str, platform: PlatformSpec, projects: Mapping[str, ModelProjectSpec]
) -> ReleaseSpec:
    """The release that `document` says; `where` names it in errors.

    Raises `CaramlError` for the first rule of its project or the platform that it breaks.
    """

    def locate(path: tuple[str | int, ...]) -> str:
        return f"{where}: {dotted(path)}" if path else where

    release = parse(ReleaseSpec, document, locate=locate)
    with located(locate, document):
        with within("project"):
            project = find_project(release.project, projects)
        plan_release(release, platform, instance_types=project.instance_types)
    return release
