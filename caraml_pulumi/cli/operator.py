"""`caraml operator`: the objects with which the Pulumi Kubernetes Operator runs the environments of a platform."""

import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from caraml_pulumi.cli import complete
from caraml_pulumi.cli.common import HERE, Cwd, note, print_json
from caraml_pulumi.errors import USAGE, CaramlError

if TYPE_CHECKING:
    from caraml_pulumi.engine.state.project import Project
    from caraml_pulumi.scaffold.operator import Manifest, SecretKey, Settings, Source

app = typer.Typer(add_completion=False)

_GIT_SECONDS: Final = 10


@app.command(
    name="operator",
    epilog="Example: caraml operator --order dev,staging,prod --backend s3://shop-state --output operator",
)
def operator(
    cwd: Cwd = HERE,
    stack: Annotated[
        str | None,
        typer.Option(
            "--stack",
            "-s",
            metavar="NAME",
            help="Only this environment.",
            show_default="all",
            autocompletion=complete.stacks,
        ),
    ] = None,
    order: Annotated[
        str,
        typer.Option("--order", metavar="NAMES", help="Environments, of which each waits for the one before it."),
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="DIR", help="Write a file for each environment there.", show_default="print"),
    ] = None,
    repository: Annotated[
        str | None,
        typer.Option("--repository", metavar="URL", help="Where the program is.", show_default="git's origin"),
    ] = None,
    branch: Annotated[
        str | None, typer.Option("--branch", metavar="NAME", help="Its branch.", show_default="the one checked out")
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option("--backend", metavar="URL", help="Where the state is kept.", show_default="the project's"),
    ] = None,
    namespace: Annotated[str, typer.Option("--namespace", metavar="NAME", help="That of the objects.")] = "pulumi",
    passphrase: Annotated[
        str | None,
        typer.Option(
            "--passphrase-secret",
            metavar="NAME/KEY",
            help="The Secret with the passphrase of the state.",
            show_default="PROJECT-STACK/passphrase",
        ),
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option("--secret-env", metavar="VARIABLE=NAME/KEY", help="A variable that a Secret holds; repeatable."),
    ] = None,
    kubeconfig: Annotated[
        str | None,
        typer.Option(
            "--kubeconfig-secret",
            metavar="NAME/KEY",
            help="The Secret with the kubeconfig of the cluster to deploy to.",
            show_default="the operator's own cluster",
        ),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(
            "--image",
            metavar="IMAGE",
            help="The image that runs updates.",
            show_default="Pulumi's, of the version installed here",
        ),
    ] = None,
    resync: Annotated[
        int, typer.Option("--resync", min=60, metavar="SECONDS", help="How often changes by hand are put right.")
    ] = 3600,
    json: Annotated[bool, typer.Option("--json", help="Print one List as JSON.")] = False,
) -> None:
    """Print the Stacks, ServiceAccounts and rights with which the Pulumi Kubernetes Operator runs the environments.

    They are for version 2 of the operator, which has to be installed. Secrets are named and never written: make them
    first. The operator asks no policy packs: ask them where the branch is merged, with caraml review.
    """
    from caraml_pulumi.engine.state.project import load_project
    from caraml_pulumi.scaffold.operator import PASSPHRASE, Settings, objects
    from caraml_pulumi.scaffold.staging import read_files
    from caraml_pulumi.stack_files.configuration import environments

    project = load_project(cwd)
    known = environments(project.stack_config_dir)
    before = _order(order, known)
    chosen = [_known(stack, known, "--stack")] if stack else [*before, *(one for one in known if one not in before)]
    source, state = _source(project, repository, branch), _backend(project, backend)
    variables = dict(_variable(text) for text in env or [])
    found: dict[str, list[Manifest]] = {}
    for environment in chosen:
        secret = _secret(passphrase or f"{project.name}-{environment}/passphrase", "--passphrase-secret")
        settings = Settings(
            project=project.name,
            namespace=namespace,
            source=source,
            backend=state,
            secrets={PASSPHRASE: secret, **variables},
            image=image or f"pulumi/pulumi:{version('pulumi')}-nonroot",
            kubeconfig=_secret(kubeconfig, "--kubeconfig-secret") if kubeconfig else None,
            resync_seconds=resync,
        )
        files = read_files(project.stack_config_dir, environment)
        found[environment] = objects(settings, environment, files, before.get(environment, ""))
        note(_needed(settings))
    _write(found, output, as_json=json)


def _known(name: str, environments: list[str], option: str) -> str:
    if name not in environments:
        raise CaramlError(
            f"there is no environment {name!r}", where=option, allowed=", ".join(environments), exit_code=USAGE
        )
    return name


def _order(text: str, environments: list[str]) -> dict[str, str]:
    """Each environment of the order, and the one before it; empty for the first."""
    names = [_known(name, environments, "--order") for part in text.split(",") if (name := part.strip())]
    if len(set(names)) != len(names):
        raise CaramlError("an environment cannot wait for itself", where="--order", exit_code=USAGE)
    return dict(zip(names, ["", *names], strict=False))


def _secret(text: str, option: str) -> "SecretKey":
    from caraml_pulumi.scaffold.operator import SecretKey

    name, _, key = text.partition("/")
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name) or not re.fullmatch(r"[-._a-zA-Z0-9]+", key):
        # not shown: somebody may have given the secret itself
        raise CaramlError(
            "that is no Secret and one of its keys", where=option, allowed="NAME/KEY: shop-dev/token", exit_code=USAGE
        )
    return SecretKey(name, key)


def _variable(text: str) -> "tuple[str, SecretKey]":
    name, _, secret = text.partition("=")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise CaramlError(
            "that is no variable of a Secret",
            where="--secret-env",
            allowed="VARIABLE=NAME/KEY: AWS_SECRET_ACCESS_KEY=state/key",
            exit_code=USAGE,
        )
    return name, _secret(secret, "--secret-env")


def _source(project: "Project", repository: str | None, branch: str | None) -> "Source":
    """Where the operator finds the program: what is asked for, else what git says of the project's directory."""
    from caraml_pulumi.engine.state.urls import without_credentials
    from caraml_pulumi.scaffold.operator import Source

    url = without_credentials(repository or _git(project.root, "remote", "get-url", "origin"))
    checked_out = branch or _git(project.root, "symbolic-ref", "--short", "HEAD")
    if not url or not checked_out:
        missing = "--repository URL" if not url else "--branch NAME"
        raise CaramlError(
            f"it is not known where the operator finds {project.name}",
            where=str(project.root),
            fix=f"push the repository to an origin first, or say it: {missing}",
            exit_code=USAGE,
        )
    top = _git(project.root, "rev-parse", "--show-toplevel")
    inner = project.root.resolve().relative_to(top) if top and project.root.resolve().is_relative_to(top) else Path()
    return Source(url, checked_out, "" if inner == Path() else str(inner))


def _git(directory: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", directory, *arguments], capture_output=True, text=True, timeout=_GIT_SECONDS, check=False
        )
    except OSError:
        return ""  # without git it has to be said
    return done.stdout.strip() if done.returncode == 0 else ""


def _backend(project: "Project", asked: str | None) -> str:
    """The backend, which pods have to reach. Raises `CaramlError` for a directory of this machine."""
    from caraml_pulumi.cli.common import project_backend
    from caraml_pulumi.engine.state.urls import without_credentials

    url = asked or project_backend(project).url
    if without_credentials(url) != url:
        raise CaramlError(
            "the URL of the backend holds credentials (not shown), which a Stack would show to everybody",
            where="--backend" if asked else "PULUMI_BACKEND_URL",
            fix="leave them out, and give them by --secret-env: PGPASSWORD=NAME/KEY, say",
            exit_code=USAGE,
        )
    if url.startswith("file:"):
        raise CaramlError(
            f"no pod reaches the state in {url}",
            where="--backend" if asked else "PULUMI_BACKEND_URL",
            allowed="s3://BUCKET/DIRECTORY, or another that the Pulumi CLI reaches from there",
            fix="name the backend that the environments share: --backend s3://BUCKET",
            exit_code=USAGE,
        )
    return url


def _needed(settings: "Settings") -> str:
    """Which Secrets there have to be."""
    keys = {**settings.secrets, **({"the kubeconfig": settings.kubeconfig} if settings.kubeconfig else {})}
    listed = ", ".join(f"{secret.name}/{secret.key} ({name})" for name, secret in keys.items())
    return f"needed in the namespace {settings.namespace}: {listed}"


def _write(found: "dict[str, list[Manifest]]", output: Path | None, *, as_json: bool) -> None:
    if output is not None:
        from caraml_pulumi.engine.state.yaml_edit import write_whole

        for environment, manifests in found.items():
            write_whole(output / f"{environment}.yaml", _yaml(manifests))
            print(output / f"{environment}.yaml")
        return
    every = [manifest for manifests in found.values() for manifest in manifests]
    if as_json:
        print_json({"apiVersion": "v1", "kind": "List", "items": every})
    else:
        print(_yaml(every), end="")


def _yaml(manifests: "list[Manifest]") -> str:
    import yaml

    class Plain(yaml.SafeDumper):
        """Each value in full, also one that stands in several places."""

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401 - whatever there is
            return True

    texts = (
        yaml.dump(manifest, Dumper=Plain, sort_keys=False, default_flow_style=None, width=120) for manifest in manifests
    )
    return "---\n".join(texts)
