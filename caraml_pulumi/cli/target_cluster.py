"""The cluster of an environment, for operations that run no program: refresh and destroy."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caraml_pulumi.engine.api import Target


def hold_to_cluster(target: "Target", operation: str) -> None:
    """Refuse a kubeconfig that leads to another cluster than the `cluster` of the stack's platform.

    A stack without a platform, or one that names no cluster, may go anywhere; in an update, the program asks. Raises
    `CaramlError` with file and line.
    """
    if operation not in ("refresh", "destroy"):
        return
    from caraml_pulumi.engine.state.config import load_stack_config

    own = load_stack_config(target.project, target.stack)
    if not any(key.startswith("caraml:") for key in own.keys):
        return
    from caraml_pulumi.stack_files.configuration import PLATFORM_KEY, read_configuration

    configuration = read_configuration(target.project.stack_config_dir, target.stack)
    platform = configuration.values.get(PLATFORM_KEY)
    if not isinstance(platform, dict) or not platform.get("cluster"):
        return
    from caraml_pulumi.engine.state.secrets import open_crypter
    from caraml_pulumi.engine.values import plain
    from caraml_pulumi.model.spec import parse
    from caraml_pulumi.model.target_cluster import ClusterSpec
    from caraml_pulumi.target_cluster import leads_to_its_cluster

    crypter = open_crypter(own)

    def setting(name: str) -> str | None:
        value = own.get(f"kubernetes:{name}", crypter)
        return None if value is None else str(plain(value))

    def locate(path: tuple[str | int, ...]) -> str:
        return configuration.locate((PLATFORM_KEY, *path))

    expected = parse(ClusterSpec, platform["cluster"], locate=lambda path: locate(("cluster", *path)))
    leads_to_its_cluster(expected, str(platform.get("environment") or target.stack), setting, locate)
