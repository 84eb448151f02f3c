"""`avow init NAME`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Where the suite's folder goes; by default here.",
)
def command(name: str, into: Path) -> None:
    """Start a suite in a new folder NAME whose first `behave` passes."""
    from avow.scaffold import create

    folder = create(name, into)
    print(f"Wrote a suite to {folder}. Run it:\n\n    cd {folder}\n    behave\n")
    print("Then say in avow.toml what your system is, and in features/ what it promises.")
