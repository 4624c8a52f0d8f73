"""What a stack needs: files that hold the rules, no lock left behind, a passphrase, a policy pack, buckets."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from caraml_pulumi.doctor.checks import Check, Finding, Level, failed
from caraml_pulumi.engine.state.backend import Backend
from caraml_pulumi.engine.state.project import Project
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.stack_files import StackFiles

AREA: Final = "the project"
Packs = Sequence[tuple[Path, Path | None]]
"""Policy packs, each with its configuration."""


def project_checks(project: Project, backend: Backend) -> list[Check]:
    """The checks of a project that concern all its stacks."""
    return [Check(AREA, "program", lambda: _program(project)), Check(AREA, "state", lambda: _state(backend))]


def _program(project: Project) -> Iterator[Finding]:
    if project.main.is_file():
        yield Finding("program", Level.OK, f"{project.name}, in {project.main}")
    else:
        yield Finding(
            "program", Level.FAILED, f"there is no {project.main}", f"write it, or mend `main` in {project.file}"
        )


def _state(backend: Backend) -> Iterator[Finding]:
    stacks = len(backend.list_stacks())
    scheme, _, path = backend.url.partition("://")
    shown = backend.shown_url
    if scheme == "file" and not _writable(Path(path)):
        fix = "give yourself the right to write there, or choose another backend: PULUMI_BACKEND_URL"
        yield Finding("state", Level.FAILED, f"{shown} cannot be written to", fix)
        return
    yield Finding("state", Level.OK, f"{shown}, {_counted(stacks, 'stack')}")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _writable(directory: Path) -> bool:
    """Whether files can be made in a directory, or in the nearest one above it that is there."""
    there = next(path for path in (directory, *directory.parents) if path.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


@dataclass(frozen=True)
class StackChecks:
    """The checks of one stack; `files` reads what its files say, and raises `CaramlError` where they break a rule."""

    project: Project
    backend: Backend
    stack: str
    files: Callable[[], StackFiles]
    packs: Packs

    def checks(self) -> list[Check]:
        """All of them."""
        named = {"files": self._files, "lock": self._lock, "secrets": self._secrets, "buckets": self._buckets}
        if self.packs:
            named["policies"] = self._policies
        return [Check(AREA, f"{matter} of {self.stack}", run) for matter, run in named.items()]

    def _files(self) -> Iterator[Finding]:
        files = self.files()
        versions = sum(len(release.versions) for release in files.releases)
        counts = {"project": len(files.projects), "model": len(files.releases), "version": versions}
        text = ", ".join(_counted(count, noun) for noun, count in counts.items())
        yield Finding(f"files of {self.stack}", Level.OK, text)

    def _lock(self) -> Iterator[Finding]:
        matter = f"lock of {self.stack}"
        locks = self.backend.locks(self.project.name, self.stack)
        for lock in locks:
            fix = "wait for it" if lock.at_work else f"if it has ended: caraml cancel --stack {self.stack}"
            yield Finding(matter, Level.WARNING, f"held by {lock}", fix)
        if self.backend.journal(self.project.name, self.stack).exists() and not locks:
            text = "an update was interrupted; what it did is not in the state yet"
            yield Finding(matter, Level.WARNING, text, f"caraml refresh --stack {self.stack}, or caraml up")
        elif not locks:
            yield Finding(matter, Level.OK, "free")

    def _secrets(self) -> Iterator[Finding]:
        from caraml_pulumi.engine.state.config import load_stack_config
        from caraml_pulumi.engine.state.secrets import open_crypter, passphrase

        matter = f"secrets of {self.stack}"
        config = load_stack_config(self.project, self.stack)
        crypter = open_crypter(config, self.backend.load(self.project.name, self.stack))
        if crypter.provider is not None:
            crypter.prepare()
            yield Finding(matter, Level.OK, "the passphrase is the right one")
            return
        try:
            passphrase()
        except CaramlError as error:
            yield failed(matter, error, Level.WARNING)
            return
        yield Finding(matter, Level.OK, "a passphrase is given; nothing is encrypted yet")

    def _policies(self) -> Iterator[Finding]:
        from caraml_pulumi.engine.policies import PolicyPack

        for pack, config in self.packs:
            opened = PolicyPack(pack, config, project=self.project.name, stack=self.stack, preview=True, config={})
            try:
                rules = opened.rules
            finally:
                opened.close()
            mandatory = sum(rule.level == "mandatory" for rule in rules)
            text = f"{opened.name}: {len(rules)} rules, {mandatory} mandatory"
            if config is None:
                text += "; no profile for this stack, so that defaults hold"
            yield Finding(f"policies of {self.stack}", Level.OK, text)

    def _buckets(self) -> Iterator[Finding]:
        try:
            releases = self.files().releases
        except CaramlError:
            return  # the check of the files tells
        uris = [str(version.storage_uri or "") for release in releases for version in release.versions]
        for bucket in sorted({uri.removeprefix("s3://").partition("/")[0] for uri in uris if uri.startswith("s3://")}):
            from caraml_pulumi.artifacts.client import Endpoint, explained

            endpoint = Endpoint()
            with explained(f"looking at the bucket {bucket}", endpoint, bucket):
                endpoint.client(read_seconds=5).head_bucket(Bucket=bucket)
            yield Finding(f"buckets of {self.stack}", Level.OK, f"s3://{bucket} is reachable")
