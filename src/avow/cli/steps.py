"""`avow steps`."""

from __future__ import annotations

import click


@click.command("steps")
@click.argument("words", nargs=-1)
@click.option("--markdown", is_flag=True, help="Print the whole catalogue as a Markdown page.")
def command(words: tuple[str, ...], markdown: bool) -> None:
    """List the shared phrases; with WORDS, those that mention all of them, with their examples."""
    from avow.steps import catalogue

    if markdown:
        print(catalogue.markdown(), end="")
        return
    wanted = [word.lower() for word in words]
    found = 0
    for entry in catalogue.entries():
        text = f"{entry.kind} {entry.phrase} {entry.summary}".lower()
        if not all(word in text for word in wanted):
            continue
        found += 1
        print(f"{entry.kind.capitalize():<6} {entry.phrase}")
        if wanted:
            print(f"       {entry.summary}")
            for line in entry.example.splitlines():
                print(f"         {line}")
            print()
    if not found:
        print(f"No phrase mentions {' and '.join(words)}. `avow steps` lists them all.")
