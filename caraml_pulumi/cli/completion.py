"""`caraml completion`: what a shell runs to complete commands, options, stacks and models."""

from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


class Shell(StrEnum):
    """A shell that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command(
    name="completion",
    epilog='Example: eval "$(caraml completion bash)"  # in ~/.bashrc; fish: caraml completion fish | source',
)
def completion(shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]) -> None:
    """Print what makes a shell complete the commands, options, stacks, environments and models of this command.

    The line of the example belongs into ~/.bashrc. With zsh it is the same in ~/.zshrc, after compinit, and fish takes:
    caraml completion fish | source. Stacks and models are read from the project's files; no server is asked.
    """
    from typer._completion_shared import get_completion_script

    print(get_completion_script(prog_name="caraml", complete_var="_CARAML_COMPLETE", shell=shell.value))
