"""The shared phrases as data: for `avow steps` and docs/reference/steps.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from avow.gherkin import phrases
from avow.gherkin.docstrings import explained


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One phrase. `kind` is given, when, then, or step for any of them; `file` is its noun."""

    phrase: str
    kind: str
    summary: str
    details: str
    example: str
    fails: str
    fragments: tuple[str, ...]
    file: str
    line: int
    function: str
    needs: str


def entries() -> list[CatalogueEntry]:
    """Return every shared phrase, by noun and in the order of its file."""
    from avow.steps import all as everything

    order = [module.__name__.rpartition(".")[2] for module in everything.MODULES]
    found = []
    for phrase in phrases.declared.values():
        # A suite's own phrases may be declared too; those of an executed file are of no module.
        package, _, file = str(phrase.function.__module__).rpartition(".")
        if package != "avow.steps":
            continue
        said = explained(phrase.__doc__)
        found.append(
            CatalogueEntry(
                phrase=phrase.pattern,
                kind=phrase.kind,
                summary=said.summary,
                details=said.details,
                example=said.example.replace("'''", '"""'),
                fails=said.fails.replace("'''", '"""'),
                fragments=said.fragments,
                file=file,
                line=phrase.function.__code__.co_firstlineno,
                function=phrase.function.__name__,
                needs=phrase.needs() or "",
            )
        )
    return sorted(found, key=lambda each: (order.index(each.file), each.line, each.phrase))


def markdown() -> str:
    """Return docs/reference/steps.md."""
    from avow.steps import all as everything

    titles = {
        module.__name__.rpartition(".")[2]: (module.__doc__ or "").strip().splitlines()[0]
        for module in everything.MODULES
    }
    lines = [
        "# Shared phrases",
        "",
        "Generated from the step functions in `src/avow/steps`; every example here runs as a test.",
        "",
        "Any Then may be waited for or negated: `Then within 5 seconds ...`, `Then for 2 seconds "
        '...`, `Then it is not true that ...`. Any phrase may end in ` as "name"`, which '
        "remembers what it made or saw, and in a colon. A name in `{resource}` is one of "
        "avow.toml, in quotes or, where it is one word, without.",
        "",
    ]
    current = ""
    for each in entries():
        if each.file != current:
            current = each.file
            noun, _, rest = titles[current].partition(": ")
            lines += [f"## {noun}", "", (rest[:1].upper() + rest[1:]) if rest else "", ""]
        kind = "Given/When/Then" if each.kind == "step" else each.kind.capitalize()
        lines += [f"### {kind} {_escaped(each.phrase)}", "", each.summary, ""]
        if each.details:
            lines += [each.details, ""]
        if each.example:
            lines += ["```gherkin", each.example, "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def _escaped(phrase: str) -> str:
    return phrase.replace("<", "\\<").replace("*", "\\*").replace("_", "\\_")


def missing() -> list[str]:
    """Return phrases without a summary, an example or a failing one; a test wants none."""
    return [
        f"{Path(each.file).name}:{each.line} {each.phrase}"
        for each in entries()
        if not (each.summary and each.example and each.fails and each.fragments)
    ]
