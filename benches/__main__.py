"""`make bench`: run all benches (or those named), print their rows, write RESULTS.md."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from benches.rows import Row, page

BENCHES = {
    "suite": "A suite of 1000 scenarios, 6 steps and 2 requests each",
    "startup": "From `behave` to the first step",
    "stacks": "A worker's stack of services",
    "isolation": "A clean database for each scenario",
    "stub": "The stub server",
    "kafka": "Publish to observed",
    "ledger": "The ledger and its replay",
    "reports": "Writing Allure results and evidence",
}


def main() -> None:
    named = sys.argv[1:] or list(BENCHES)
    sections: dict[str, list[Row]] = {}
    for name in named:
        print(f"== {BENCHES[name]}", flush=True)
        rows = [Row(*row) for row in importlib.import_module(f"benches.{name}").main()]
        for row in rows:
            print(
                f"  {row.name}: {row.value:.4g} {row.unit}  {row.target} {row.verdict}", flush=True
            )
        sections[BENCHES[name]] = rows
    if not sys.argv[1:]:
        Path(__file__).with_name("RESULTS.md").write_text(page(sections))


if __name__ == "__main__":
    main()
