"""Processes that a run starts, and the promise that none of them outlives it.

    Journal  what the run owns, written before it exists
    Child    one program in a session of its own, its output in a file
    Reaper   a process outside all: when the run is gone, so is what the journal lists
    ports    an address that is ours until our own child listens on it

POSIX only; nothing here forks without an exec.
"""

from __future__ import annotations

from avow.processes.child import Child, Ended
from avow.processes.journal import Journal
from avow.processes.ports import HeldPort, clashed, hold, listening
from avow.processes.reaping import Reaper

__all__ = ["Child", "Ended", "HeldPort", "Journal", "Reaper", "clashed", "hold", "listening"]
