# ruff: noqa: SLF001 - behave has no public way
"""behave's engine, its five slow spots replaced and its sharp edges made safe.

Each replacement behaves as the original does (tests/runner/test_engine.py holds them together)
and is put in place for the behave versions it was written for only; with any other version the
original stays. Measured by benches/suite.py: together they halve what behave itself costs per
step.

1. `Context.__setattr__` walks the stack and reads source lines at every assignment
2. `Status` compares enum members through a Python `__eq__`
3. every model element computes a relative path
4. capturing reads whole buffers after each step
5. a step function's location is computed at every match
"""

from __future__ import annotations

import functools
import linecache
import os
import sys
from collections.abc import Callable
from typing import Any

from avow.core.errors import SuiteError

#: Versions whose code these replacements repeat.
KNOWN = ("1.3.3",)

_patched = False


class StepExited(SuiteError):
    """A step or hook tried to end the whole run."""


def exited(error: BaseException, what: str) -> StepExited:
    """Return the error that stands for a SystemExit (or worse) raised by user code."""
    if isinstance(error, SystemExit):
        code = 0 if error.code is None else error.code
        said = f"called sys.exit({code!r})"
    else:
        said = f"raised {type(error).__name__}"
    return StepExited(
        f"{what} {said}, which would have ended the whole run",
        advice="Raise AssertionError to fail the scenario, or scenario.skip() to leave it out.",
    )


def patch() -> bool:
    """Put the replacements in place, once per process; return whether they are."""
    global _patched
    import behave

    _patch_safety()
    if behave.__version__ not in KNOWN:
        return False
    if not _patched:
        _patched = True
        _patch_context()
        _patch_status()
        _patch_paths()
        _patch_capture()
    return True


# -- safety: SystemExit in a step; cleanups that all run and are all told


def _patch_safety() -> None:
    from behave.formatter.progress import ProgressFormatterBase
    from behave.model_type import Status
    from behave.runner import Context

    if hasattr(Context, "avow_cleanup_failed"):
        return
    Context._do_cleanups = _do_cleanups
    Context.avow_cleanup_failed = None
    # Without it a failing cleanup ends the whole run with a KeyError.
    ProgressFormatterBase.dot_status.setdefault(Status.cleanup_error, "H")


def safely(run: Callable[[Any], None]) -> Callable[[Any], None]:
    """Wrap the `run` of a step's match: a step that exits fails instead of ending the run."""

    def call(context: Any) -> None:
        try:
            run(context)
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise exited(error, "the step") from error

    return call


def _do_cleanups(self: Any) -> None:
    """Run all cleanups of the layer, newest first, whatever each raises."""
    if not self._stack:
        return
    layer = self._stack[0]
    on_error = getattr(self, "on_cleanup_error", self.print_cleanup_error)
    first: BaseException | None = None
    for cleanup in reversed(layer.get("@cleanups", [])):
        try:
            cleanup()
        except BaseException as caught:  # noqa: BLE001 - the other cleanups must run
            error: BaseException = caught
            if not isinstance(error, Exception | KeyboardInterrupt):
                error = exited(caught, "a cleanup")
            self._root["cleanup_errors"] += 1
            first = first or error
            if type(self).avow_cleanup_failed is not None:
                type(self).avow_cleanup_failed(cleanup, error, layer.get("@layer", ""))
            if isinstance(error, Exception):
                on_error(self, cleanup, error)
    layer["@cleanups"] = []
    if first is not None and self.fail_on_cleanup_errors:
        if isinstance(first, Exception):
            raise first
        raise RuntimeError("a cleanup was interrupted") from first


# -- 1. Context


class _Where(tuple[Any, ...]):
    """Where an attribute was set: (file, line, function); the fourth, its source, is read when
    asked.
    """

    __slots__ = ()

    def __getitem__(self, index: Any) -> Any:
        if index == 3:
            return linecache.getline(self[0], self[1]).strip()
        return tuple.__getitem__(self, index)


def _patch_context() -> None:
    from behave.runner import Context, ContextMode

    def __setattr__(self: Any, attr: str, value: Any) -> None:
        if attr[0] == "_":
            self.__dict__[attr] = value
            return
        stack = self._stack
        for frame in stack[1:]:
            # Only masking between behave and the user warns; what it says is worked out then.
            if attr in frame and (
                self._mode is not self._origin[attr] or self._mode is ContextMode.USER
            ):
                record = self._record[attr]
                self._emit_warning(
                    attr,
                    {
                        "attr": attr,
                        "filename": record[0],
                        "line": record[1],
                        "function": record[3],
                    },
                )
        caller = sys._getframe(1)
        code = caller.f_code
        self._record[attr] = _Where((code.co_filename, caller.f_lineno, code.co_name))
        stack[0][attr] = value
        if attr not in self._origin:
            self._origin[attr] = self._mode

    Context.__setattr__ = __setattr__


# -- 2. Status


def _patch_status() -> None:
    from behave.model_type import Status

    def __eq__(self: Any, other: object) -> Any:
        if self is other:
            return True
        if isinstance(other, str):
            return self._name_ == other
        return NotImplemented

    # dict keys and sets of statuses are looked up by this hash.
    def __hash__(self: Any) -> int:
        return hash(self._value_)

    Status.__eq__ = __eq__
    Status.__hash__ = __hash__
    for name in ("is_passed", "is_failure", "is_error", "is_hook_error", "is_untested"):
        setattr(Status, name, _answers(Status, name))
    for name in ("is_pending", "is_undefined", "is_final", "has_failed"):
        setattr(Status, name, _answers(Status, name))


def _answers(kind: Any, name: str) -> Callable[[Any], bool]:
    """Ask the original once per member and remember: a status never changes its nature."""
    original = getattr(kind, name)
    yes = frozenset(member._value_ for member in kind if original(member))

    @functools.wraps(original)
    def answer(self: Any) -> bool:
        return self._value_ in yes

    return answer


# -- 3. relative paths, 5. locations


def _patch_paths() -> None:
    from behave import matchers, model_core, model_type

    original = model_type.make_relpath_if_possible
    known: dict[tuple[str, str], str] = {}

    @functools.wraps(original)
    def make_relpath_if_possible(filename: str, base_directory: str | None = None) -> str:
        key = (filename, base_directory or os.getcwd())  # noqa: PTH109 - hot
        found = known.get(key)
        if found is None:
            found = known[key] = original(*key)
        return found

    model_type.make_relpath_if_possible = make_relpath_if_possible
    model_core.make_relpath_if_possible = make_relpath_if_possible

    make_location = matchers.Match.make_location
    places: dict[Any, tuple[str, Any]] = {}

    @functools.wraps(make_location)
    def cached_location(step_function: Any) -> Any:
        cwd = os.getcwd()  # noqa: PTH109 - hot
        try:
            found = places.get(step_function)
        except TypeError:  # a callable that cannot be hashed
            return make_location(step_function)
        if found is None or found[0] != cwd:
            found = places[step_function] = (cwd, make_location(step_function))
        return found[1]

    matchers.Match.make_location = staticmethod(cached_location)


# -- 4. capture


def _patch_capture() -> None:
    from behave import capture

    controller = capture.CaptureController
    bookmark = capture.CaptureBookmark
    nothing = capture.NO_CAPTURED_DATA
    make_delta = controller.make_captured_delta

    # Buffers only grow, so their sizes tell whether anything came since the last look.
    def sizes(self: Any) -> tuple[int, int, int]:
        out, err, log = self.capture_stdout, self.capture_stderr, self.capture_log
        return (
            0 if out is None else out.tell(),
            0 if err is None else err.tell(),
            0 if log is None else len(log.buffer),
        )

    def setup_capture(self: Any, context: Any = None, name: str | None = None) -> None:
        self.avow_seen = (0, 0, 0)
        original_setup(self, context, name)

    def update_delta_bookmark(self: Any) -> None:
        now = sizes(self)
        if now != getattr(self, "avow_seen", None):
            self.avow_seen = now
            original_update(self)
        elif not any(now):
            self.delta_bookmark = bookmark()

    def make_captured_delta(self: Any, failed: Any = None, name: Any = None) -> Any:
        now = sizes(self)
        self.avow_delta = nothing
        if not any(now) or now == getattr(self, "avow_seen", None):
            return nothing
        self.avow_seen = now
        delta = make_delta(self, failed=failed, name=name)
        self.avow_delta = delta
        return delta

    def make_captured(self: Any, failed: Any = None, name: Any = None) -> Any:
        return original_make(self, failed, name) if any(sizes(self)) else nothing

    original_setup = controller.setup_capture
    original_update = controller.update_delta_bookmark
    original_make = controller.make_captured
    for function, original in (
        (setup_capture, original_setup),
        (update_delta_bookmark, original_update),
        (make_captured_delta, make_delta),
        (make_captured, original_make),
    ):
        setattr(controller, original.__name__, functools.wraps(original)(function))


# -- the line that behave prints before every run


def hush_runner_line() -> None:
    """Keep behave from printing `USING RUNNER: ...`, which is no news to whoever configured it."""
    for name in ("behave.__main__", "__main__"):
        module = sys.modules.get(name)
        if module is None or not hasattr(module, "run_behave"):
            continue

        def quiet(*words: object, module: Any = module, **options: Any) -> None:
            if words and str(words[0]).startswith("USING RUNNER:"):
                module.__dict__.pop("print", None)
                return
            print(*words, **options)  # noqa: T201 - stands in for behave's own print

        module.__dict__["print"] = quiet
