"""A worker's stack: PostgreSQL, Kafka, mail, objects and a stub; one, two and four of them at once.

Seconds from nothing to "all can be used", the best of three; MiB are the proportional set sizes of
all their processes, and the data that lies in memory.
"""

from __future__ import annotations

import re
import tempfile
import threading
import time
from pathlib import Path

from avow import config
from avow.processes import Journal, Reaper, reaper
from avow.services.stack import Stack

ROUNDS = 3
SUITE = """
[suite]
name = "bench"
[services.db]
kind = "postgres"
[services.orders]
kind = "kafka"
topics = ["orders", "orders.dead-letter"]
[services.mail]
kind = "smtp"
[services.receipts]
kind = "s3"
buckets = ["receipts"]
[services.stripe]
kind = "stub"
"""
#: For one stack, the seconds that the whole start-up budget of 2 s leaves to services.
TARGETS = {1: "<= 1.5", 2: "", 4: ""}


def main() -> list[tuple[str, float, str, str]]:
    rows: list[tuple[str, float, str, str]] = []
    with tempfile.TemporaryDirectory(prefix="avow-bench-") as folder:
        root = Path(folder)
        (root / "avow.toml").write_text(SUITE)
        settings = config.load(root)
        once(settings, root / "warm", 1)
        for count in (1, 2, 4):
            rounds = [once(settings, root / f"{count}-{n}", count) for n in range(ROUNDS)]
            what = f"{count} stack{'s' if count > 1 else ''} at once"
            rows.append((what, min(each[0] for each in rounds), "s", TARGETS[count]))
            rows.append((f"{what}, each", rounds[-1][1] / count, "MiB", ""))
            rows.append((f"{what}, stopped in", min(each[2] for each in rounds), "s", ""))
    return rows


def once(settings: config.Settings, run: Path, count: int) -> tuple[float, float, float]:
    """Return seconds until all are up, MiB while they are, seconds until all are gone."""
    journal = Journal(run / "journal.jsonl")
    watching = Reaper.start(journal)
    stacks: list[Stack] = []

    def start(slot: int) -> None:
        stacks.append(Stack.start(settings, slot=slot, run_dir=run, journal=journal))

    try:
        begun = time.perf_counter()
        together([threading.Thread(target=start, args=[slot]) for slot in range(count)])
        up = time.perf_counter() - begun
        assert len(stacks) == count
        size = mebibytes(journal)
        begun = time.perf_counter()
        together([threading.Thread(target=stack.stop) for stack in stacks])
        return up, size, time.perf_counter() - begun
    finally:
        watching.close()
        journal.close()


def together(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def mebibytes(journal: Journal) -> float:
    kibibytes = 0
    for pid in reaper._marked(journal.token):
        rollup = Path(f"/proc/{pid}/smaps_rollup")
        if rollup.exists() and (
            found := re.search(r"^Pss:\s+(\d+) kB", rollup.read_text(), re.MULTILINE)
        ):
            kibibytes += int(found[1])
    for directory in reaper.read(str(journal.path)).directories.values():
        if directory.startswith("/dev/shm"):
            files = (each.lstat() for each in Path(directory).rglob("*"))
            kibibytes += sum(each.st_blocks for each in files) // 2
    return kibibytes / 1024


if __name__ == "__main__":
    for row in main():
        print(row)
