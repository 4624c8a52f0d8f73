"""The Secrets that a promoted release reads: they are the target's own, and have to be there."""

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping

from caraml_pulumi.engine.state.snapshot import Snapshot
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.kube import KubeError
from caraml_pulumi.model.release import ReleaseSpec
from caraml_pulumi.model.version import VersionSettings
from caraml_pulumi.promotion.settings import Settings
from caraml_pulumi.status.clusters import connected
from caraml_pulumi.status.deployed import ObjectRef


def needed_secrets(release: ReleaseSpec, numbers: Collection[int]) -> dict[str, set[str]]:
    """The Secrets that versions `numbers` and the endpoint of a release name, with their keys where these are said."""
    needed: dict[str, set[str]] = {}
    for name, key in _references(release, numbers):
        needed.setdefault(name, set()).update(key)
    return needed


def _references(release: ReleaseSpec, numbers: Collection[int]) -> Iterator[tuple[str, Iterable[str]]]:
    for version in release.versions:
        if version.version in numbers:
            yield from _of_version(version)
    for client in release.endpoint.access.clients if release.endpoint else []:
        if client.token_ref:
            yield client.token_ref.name, [client.token_ref.key]


def _of_version(version: VersionSettings) -> Iterator[tuple[str, Iterable[str]]]:
    for settings in filter(None, (version, version.transformer)):
        for reference in settings.secret_refs.values():
            yield reference.name, [reference.key]
    for name in version.image_pull_secrets:
        yield name, ()


def secrets_are_there(
    needed: Mapping[str, Collection[str]],
    declared: Mapping[str, Container[str]],
    look: Callable[[str], Container[str] | None],
    *,
    project: str,
    environment: str,
) -> None:
    """Refuse a release that reads Secrets which its project in `environment` does not have.

    `declared` are the secrets of the project in the stack's configuration, by name; `look` tells the keys of one in the
    cluster, None where there is none. Raises `CaramlError` with the names of all that are missing.
    """
    missing = []
    for name, keys in sorted(needed.items()):
        there = declared[name] if name in declared else look(name)
        if there is None and not keys:
            missing.append(name)
        missing += [f"{name}.{key}" for key in sorted(keys) if there is None or key not in there]
    if missing:
        first = missing[0] if "." in missing[0] else f"{missing[0]}.KEY"
        raise CaramlError(
            f"{environment} lacks secrets of the project {project} that the release reads: {', '.join(missing)}",
            fix="give it its own: caraml config set --secret --path "
            f"'caraml:projects.{project}.secrets.{first}' --stack {environment}",
        )


class _Unreadable(Container[str]):
    """The keys of a Secret that is there, perhaps, and may not be read: its absence is for the update to find."""

    def __contains__(self, key: object) -> bool:
        return True


def keys_in_cluster(document: Settings, state: Snapshot, project: str, name: str) -> Container[str] | None:
    """The keys of a Secret in the namespace of a project, None if there is none, or nothing of the project is deployed.

    `document` is the checkpoint of the stack. Raises `CaramlError` where its cluster does not answer.
    """
    resources = [one for one in state.resources if one.type.startswith("kubernetes:") and not one.delete]
    there = [one for one in resources if one.id and project in one.id.split("/")]
    if not there:
        return None
    secret = ObjectRef(there[0].provider.rpartition("::")[0], "v1", "Secret", project, name)
    with connected(document, state, [secret]) as clients:
        client = clients[secret.provider]
        try:
            found = client.request("GET", client.path("v1", "Secret", project, name))
        except KubeError as error:
            if error.denied_by_rbac:
                return _Unreadable()
            if error.not_found:
                return None
            raise
    return set(found.get("data") or {})
