"""The reaper: a program of its own that ends what a dead run left behind.

    coordinator --socket, never written to--> reaper
        | journal (file)                        | end of the socket: the coordinator is gone
        v                                       v
    db, broker, system under test  <--signals-- reads the journal: ends groups, removes directories

Run by path with `python -I -S`, so this file imports nothing of avow and little of the standard
library: it is up before the first service is. Signals that end its parent do not end it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress

#: In the environment of everything a run starts: one token per enclosing run, so that a run inside
#: a run belongs to both.
MARK = "AVOW_RUN"
GRACE = 0.5
PATIENCE = 10.0


def started_at(pid: int) -> str:
    """Return when a process started, in its kernel's words; "" for none (or a zombie).

    A pid alone may be somebody else's by now; a pid and its start are not.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - pathlib would double the start-up
            stat = file.read()
    except FileNotFoundError:
        return "" if os.path.isdir("/proc/self") else _started_by_ps(pid)  # noqa: PTH112
    except OSError:
        return ""
    # The name may hold spaces and parentheses; fields are counted from the last one (proc(5)).
    fields = stat[stat.rindex(b")") + 2 :].split()
    return "" if fields[0] in b"ZX" else fields[19].decode()


def _started_by_ps(pid: int) -> str:
    import subprocess

    answer = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    state, _, started = answer.partition(" ")
    return "" if state.startswith("Z") else started.strip()


class Owned:
    """What a journal says is still owned."""

    def __init__(self) -> None:
        self.token = ""
        self.processes: dict[int, dict[str, object]] = {}
        self.directories: dict[int, str] = {}


def read(path: str) -> Owned:
    """Read a journal; a torn last line, from a writer killed in the middle, is left out."""
    owned = Owned()
    with open(path, "rb") as lines:  # noqa: PTH123
        for line in lines:
            try:
                record = json.loads(line)
                what, number = record["what"], record.get("number", 0)
            except (ValueError, KeyError, TypeError):
                continue
            if what == "run":
                owned.token = record["token"]
            elif what == "process":
                owned.processes[number] = record
            elif what == "started" and number in owned.processes:
                owned.processes[number].update(record)
            elif what == "directory":
                owned.directories[number] = record["path"]
            elif what == "released":
                owned.processes.pop(number, None)
                owned.directories.pop(number, None)
    return owned


def _groups(owned: Owned) -> dict[int, int]:
    """Return the process groups to end, last started first, each with the signal it goes by."""
    groups = {}
    for _, record in sorted(owned.processes.items(), reverse=True):
        pid = record.get("pid")
        if isinstance(pid, int) and pid > 1 and started_at(pid) == record.get("began"):
            groups[pid] = int(str(record.get("polite", signal.SIGTERM)))
    return groups


def _marked(token: str) -> set[int]:
    """Return processes with the mark: they left their group, or were not written yet."""
    wanted = token.encode()
    found = set()
    for pid in _pids():
        if pid == os.getpid():
            continue
        mark = _mark_of(pid)
        if wanted in mark.split(b".") and started_at(pid):
            found.add(pid)
    return found


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    except FileNotFoundError:
        import subprocess

        listed = subprocess.run(
            ["ps", "-axo", "pid="], capture_output=True, text=True, check=False
        ).stdout
        return [int(word) for word in listed.split()]


def _mark_of(pid: int) -> bytes:
    prefix = MARK.encode() + b"="
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            words = file.read().split(b"\0")
    except FileNotFoundError:
        if os.path.isdir("/proc/self"):  # noqa: PTH112
            return b""
        import subprocess

        words = subprocess.run(
            ["ps", "-E", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
        ).stdout.split()
    except OSError:
        return b""
    return next((word[len(prefix) :] for word in words if word.startswith(prefix)), b"")


def _send(pid: int, number: int, *, group: bool) -> None:
    with suppress(OSError):
        (os.killpg if group else os.kill)(pid, number)


def reap(path: str) -> None:
    """End every process that the journal still owns, then remove its directories."""
    begun = time.monotonic()
    asked: set[int] = set()
    while time.monotonic() - begun < PATIENCE:
        # Read again each time: a worker that was just ended may have written until then.
        owned = read(path)
        groups = _groups(owned)
        strays = (_marked(owned.token) if owned.token else set()) - groups.keys()
        if not groups and not strays:
            break
        hard = time.monotonic() - begun > GRACE
        for pid, polite in groups.items():
            if hard or pid not in asked:
                _send(pid, signal.SIGKILL if hard else polite, group=True)
        for pid in strays:
            if hard or pid not in asked:
                _send(pid, signal.SIGKILL if hard else signal.SIGTERM, group=False)
        asked |= groups.keys() | strays
        time.sleep(0.01)  # noqa: TID251 - nothing of avow is imported here, its waiting included
    _remove(read(path).directories)


def _remove(directories: dict[int, str]) -> None:
    if not directories:
        return
    import shutil

    for path in directories.values():
        shutil.rmtree(path, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """Wait until the other end of the socket is gone, then reap."""
    descriptor, path = int(arguments[0]), arguments[1]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):  # A reset is an end as well.
        os.write(descriptor, b"r")
        while os.read(descriptor, 64):
            pass
    reap(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
