"""A subcommand with a defect."""

import typer

app = typer.Typer()


@app.command()
def broken() -> None:
    raise ZeroDivisionError("nobody expected this")
