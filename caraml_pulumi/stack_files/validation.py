"""All problems of the files of some environments at once, without a server, a passphrase or a state."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model.container import SecretKeyRef
from caraml_pulumi.model.prices import PRICES_KEY, parse_prices
from caraml_pulumi.model.project import ModelProjectSpec
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.model.spec import Path as PropertyPath
from caraml_pulumi.model.spec import did_you_mean
from caraml_pulumi.stack_files import RELEASES, Release, StackFiles, examine_stack
from caraml_pulumi.stack_files.configuration import EXTENDS_KEY, INHERITED, environments
from caraml_pulumi.stack_files.document import Document
from caraml_pulumi.stack_files.release_files import release_paths

KNOWN_KEYS: Final = (EXTENDS_KEY, *INHERITED, "caraml:acknowledge", "caraml:artifacts")
"""The keys of configuration that mean something here."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong in the files of an environment, or that may be."""

    environment: str
    error: CaramlError
    certain: bool = True
    """Whether it is wrong in any case; a doubt depends on what the files do not say."""


@dataclass(slots=True)
class Validation:
    """What was looked at, and what is wrong with it."""

    environments: list[str]
    releases: int = 0
    problems: list[Problem] = field(default_factory=list)


def validate(directory: Path, chosen: Sequence[str] | None = None) -> Validation:
    """Hold the files of the `chosen` environments, or of all, in `directory` to every rule.

    What two environments share, such as a file that one extends, is told once.
    """
    known = environments(directory)
    result = Validation(list(known if chosen is None else chosen))
    folders = {path.name for path in (directory / RELEASES).glob("*") if path.is_dir()}
    owned: set[str] = set()
    for environment in known:
        if environment not in result.environments:
            owned.add(environment)
            continue
        files, errors = examine_stack(directory, environment)
        owned.add(files.platform.environment if files else environment)
        result.releases += len(
            release_paths(directory / RELEASES / (files.platform.environment if files else environment))
        )
        found = [Problem(environment, error) for error in errors]
        found += [Problem(environment, doubt, certain=False) for doubt in _unknown_keys(directory, environment)]
        if files:
            found += _across_files(files, environment, known)
        said = {str(problem.error) for problem in result.problems}
        result.problems += [problem for problem in found if str(problem.error) not in said]
    if chosen is None:
        result.problems += [_without_environment(directory, name, known) for name in sorted(folders - owned)]
    return result


def environments_of(directory: Path, path: Path) -> list[str] | None:
    """The environments that a file or folder is about, in `directory` of the stacks; None for all of them.

    A configuration is also about the environments that extend it.
    """
    directory, path = directory.resolve(), path.resolve()
    folder = path if path.is_dir() else path.parent
    if folder.parent == directory / RELEASES:
        return [folder.name] if folder.name in environments(directory) else None
    name = path.name.removeprefix("Pulumi.").removesuffix(path.suffix)
    if path.parent != directory or path.is_dir() or name not in environments(directory):
        return None
    affected = {name}
    while more := {one for one, base in _extended(directory).items() if base in affected} - affected:
        affected |= more
    return sorted(affected)


def _extended(directory: Path) -> dict[str, object]:
    """What each environment extends."""
    found = {}
    for name in environments(directory):
        path = next(path for suffix in ("yaml", "yml") if (path := directory / f"Pulumi.{name}.{suffix}").is_file())
        try:
            found[name] = Document(path).value("config", EXTENDS_KEY)
        except CaramlError:
            found[name] = None  # told when the environment is looked at
    return found


def _across_files(files: StackFiles, environment: str, known: Sequence[str]) -> Iterator[Problem]:
    """What a file says of others."""
    values = files.configuration.values
    if PRICES_KEY in values:
        try:
            parse_prices(values[PRICES_KEY], locate=lambda path: files.configuration.locate((PRICES_KEY, *path)))
        except CaramlError as error:
            yield from (Problem(environment, one) for one in error.each)
    for release in files.plans:
        project = files.projects[release.spec.project]
        for path, ref in _secret_refs(release.spec):
            if problem := _secret_problem(ref, project, release.document.locate(path), environment):
                yield problem
        if problem := _origin_problem(release, environment, files.platform.environment, known):
            yield problem


def _secret_refs(release: ReleaseSpec) -> Iterator[tuple[PropertyPath, SecretKeyRef]]:
    for index, version in enumerate(release.versions):
        workloads = [(("versions", index), version.secret_refs)]
        if version.transformer:
            workloads.append((("versions", index, "transformer"), version.transformer.secret_refs))  # type: ignore[arg-type]
        for place, refs in workloads:
            yield from (((*place, "secretRefs", name), ref) for name, ref in refs.items())
    for index, client in enumerate(release.endpoint.access.clients if release.endpoint else ()):
        if client.token_ref:
            yield ("endpoint", "access", "clients", index, "tokenRef"), client.token_ref


def _secret_problem(ref: SecretKeyRef, project: ModelProjectSpec, where: str, environment: str) -> Problem | None:
    """A Secret that is not the project's may be made elsewhere; one that is has the keys that are written."""
    if ref.name not in project.secrets:
        error = CaramlError(
            f'Secret "{ref.name}" is none of the secrets of project "{project.project}" in {environment}',
            where=where,
            allowed=", ".join(project.secrets) or "it must be in the namespace by other means",
            fix=did_you_mean(ref.name, [*project.secrets])
            or f"if it is to be made here: caraml config set --stack {environment} --secret --path "
            f"'caraml:projects.{project.project}.secrets.{ref.name}.{ref.key}'",
        )
        return Problem(environment, error, certain=False)
    keys: Mapping[str, object] = project.secrets[ref.name]
    if ref.key in keys:
        return None
    return Problem(
        environment,
        CaramlError(
            f'Secret "{ref.name}" of project "{project.project}" has no key "{ref.key}"',
            where=where,
            allowed=", ".join(keys),
            fix=did_you_mean(ref.key, [*keys]),
        ),
    )


def _origin_problem(release: Release, environment: str, own: str, known: Iterable[str]) -> Problem | None:
    origin = release.spec.promoted_from
    if origin is None or (origin.environment in known and origin.environment not in (environment, own)):
        return None
    where = release.document.locate(("promotedFrom", "environment"))
    if origin.environment in (environment, own):
        return Problem(environment, CaramlError("a release cannot be promoted from its own environment", where=where))
    others = [name for name in known if name != environment]
    what = f'the release was promoted from "{origin.environment}", which is no environment here'
    fix = did_you_mean(origin.environment, others)
    return Problem(environment, CaramlError(what, where=where, allowed=", ".join(others), fix=fix), certain=False)


def _unknown_keys(directory: Path, environment: str) -> Iterator[CaramlError]:
    """Keys that look like ours and are read by nobody."""
    path = next(path for suffix in ("yaml", "yml") if (path := directory / f"Pulumi.{environment}.{suffix}").is_file())
    try:
        document = Document(path)
    except CaramlError:
        return  # told already
    section = document.value("config")
    for key in section if isinstance(section, Mapping) else ():
        if isinstance(key, str) and key.startswith("caraml:") and key not in KNOWN_KEYS:
            yield CaramlError(
                f"nothing reads {key}",
                where=document.locate(("config", key)),
                allowed=", ".join(KNOWN_KEYS),
                fix=did_you_mean(key, [*KNOWN_KEYS]),
            )


def _without_environment(directory: Path, folder: str, known: list[str]) -> Problem:
    error = CaramlError(
        f'releases of "{folder}", which is no environment',
        where=str(directory / RELEASES / folder),
        allowed=", ".join(known),
        fix=did_you_mean(folder, known) or f"add {directory}/Pulumi.{folder}.yaml",
    )
    return Problem(folder, error)
