"""`from avow.environment import *` in environment.py: avow for runners that ignore behave's
`runner` setting.

Some IDEs bring a runner of their own. With this line in environment.py their runs have the same
phrases, world, evidence and reports, in place. Where avow's Runner is in charge already it
changes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__: list[str] = []


def _install() -> None:
    from behave.runner import ModelRunner

    from avow.gherkin import install

    install()
    if hasattr(ModelRunner, "avow_run_model"):
        return
    ModelRunner.avow_run_model = original = ModelRunner.run_model

    def run_model(self: Any, features: Any = None) -> Any:
        from avow.runner.suite import SuiteRunner

        if isinstance(self, SuiteRunner) or self.config.dry_run:
            return original(self, features)
        return _run_in_place(self, features, original)

    ModelRunner.run_model = run_model


def _run_in_place(runner: Any, features: Any, original: Any) -> Any:
    from avow.runner import suite
    from avow.runner.front import load_settings
    from avow.runner.inplace import InPlace
    from avow.runner.outcome import Outcome

    root = suite.find_base(runner.config) or Path.cwd()
    outcome = Outcome()
    with InPlace(runner, load_settings(runner.config, root), root, outcome):
        failed = original(runner, features)
    return failed or outcome.code != 0


_install()
