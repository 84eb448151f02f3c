"""The suite's own code: where it lies, and how hooks and steps come in, file by file."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from behave.runner import Context, Runner, the_step_registry
from behave.runner_util import PathManager, exec_file

from avow.core.errors import AvowError, SuiteError
from avow.runner import failures

SETTINGS = "avow.toml"


class LoadError(SuiteError):
    """A file of the suite cannot be loaded."""


def find_base(config: Any) -> Path | None:
    """Return the directory that holds the suite: upwards from the first path, else from here."""
    first = str(config.paths[0]).removeprefix("@") if config.paths else "features"
    start = Path(first.rpartition(":")[0] if first.rpartition(":")[2].isdigit() else first)
    start = start.absolute()
    for directory in (start, *start.parents):
        if directory.is_dir() and (
            (directory / config.steps_dir).is_dir()
            or (directory / config.environment_file).is_file()
            or (directory / SETTINGS).is_file()
        ):
            return directory
    return None


class SuiteRunner(Runner):  # type: ignore[misc]
    """behave's runner as far as loading goes; a suite may have no Python at all."""

    def setup_paths(self) -> None:
        base = find_base(self.config)
        if base is None:
            # behave's own message says what is missing.
            super().setup_paths()
            return
        self.base_dir = str(base)
        self.config.base_dir = str(base)
        if not self.config.paths:
            features = base / "features"
            self.config.paths = [os.path.relpath(features if features.is_dir() else base)]
        self.path_manager.add(str(base))
        if base != Path.cwd():
            self.path_manager.add(str(Path.cwd()))

    def load(self, loading: Callable[[str], None] = lambda file: None) -> None:
        """Load hooks and steps; raises LoadError with the file and the line, never a bare
        traceback.
        """
        from avow.gherkin import install

        self.context = Context(self)
        install()
        self.step_registry = the_step_registry
        environment = Path(self.base_dir) / self.config.environment_file
        if environment.exists():
            with _told(environment, loading):
                exec_file(str(environment), self.hooks)
        self.hooks.setdefault("before_all", self.before_all_default_hook)
        self._load_steps(loading)
        guard_hooks(self.hooks)

    def _load_steps(self, loading: Callable[[str], None]) -> None:
        from behave.api.step_matchers import (
            step_matcher,
            use_default_step_matcher,
            use_step_matcher,
        )
        from behave.matchers import use_current_step_matcher_as_default
        from behave.step_registry import setup_step_decorators

        directory = Path(self.base_dir) / self.config.steps_dir
        directories = [directory] if directory.is_dir() else []
        if directories and self.config.use_nested_step_modules:
            from behave.pathutil import select_subdirectories

            directories += [Path(each) for each in select_subdirectories(str(directory))]
        if not directories:
            # No Python in this suite: avow's vocabulary is all it needs.
            with _told(directory, loading):
                import avow.steps.all  # noqa: F401
            return
        names = {"use_step_matcher": use_step_matcher, "step_matcher": step_matcher}
        setup_step_decorators(names)
        with PathManager([str(each) for each in directories]):
            use_current_step_matcher_as_default()
            for each in directories:
                for file in sorted(each.glob("*.py")):
                    with _told(file, loading):
                        exec_file(str(file), dict(names))
                    use_default_step_matcher()


@contextmanager
def _told(file: Path, loading: Callable[[str], None]) -> Iterator[None]:
    where = os.path.relpath(file)
    loading(where)
    try:
        yield
    except (KeyboardInterrupt, LoadError):
        raise
    except SyntaxError as error:
        place = f"{os.path.relpath(error.filename or file)}:{error.lineno or 1}"
        raise LoadError(f"{error.msg}\n    {(error.text or '').strip()}", where=place) from error
    except BaseException as error:
        raise _load_error(where, error) from error


def _load_error(where: str, error: BaseException) -> LoadError:
    line = ""
    for frame in reversed(_frames(error)):
        if os.path.realpath(frame[0]) == os.path.realpath(where):
            line = f":{frame[1]}"
            break
    if isinstance(error, SystemExit):
        return LoadError(
            f"it called sys.exit({error.code!r}) while it was being loaded",
            where=where + line,
            advice="Loading a step file must only define things. Take the exit out.",
        )
    trace = failures.trace_of(error)
    if isinstance(error, AvowError):
        return LoadError(str(error), where="" if error.where else where + line)
    message = failures.message_of(error)
    if trace and "\n  File " in trace and trace.count("\n  File ") > 1:
        message += "\n" + "\n".join("    " + each for each in trace.splitlines()[:-1])
    return LoadError(message, where=where + line)


def _frames(error: BaseException) -> list[tuple[str, int]]:
    found, trace = [], error.__traceback__
    while trace is not None:
        found.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    return found


# -- hooks


def guard_hooks(hooks: dict[str, Any]) -> None:
    """Make hooks safe: `async def` ones are awaited, and one that exits fails instead of ending the
    run.
    """
    for name, hook in list(hooks.items()):
        if name.startswith(("before_", "after_")) and callable(hook):
            hooks[name] = _guarded(name, hook)


#: Told of every hook that fails: (name, error). The process that performs scenarios sets it.
listener: Callable[[str, BaseException], None] | None = None


def listen(to: Callable[[str, BaseException], None] | None) -> None:
    global listener
    listener = to


def _guarded(name: str, hook: Callable[..., Any]) -> Callable[..., Any]:
    if hasattr(hook, "avow_guarded"):
        return hook

    @functools.wraps(hook)
    def call(*arguments: Any) -> None:
        from avow.runner.engine import exited

        try:
            result = hook(*arguments)
            if inspect.iscoroutine(result):
                from behave.async_step import use_or_assign_event_loop

                use_or_assign_event_loop().run_until_complete(result)
        except KeyboardInterrupt:
            raise
        except Exception as error:
            if listener is not None:
                listener(name, error)
            raise
        except BaseException as error:
            stands_for = exited(error, f"the hook {name}")
            if listener is not None:
                listener(name, stands_for)
            raise stands_for from error

    call.avow_guarded = True  # type: ignore[attr-defined]
    return call


def threads() -> int:
    """Return how many native threads this process has; what Python counts leaves out those of C
    code.
    """
    try:
        return sum(1 for _ in os.scandir("/proc/self/task"))
    except OSError:
        import threading

        return threading.active_count()


def is_debugged() -> bool:
    """Say whether somebody stands by with a debugger: steps then run where the breakpoints are."""
    if (
        "pydevd" in sys.modules
        or "debugpy" in sys.modules
        or os.environ.get("PYDEVD_LOAD_VALUES_ASYNC")
    ):
        return True
    tracer = sys.gettrace()
    module = getattr(tracer, "__module__", None) or type(tracer).__module__
    # Coverage measures by a tracer too and needs nobody to stand by.
    return tracer is not None and not str(module).startswith("coverage")
