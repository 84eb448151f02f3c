"""Write the generated pages of docs/reference; with --check, say which are stale and exit 1."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

REFERENCE = Path(__file__).resolve().parent / "reference"


def steps() -> str:
    from avow.steps import catalogue

    return catalogue.markdown()


PAGES: dict[str, Callable[[], str]] = {"steps.md": steps}


def main() -> None:
    check = "--check" in sys.argv[1:]
    stale = []
    for name, page in PAGES.items():
        path, text = REFERENCE / name, page()
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        if check:
            stale.append(name)
        else:
            REFERENCE.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    if stale:
        sys.exit(f"docs/reference is stale: {', '.join(stale)}. Run: make docs")


if __name__ == "__main__":
    main()
