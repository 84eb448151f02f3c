"""What behave makes of `runner = "avow.runner:Runner"`: supervised, or in place where somebody
wants to look.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from behave import exception

from avow.core.errors import AvowError
from avow.runner import engine, suite
from avow.runner.suite import SuiteRunner

#: What behave words itself.
_BEHAVES = (
    exception.ConfigError,
    exception.ConstraintError,
    exception.FileNotFoundError,
    exception.InvalidFileLocationError,
    exception.InvalidFilenameError,
)

#: Formatters that describe step definitions, and so need them in their own process.
_DESCRIBE_CODE = ("steps", "sphinx", "bad_steps")


class Runner(SuiteRunner):
    """The coordinator behind plain `behave`."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        engine.hush_runner_line()
        engine.patch()

    def run(self) -> bool:
        """Run the suite; raises SystemExit for the exit codes that behave has no word for."""
        try:
            self.setup_paths()
            root = suite.find_base(self.config) or Path.cwd()
            settings = load_settings(self.config, root)
            code = self._run(settings, root)
        except AvowError as error:
            print(error, file=sys.stderr)  # noqa: T201
            code = error.exit_code
        except _BEHAVES:
            raise
        except Exception:  # noqa: BLE001 - told here, and behave would end with 1
            # The exit code must not say that a scenario failed.
            import traceback

            traceback.print_exc()
            print("This is a fault of avow; please report it.", file=sys.stderr)  # noqa: T201
            code = 3
        if code in (0, 1):
            return bool(code)
        raise SystemExit(code)

    def _run(self, settings: Any, root: Path) -> int:
        if self._is_in_place(settings):
            from avow.runner.inplace import run_in_place

            return run_in_place(self, settings, root)
        from avow.runner.coordinator import Coordinator

        return Coordinator(self.config, settings, root).run()

    def _is_in_place(self, settings: Any) -> bool:
        config = self.config
        return bool(
            config.dry_run
            or config.wip
            or settings.runner.inline
            or suite.is_debugged()
            or any(name.startswith(_DESCRIBE_CODE) for name in config.format or ())
        )


def load_settings(config: Any, root: Path) -> Any:
    """Return the suite's settings with what `-D avow.KEY=VALUE` says."""
    from avow.config import load

    defines = {
        str(key): str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in (config.userdata or {}).items()
        if str(key).startswith("avow.")
    }
    return load(root, defines=defines)
