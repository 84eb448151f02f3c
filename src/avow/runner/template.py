"""The template: loads the user's hooks and steps once, checks them, and forks a worker whenever one
is wanted.

    python -m avow.runner.template FD      FD: a socket to the coordinator

It is the only process of a run that forks, so it has to have one native thread: a thread that
another library started would be missing in the child, with its locks still held. It also reaps
the workers and tells how they ended. Code that exits or hangs at import ends or hangs this
process only.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import pickle
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from avow.core.errors import AvowError
from avow.runner import engine, features, notices, suite, worker
from avow.runner.greeting import Greeting, configuration
from avow.runner.slots import DUMP
from avow.runner.suite import SuiteRunner
from avow.runner.wire import Wire


def main(arguments: list[str]) -> None:
    # What the suite starts while it loads must not keep the line to the coordinator open.
    os.set_inheritable(int(arguments[0]), False)
    wire = Wire(socket.socket(fileno=int(arguments[0])))
    _show_stacks()
    data = wire.wait()
    if data is None:
        return
    greeting: Greeting = pickle.loads(data)
    teller = worker.Teller(wire)
    real = sys.stdout, sys.stderr
    sys.stdout = worker.Printer(teller, bytes)
    sys.stderr = worker.Printer(teller, bytes, is_error=True)
    engine.patch()
    runner = SuiteRunner(configuration(greeting.config))
    runner.path_manager.__enter__()

    def loading(file: str) -> None:
        _check_threads()
        teller.say(notices.Loading(file))
        teller.flush()

    read: dict[str, Any] = {}
    try:
        runner.setup_paths()
        runner.load(loading)
        _check_threads()
        problem = _check(runner, greeting, read)
        loaded = notices.Loaded(threads=suite.threads()) if problem is None else _bad(problem)
    except AvowError as error:
        loaded = _bad(error)
    teller.say(loaded)
    teller.flush()
    sys.stdout, sys.stderr = real
    if loaded.page:
        return
    _serve(wire, runner, greeting, read)


def _show_stacks() -> None:
    """Have the log hold where the suite's code is, should it never come back."""
    if hasattr(faulthandler, "register"):
        faulthandler.register(DUMP, file=2, all_threads=True)


def _bad(error: AvowError) -> notices.Loaded:
    return notices.Loaded(str(error), error.exit_code)


def _check_threads() -> None:
    count = suite.threads()
    if count == 1:
        return
    import threading

    names = ", ".join(
        f"{thread.name!r}"
        for thread in threading.enumerate()
        if thread is not threading.main_thread()
    )
    native = count - threading.active_count()
    what = [names] if names else []
    if native > 0:
        what.append(f"{native} of native code")
    raise suite.LoadError(
        f"loading the suite started threads ({'; '.join(what)}); a process with threads cannot be "
        f"forked safely",
        where=_last_loaded(),
        advice="Start it on first use or in before_all; or run with -D avow.inline. "
        "numpy and its like stay with one thread under OPENBLAS_NUM_THREADS=1.",
    )


def _last_loaded() -> str:
    """Return the newest module of the suite or with native code: the likely one."""
    base = str(Path.cwd())
    for name, module in reversed(list(sys.modules.items())):
        file = getattr(module, "__file__", None) or ""
        if file.endswith((".so", ".dylib")) and "lib-dynload" not in file:
            return name.partition(".")[0]
        if file.startswith(base):
            return os.path.relpath(file)
    return ""


def _check(runner: SuiteRunner, greeting: Greeting, read: dict[str, Any]) -> AvowError | None:
    """Look every selected step up before anything runs; return what is wrong with them, on one
    page.
    """
    from avow.runner.precheck import Precheck, Selected

    check = Precheck()
    seen = 0
    for file, lines in greeting.selected.items():
        feature = features.parse(file, runner.config.lang)
        found = {} if feature is None else features.by_line(feature)
        check.feature(Selected(found[line] for line in lines if line in found))
        if greeting.keep:
            read[file] = found
        else:
            seen += 1
            features.tidy(seen)
    return check.problem()


# -- forking


def _serve(wire: Wire, runner: SuiteRunner, greeting: Greeting, read: dict[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    woken, waker = socket.socketpair()
    woken.setblocking(False)
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    gc.collect()
    # Pages that the collector never writes to stay shared with the workers.
    gc.freeze()
    with selectors.DefaultSelector() as selector:
        selector.register(wire, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while not wire.is_closed:
            selector.select()
            for message in wire.receive():
                command = notices.decode_command(message)
                if isinstance(command, notices.Fork):
                    end, log = wire.descriptors.pop(0), wire.descriptors.pop(0)
                    pid = os.fork()
                    if pid == 0:
                        selector.close()
                        _become_worker(wire, woken, waker, end, log, runner, greeting, read)
                    os.close(end)
                    os.close(log)
                    wire.send(notices.encode(notices.Forked(command.slot, pid)))
                elif isinstance(command, notices.Stop):
                    wire.close()
            _drain(woken)
            _reap(wire)


def _become_worker(
    wire: Wire,
    woken: socket.socket,
    waker: socket.socket,
    end: int,
    log: int,
    runner: SuiteRunner,
    greeting: Greeting,
    read: dict[str, Any],
) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for each in (wire, woken, waker):
        each.close()
    worker.main(
        Wire(socket.socket(fileno=end)),
        log,
        runner,
        greeting.settings,
        Path(greeting.root),
        greeting.run,
        read,
    )


def _drain(woken: socket.socket) -> None:
    try:
        while woken.recv(4096):
            pass
    except BlockingIOError:
        pass


def _reap(wire: Wire) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        wire.send(notices.encode(notices.Ended(pid, status)))


if __name__ == "__main__":
    main(sys.argv[1:])
