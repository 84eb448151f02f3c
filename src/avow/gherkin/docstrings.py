"""The docstring of a phrase: one line of meaning, an example that passes, one that fails.

'''Send a request; its answer is `the response` from now on.

Example:
    When I send GET "/orders" to "shop"
    Then the response status is 200

Fails:
    When I send GET "/orders" to "shop"
    Then the response status is 404
    # the status is 200
'''
"""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explained:
    """`fragments` are the comment lines of `Fails:`: each is in the message of the failure."""

    summary: str = ""
    details: str = ""
    example: str = ""
    fails: str = ""
    fragments: tuple[str, ...] = ()


def explained(docstring: str | None) -> Explained:
    """Return the parts of a docstring; parts that it lacks are empty."""
    text = inspect.cleandoc(docstring or "")
    parts: dict[str, list[str]] = {"": []}
    current = ""
    for line in text.splitlines():
        if line in ("Example:", "Fails:"):
            current = line[:-1]
            parts[current] = []
        else:
            parts[current].append(line)
    said = "\n".join(parts[""]).strip()
    summary, _, details = said.partition("\n\n")
    fails = _dedented(parts.get("Fails", []))
    steps = [line for line in fails.splitlines() if not line.lstrip().startswith("#")]
    return Explained(
        summary=" ".join(summary.split()),
        details=details.strip(),
        example=_dedented(parts.get("Example", [])),
        fails="\n".join(steps),
        fragments=tuple(
            line.strip().lstrip("#").strip()
            for line in fails.splitlines()
            if line.lstrip().startswith("#")
        ),
    )


def _dedented(lines: list[str]) -> str:
    return textwrap.dedent("\n".join(lines)).strip("\n")
