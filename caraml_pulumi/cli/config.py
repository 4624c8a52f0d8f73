"""`caraml config`: the values of ``Pulumi.<stack>.yaml``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caraml_pulumi.cli.common import HERE, Cwd, Json, ShowSecrets, Stack, note, print_json, print_table, resolve_target
from caraml_pulumi.errors import CaramlError

if TYPE_CHECKING:
    from caraml_pulumi.engine.state.config import ConfigValue, StackConfig

app = typer.Typer(add_completion=False, help="Read and change a stack's configuration; alone, list it.")

Key = Annotated[str, typer.Argument(metavar="KEY", help="name, or namespace:name; without one, the project's.")]
InPath = Annotated[bool, typer.Option("--path", help="KEY leads into a mapping or list: data.items[0].")]


@app.callback(invoke_without_command=True, epilog="Example: caraml config --stack dev")
def config(
    context: typer.Context,
    cwd: Cwd = HERE,
    stack: Stack = None,
    json: Json = False,
    show_secrets: ShowSecrets = False,
) -> None:
    """Read and change a stack's configuration; alone, list it."""
    if context.invoked_subcommand is None:
        list_values(cwd, stack, json, show_secrets)
        return
    given = {"cwd": cwd, "stack": stack, "json": json, "show_secrets": show_secrets}
    context.default_map = {context.invoked_subcommand: given}


@app.command("ls", epilog="Example: caraml config ls --stack dev --json")
def list_values(cwd: Cwd = HERE, stack: Stack = None, json: Json = False, show_secrets: ShowSecrets = False) -> None:
    """List the values of a stack, secrets as [secret]."""
    from caraml_pulumi.engine.state.secrets import open_crypter

    configuration = _open(cwd, stack)
    values = configuration.entries(open_crypter(configuration) if show_secrets else None)
    if json:
        print_json({key: _document(value, hidden=not show_secrets) for key, value in values.items()})
    elif values:
        print_table(("KEY", "VALUE"), [(_short(key, configuration), _text(value)) for key, value in values.items()])
    else:
        note(f"no values are set: {configuration.path} has none")


@app.command(epilog="Example: caraml config get caraml:platform --stack dev")
def get(key: Key, cwd: Cwd = HERE, stack: Stack = None, json: Json = False, path: InPath = False) -> None:
    """Print one value, also if it is a secret."""
    from caraml_pulumi.engine.state.secrets import open_crypter

    configuration = _open(cwd, stack)
    value = configuration.get(key, open_crypter(configuration), path=path)
    if value is None:
        raise _unknown(key, configuration)
    if json:
        print_json(_document(value, hidden=False))
    else:
        print(_text(value))


@app.command("set", epilog="Example: caraml config set --path caraml:platform.maxCpu 4 --stack dev")
def set_value(
    key: Key,
    value: Annotated[
        str | None, typer.Argument(metavar="[VALUE]", help="Read or asked for where it is left out.")
    ] = None,
    cwd: Cwd = HERE,
    stack: Stack = None,
    secret: Annotated[bool, typer.Option("--secret", help="Encrypt the value.")] = False,
    path: InPath = False,
) -> None:
    """Set one value. A secret is better left out here and typed, or piped in, than left in the shell's history."""
    from caraml_pulumi.engine.state.secrets import new_crypter

    configuration = _open(cwd, stack)
    if not path:
        configuration.full_key(key)
    text = _read_value(key, secret) if value is None else value
    if secret:
        crypter = new_crypter(configuration, _document_of(cwd, stack))
        configuration.set(key, text, crypter=crypter, path=path)
    else:
        configuration.set(key, text, path=path)
    configuration.save()


@app.command(epilog="Example: caraml config rm kubernetes:context --stack dev")
def rm(key: Key, cwd: Cwd = HERE, stack: Stack = None, path: InPath = False) -> None:
    """Remove one value."""
    configuration = _open(cwd, stack)
    if not configuration.rm(key, path=path):
        raise _unknown(key, configuration)
    configuration.save()


def _open(cwd: Path, stack: str | None) -> "StackConfig":
    from caraml_pulumi.engine.state.config import load_stack_config

    target = resolve_target(cwd, stack)
    return load_stack_config(target.project, target.stack)


def _document_of(cwd: Path, stack: str | None) -> dict[str, Any] | None:
    """The stack's checkpoint, whose salt counts where the configuration has none."""
    from caraml_pulumi.engine.state.backend import open_backend

    target = resolve_target(cwd, stack)
    return open_backend(target.backend_url).load(target.project.name, target.stack)


def _read_value(key: str, secret: bool) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.read().removesuffix("\n").removesuffix("\r")
    return str(typer.prompt(key, hide_input=secret, err=True))


def _document(value: "ConfigValue", *, hidden: bool) -> dict[str, Any]:
    """A value as ``pulumi config --json`` prints it."""
    secret = not isinstance(value, str)
    return {"secret": True} if secret and hidden else {"value": _text(value), "secret": secret}


def _text(value: "ConfigValue") -> str:
    return value if isinstance(value, str) else str(value.value)


def _short(key: str, configuration: "StackConfig") -> str:
    return key.removeprefix(f"{configuration.project.name}:")


def _unknown(key: str, configuration: "StackConfig") -> CaramlError:
    return CaramlError(
        f"the stack has no value for {key!r}",
        where=str(configuration.path),
        allowed=", ".join(_short(known, configuration) for known in configuration.keys) or "no value is set",
    )
