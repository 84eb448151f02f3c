"""What to write for a step that no phrase says: an expression, and the nearest phrase there is."""

from __future__ import annotations

import difflib
import keyword
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import behave.runner_util
from cucumber_expressions.expression_generator import CucumberExpressionGenerator

from avow.core.text import plural
from avow.gherkin import guards
from avow.gherkin.parameters import types

_PARAMETER = re.compile(r"\{[^{}]*\}")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_NUMBER = re.compile(r"-?\b\d+(?:\.\d+)?\b")
_WORD = re.compile(r"[^\W\d]\w*")
#: Below this two phrases have little in common but their small words.
_ALIKE = 0.62


def snippet(step: Any) -> str:
    """Return a step function to start from; `step` is behave's."""
    text = _core(step.name)
    pattern, names = _generalised(text)
    words = _WORD.findall(_QUOTED.sub(" ", text).lower())[:6]
    name = "_".join(words) or "step"
    if keyword.iskeyword(name):
        name += "_"
    blocks = []
    if step.table is not None:
        blocks.append("table: Table")
    if step.text is not None:
        blocks.append("document: Document")
    parameters = ", ".join(["world", *names, *(["*", *blocks] if blocks else [])])
    quoted = pattern.replace("\\", "\\\\").replace('"', '\\"') if '"' in pattern else pattern
    if "\\" in pattern and '"' not in pattern:
        quoted = pattern.replace("\\", "\\\\")
    return (
        f'@{step.step_type}("{quoted}")\n'
        f"def {name}({parameters}):\n"
        f'    raise NotImplementedError("{step.step_type.capitalize()} {name.replace("_", " ")}")\n'
    )


def _core(text: str) -> str:
    _, text = guards.split(text)
    return text.removesuffix(":").rstrip()


def _generalised(text: str) -> tuple[str, list[str]]:
    """Return the expression with {int}, {string}... for its values, and names for the arguments."""
    generated = CucumberExpressionGenerator(types).generate_expressions(text)
    best = generated[0]
    names: list[str] = []
    for each in best.parameter_types:
        name = {"int": "number", "float": "number", "string": "text"}.get(each.name, each.name)
        name = re.sub(r"\W+", "_", name) or "value"
        count = sum(known.rstrip("0123456789") == name for known in names)
        names.append(f"{name}{count + 1}" if count else name)
    return best.source, names


def nearest_phrase(step: Any, registry: Any) -> str:
    """Return one line about the phrase that most likely was meant, or ""."""
    text = _core(step.name)
    for kind in ("given", "when", "then"):
        if kind != step.step_type and registry.look_up(kind, step.name) is not None:
            return (
                f"It is a {kind.capitalize()}, and stands here as a {step.step_type.capitalize()}."
            )
    wanted = _NUMBER.sub("{}", _QUOTED.sub("{}", text))
    best, score = None, _ALIKE
    matcher = difflib.SequenceMatcher(b=wanted, autojunk=False)
    for definition in [*registry.steps[step.step_type], *registry.steps["step"]]:
        matcher.set_seq1(_PARAMETER.sub("{}", definition.pattern))
        if matcher.real_quick_ratio() > score and matcher.quick_ratio() > score:
            ratio = matcher.ratio()
            if ratio > score:
                best, score = definition, ratio
    guard = _bad_guard(text)
    if best is None:
        return guard
    near = f"The nearest phrase is: {step.step_type.capitalize()} {best.pattern}"
    return f"{guard}\n  {near}" if guard else near


_GUARD = re.compile(r"(within|for) (\S+)\s+(\w+) ", re.IGNORECASE)


def _bad_guard(text: str) -> str:
    """Return what is wrong with the words of a guard that was not read as one, or ""."""
    found = _GUARD.match(text)
    if found is None:
        return ""
    return (
        f'"{found[1]} {found[2]} {found[3]}" is not a time: '
        "write 5 seconds, 250 milliseconds or 2 minutes."
    )


def undefined_text(steps: Iterable[Any], registry: Any) -> str:
    """Return what to tell about undefined steps: each once, its place, what is near, a snippet."""
    first: dict[tuple[str, str], Any] = {}
    for step in steps:
        first.setdefault((step.step_type, step.name), step)
    if not first:
        return ""
    lines = [f"{plural(len(first), 'step')} that no phrase says:", ""]
    for step in first.values():
        lines.append(f"{step.filename}:{step.line}: {step.keyword} {step.name}")
        near = nearest_phrase(step, registry)
        if near:
            lines.append(f"  {near}")
    lines += ["", "Start from these in a file under steps/:", ""]
    lines += [f"from avow.gherkin import {', '.join(_imports(first.values()))}", "", ""]
    snippets = dict.fromkeys(snippet(step) for step in first.values())
    lines.append("\n\n".join(snippets))
    return "\n".join(lines)


def _imports(steps: Iterable[Any]) -> list[str]:
    names = set()
    for step in steps:
        names.add(step.step_type)
        if step.table is not None:
            names.add("Table")
        if step.text is not None:
            names.add("Document")
    return sorted(names, key=lambda name: (name.islower(), name))


def _print(steps: list[Any], stream: TextIO | None = None, colored: bool = True) -> None:
    """Stand in for behave's printer of snippets."""
    from avow.gherkin.behaving import registry

    out = stream or sys.stderr
    text = undefined_text(steps, registry())
    if not text:
        return
    if colored:
        from behave.formatter.ansi_escapes import escapes

        text = f"{escapes['undefined']}{text}{escapes['reset']}"
    out.write(f"\n{text}\n")
    out.flush()


def install() -> None:
    """Let behave's own places that make snippets use these."""
    behave.runner_util.make_undefined_step_snippet = _snippet_of
    for name in ("behave.runner_util", "behave.__main__", "__main__"):
        module = sys.modules.get(name)
        if module is not None and hasattr(module, "print_undefined_step_snippets"):
            module.print_undefined_step_snippets = _print  # type: ignore[attr-defined]


def _snippet_of(step: Any, language: str | None = None) -> str:
    if isinstance(step, str):
        (step,) = behave.runner_util.gherkin.parse_steps(step, language=language)
    return snippet(step)
