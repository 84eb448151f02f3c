"""What can be said about features before anything runs: every mistake, once, with its place."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cucumber_expressions.expression_parser import CucumberExpressionParser

from avow.core.errors import SuiteError
from avow.gherkin import registry as registries
from avow.gherkin.behaving import install
from avow.gherkin.expressions import CucumberMatcher
from avow.gherkin.match import block_problem
from avow.gherkin.parameters import types
from avow.gherkin.phrases import Phrase
from avow.gherkin.snippets import nearest_phrase, snippet
from avow.matchers import FORMS

#: Words that are markers of the matching language. A heading of Examples that is one of them
#: would replace `<uuid>` in the steps by the row's value, silently.
MARKERS = frozenset(form.strip("<>").partition(":")[0].partition(" ")[0] for form in FORMS)


def everything(features: Iterable[Any]) -> list[SuiteError]:
    """Return all problems: of phrases, undefined and ambiguous steps, guards, blocks, Examples."""
    features = list(features)
    return [
        *phrases(),
        *undefined(features),
        *ambiguous(features),
        *blocks(features),
        *examples(features),
    ]


def steps_of(features: Iterable[Any]) -> Iterator[Any]:
    """Yield every step of features, those of backgrounds and outline rows too."""
    for feature in features:
        for scenario in feature.walk_scenarios(with_outlines=False):
            yield from scenario.all_steps


def phrases(*, shared: bool = False) -> list[SuiteError]:
    """Return phrases that cannot be read, and pairs of which one text can mean both.

    Texts of the suite's own phrases are tried against all; with `shared`, those of avow's too.
    """
    registry = install()
    found = list(registry.problems)
    seen: set[frozenset[tuple[str, int, str]]] = set()
    for kind in ("given", "when", "then"):
        for matcher in [*registry.steps[kind], *registry.steps["step"]]:
            if not isinstance(matcher, CucumberMatcher) or (
                registries.is_shared(matcher) and not shared
            ):
                continue
            for text in samples(matcher.pattern):
                matchers = [each for each, _ in registry.find_all(kind, text)]
                key = frozenset(
                    (each.location.filename, each.location.line, each.pattern) for each in matchers
                )
                if len(matchers) > 1 and key not in seen:
                    seen.add(key)
                    problem = registries.ambiguous(text, matchers)
                    problem.where = matcher.where
                    found.append(problem)
    return found


def undefined(features: Iterable[Any]) -> list[SuiteError]:
    """Return a problem for each text that no phrase says, with the nearest phrase."""
    registry = install()
    found: dict[tuple[str, str], SuiteError] = {}
    for step in steps_of(features):
        key = step.step_type, step.name
        if key in found or registry.look_up(*key) is not None:
            continue
        near = nearest_phrase(step, registry)
        code = "\n    ".join(snippet(step).splitlines())
        found[key] = SuiteError(
            f"no phrase says: {step.keyword} {step.name}",
            where=f"{step.filename}:{step.line}",
            advice=f"{near + chr(10) + '  ' if near else ''}"
            f"To make it one, start from this in a file under steps/:\n    {code}",
        )
    return list(found.values())


def ambiguous(features: Iterable[Any]) -> list[SuiteError]:
    """Return a problem for each text that several phrases say, or with a misplaced guard."""
    registry = install()
    found: dict[tuple[str, str], SuiteError] = {}
    for step in steps_of(features):
        key = step.step_type, step.name
        known = None if key in found else registry.look_up(*key)
        if known is not None and known.problem is not None:
            found[key] = SuiteError(
                known.problem.message,
                where=f"{step.filename}:{step.line}",
                advice=known.problem.advice,
            )
    return list(found.values())


def blocks(features: Iterable[Any]) -> list[SuiteError]:
    """Return steps that lack the table or docstring they need, or have one too many."""
    registry = install()
    found: dict[str, SuiteError] = {}
    for step in steps_of(features):
        where = f"{step.filename}:{step.line}"
        known = None if where in found else registry.look_up(step.step_type, step.name)
        if known is None or not isinstance(known.matcher.func, Phrase):
            continue
        problem = block_problem(
            known.matcher.func,
            has_table=step.table is not None,
            has_document=step.text is not None,
        )
        if problem is not None:
            problem.where = where
            found[where] = problem
    return list(found.values())


def examples(features: Iterable[Any]) -> list[SuiteError]:
    """Return headings of Examples that hide a marker: `<uuid>` would be the row's value."""
    found = []
    for feature in features:
        for outline in feature.walk_scenarios(with_outlines=True):
            for each in getattr(outline, "examples", ()):
                for heading in each.table.headings if each.table else ():
                    if heading in MARKERS:
                        found.append(
                            SuiteError(
                                f'the heading "{heading}" of Examples hides the marker <{heading}>',
                                where=f"{each.filename}:{each.table.line or each.line}",
                                advice="Give the column another name.",
                            )
                        )
    return found


_STAND_INS = {
    "int": "7",
    "float": "7.5",
    "string": '"x"',
    "word": "x",
    "": "x",
    "bigdecimal": "7.5",
    "biginteger": "7",
    "byte": "7",
    "short": "7",
    "long": "7",
    "double": "7.5",
}


#: Texts that are tried of an expression with many options and alternatives.
_MOST_SAMPLES = 64


def samples(pattern: str) -> list[str]:
    """Return texts that the expression says: with and without options, each alternative."""
    return list(dict.fromkeys(itertools.islice(_texts(_parsed(pattern)), _MOST_SAMPLES)))


def sample(pattern: str) -> str:
    """Return the first of an expression's texts: no options, first alternatives, plain values."""
    return next(_texts(_parsed(pattern)))


def _parsed(pattern: str) -> Any:
    return CucumberExpressionParser().parse(pattern)


def _texts(node: Any) -> Iterator[str]:
    kind = node.ast_type.name
    if kind == "TEXT":
        yield str(node.text)
    elif kind == "PARAMETER":
        yield _STAND_INS.get(node.text) or _stand_in(types.lookup_by_type_name(node.text))
    elif kind == "OPTIONAL":
        yield ""
        yield "".join(str(each.text) for each in node.nodes)
    elif kind == "ALTERNATION":
        for each in node.nodes:
            yield from _texts(each)
    else:
        for parts in itertools.product(*(list(_texts(each)) for each in node.nodes)):
            yield "".join(parts)


def _stand_in(parameter: Any) -> str:
    """Return a text that a suite's own parameter type matches, or an unlikely word."""
    tried = ("1", '"x"', "x", "1 second", "GET", "200", "a", "exactly 1", "<any>")
    patterns = [re.compile(regexp) for regexp in parameter.regexps] if parameter else []
    return next((text for text in tried if any(each.fullmatch(text) for each in patterns)), "x")
