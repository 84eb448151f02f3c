"""`avow report`."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

import click


@click.command("report")
@click.option("--open", "open_it", is_flag=True, help="Open the report in the browser.")
@click.option(
    "-D", "defines", multiple=True, metavar="avow.KEY=VALUE", help="A setting, as in behave."
)
def command(open_it: bool, defines: tuple[str, ...]) -> None:
    """Build the HTML report of the last run from reports/allure-results."""
    from avow import config
    from avow.reports import html

    root = Path.cwd()
    settings = config.load(root, defines=dict(item.partition("=")[::2] for item in defines))
    built = html.build(root / settings.reports.results, root / settings.reports.html)
    if isinstance(built, html.NotBuilt):
        print(built.message, file=sys.stderr)
        sys.exit(0 if built.harmless else 1)
    print(f"The report is at {built.path}")
    if open_it:
        webbrowser.open(built.path.resolve().as_uri())
