"""`caraml init`: a new repository of a platform."""

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from caraml_pulumi.cli.terminal import is_interactive
from caraml_pulumi.errors import CaramlError
from caraml_pulumi.scaffold.plan import DOMAIN, ENVIRONMENTS, MODEL, Ci, Plan, default_image, plan, project_name

app = typer.Typer(add_completion=False)


@app.command(
    name="init",
    epilog="Example: caraml init shop --model ranker --image ghcr.io/shop/ranker:1.0 --ci github",
)
def init(
    directory: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where to write it; it is made if need be.", show_default="here")
    ] = Path(),
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="The Pulumi project's name.", show_default="the directory's"),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="The first model.", show_default=MODEL)
    ] = None,
    image: Annotated[
        str | None,
        typer.Option("--image", metavar="IMAGE", help="Its first version's image.", show_default="an example"),
    ] = None,
    project: Annotated[
        str | None,
        typer.Option("--project", metavar="NAME", help="Its project, a namespace.", show_default="MODEL-team"),
    ] = None,
    environments: Annotated[
        str | None,
        typer.Option(
            "--environments",
            metavar="NAMES",
            help="In the order in which a release travels.",
            show_default=",".join(ENVIRONMENTS),
        ),
    ] = None,
    domain: Annotated[
        str | None,
        typer.Option("--domain", metavar="DOMAIN", help="The models' domain in the last one.", show_default=DOMAIN),
    ] = None,
    ci: Annotated[
        Ci | None, typer.Option("--ci", help="For which CI to write a workflow.", show_default="none")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Take the defaults, and do not ask.")] = False,
) -> None:
    """Write the repository of a platform: its program, environments, a model, policies, and a workflow for CI.

    On a terminal it asks for what no option says. A file that is there already is never written over.
    """
    from caraml_pulumi.scaffold.repository import contents, write

    if directory.exists() and not directory.is_dir():
        raise CaramlError(f"{str(directory)!r} is no directory", fix="name a directory that is empty, or not there yet")
    ask = _asking if is_interactive() and not yes else _taking
    given_name = ask("Name of the platform", name, project_name(directory.resolve().name))
    given_model = ask("Model", model, MODEL)
    wanted = plan(
        name=given_name,
        model=given_model,
        image=ask("Image", image, default_image(given_model)),
        project=ask("Project (namespace)", project, f"{given_model}-team"),
        environments=_names(ask("Environments", environments, ",".join(ENVIRONMENTS))),
        domain=ask("Domain", domain, DOMAIN),
        ci=_ci(ask("CI (github, gitlab, none)", ci.value if ci else None, Ci.NONE.value)),
    )
    files = contents(wanted)
    write(directory, files)
    print("\n".join(_listed(directory, files)))
    print(f"\n{_next_steps(wanted, directory)}")


def _asking(question: str, given: str | None, default: str) -> str:
    return given if given is not None else str(typer.prompt(question, default=default, err=True)).strip()


def _taking(_question: str, given: str | None, default: str) -> str:
    return default if given is None else given


def _names(listed: str) -> list[str]:
    return [name for part in listed.split(",") if (name := part.strip())]


def _ci(answer: str) -> Ci:
    if answer not in list(Ci):
        raise CaramlError(f"{answer!r} is no CI that a workflow can be written for", allowed=", ".join(Ci))
    return Ci(answer)


def _listed(directory: Path, files: Iterable[PurePosixPath]) -> Iterator[str]:
    """The files, a line for each directory."""
    folders: dict[str, list[str]] = {}
    for path in sorted(files):
        folders.setdefault(f"{directory / path.parent}/", []).append(path.name)
    width = max(map(len, folders))
    for folder, names in folders.items():
        yield f"  {folder:<{width}}  {', '.join(names)}"


def _next_steps(wanted: Plan, directory: Path) -> str:
    first = wanted.environments[0]
    change = "" if directory.resolve() == Path().resolve() else f"  cd {shlex.quote(str(directory))}\n"
    return (
        f"Deploy {wanted.model} on this machine; your kubeconfig is left alone:\n"
        f"{change}"
        "  caraml cluster up   # a local Kubernetes; the first time builds it, about twelve minutes\n"
        f"  export KUBECONFIG=$(caraml cluster kubeconfig) PULUMI_CONFIG_PASSPHRASE=local-development\n"
        f"  caraml up --stack {first}\n"
        f"  caraml status --stack {first}\n"
        "or on a cluster of yours: set KUBECONFIG, and look first with caraml doctor and caraml preview."
    )
