"""Make behave speak avow: one registry, Cucumber Expressions by default, better snippets."""

from __future__ import annotations

import functools
import sys
from typing import Any

import behave
import behave.cucumber_expression
import behave.matchers
import behave.parser
import behave.runner
import behave.runner_util
import behave.step_registry

from avow.gherkin import snippets
from avow.gherkin.expressions import CucumberMatcher
from avow.gherkin.parameters import behave_types
from avow.gherkin.phrases import declared
from avow.gherkin.registry import Registry

_WORDS = ("given", "when", "then", "step")


def registry() -> Registry:
    """Return the registry in which behave's runner looks for steps."""
    return install()


def install() -> Registry:
    """Prepare behave in this process; calling it again repairs what a reset has taken away."""
    # `reset_runtime()` puts a dead object into behave.step_registry; the runner keeps the first.
    found = behave.runner.the_step_registry
    if not isinstance(found, Registry):
        # Modules everywhere hold this very object, so it changes its class and not its place.
        found.__class__ = Registry
        _unify(found)
        _prefer_cucumber_expressions()
        _keep_content_types()
        snippets.install()
    elif behave.step_registry.registry is not found:
        _unify(found)
        _prefer_cucumber_expressions()
    assert isinstance(found, Registry)
    if found.is_emptied:
        found.is_emptied = False
        for phrase in list(declared.values()):
            found.add(phrase)
    return found


def _unify(registry: Registry) -> None:
    behave.step_registry.registry = registry
    behave.step_registry.setup_step_decorators(None, registry)
    for word in _WORDS:
        for name in (word, word.title()):
            setattr(behave, name, getattr(behave.step_registry, name))


def _prefer_cucumber_expressions() -> None:
    behave.cucumber_expression.StepMatcher4CucumberExpressions.TYPE_REGISTRY = behave_types
    behave.matchers.register_step_matcher_class(
        CucumberMatcher.NAME, CucumberMatcher, override=True
    )
    factory = behave.matchers.get_step_matcher_factory()
    factory.use_default_step_matcher(CucumberMatcher.NAME)
    # What behave goes back to after each step file, and after a reset.
    factory.initial_matcher_name = CucumberMatcher.NAME


def _keep_content_types() -> None:
    """Let behave's parser keep the word after a docstring's opening quotes, which it drops."""
    parser = behave.parser.Parser
    in_steps, in_text = parser.action_steps, parser.action_multiline_text

    @functools.wraps(in_steps)
    def action_steps(self: Any, line: str) -> Any:
        stripped = line.strip()
        if stripped.startswith(('"""', "'''")):
            self.avow_content_type = stripped[3:].strip()
        return in_steps(self, line)

    @functools.wraps(in_text)
    def action_multiline_text(self: Any, line: str) -> Any:
        outcome = in_text(self, line)
        kind = getattr(self, "avow_content_type", "")
        if self.multiline_terminator is None and kind:
            self.statement.steps[-1].text.content_type = kind
            self.avow_content_type = ""
        return outcome

    parser.action_steps = action_steps
    parser.action_multiline_text = action_multiline_text


def uninstalled_modules() -> list[str]:
    """Return behave's modules that hold another registry; for `avow doctor` and for tests."""
    found = behave.runner.the_step_registry
    return [
        name
        for name, module in list(sys.modules.items())
        if name.startswith("behave")
        and any(
            getattr(module, attribute, found) is not found
            for attribute in ("the_step_registry", "registry")
            if isinstance(getattr(module, attribute, None), behave.step_registry.StepRegistry)
        )
    ]
