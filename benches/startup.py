"""From nothing to services that can be used, and from `behave` to the first scenario's first step.

Warm is every run on a machine but the first; cold is the first: no template of a database yet.
The best of a few rounds, since other work on the machine only ever adds.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from avow import config
from avow.processes import Journal, Reaper
from avow.services.stack import Stack

ROUNDS = 5
SERVICES = {
    "postgres": '[services.db]\nkind = "postgres"',
    "kafka": '[services.orders]\nkind = "kafka"\ntopics = ["orders", "orders.dead-letter"]',
    "redis": '[services.cache]\nkind = "redis"',
    "smtp": '[services.mail]\nkind = "smtp"',
    "s3": '[services.receipts]\nkind = "s3"\nbuckets = ["receipts"]',
    "stub": '[services.stripe]\nkind = "stub"',
}
ALL = "\n".join(
    [
        *SERVICES.values(),
        '[services.jobs]\nkind = "sqs"\nqueues = ["jobs"]',
        '[services.news]\nkind = "sns"\ntopics = ["news"]',
        '[services.parameters]\nkind = "ssm"\nparameters = { "/shop/key" = "a value" }',
    ]
)

Row = tuple[str, float, str, str]


def main() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="avow-bench-") as folder:
        root = Path(folder)
        cold = [seconds(root / "cold", ALL, cache=root / f"cache-{n}") for n in range(2)]
        rows: list[Row] = [
            ("all embedded services, warm", best(root, ALL), "s", "<= 1.5"),
            ("all embedded services, cold", min(cold), "s", "<= 5"),
        ]
        rows += [
            (f"{kind} alone, warm", best(root, text), "s", "<= 0.3" if kind == "postgres" else "")
            for kind, text in SERVICES.items()
        ]
        memory = os.environ.get("AVOW_MEMORY_DISK")
        os.environ["AVOW_MEMORY_DISK"] = ""
        try:
            on_disk = best(root, SERVICES["postgres"])
            rows.append(("postgres alone, warm, data on disk", on_disk, "s", ""))
        finally:
            os.environ.pop("AVOW_MEMORY_DISK")
            if memory is not None:
                os.environ["AVOW_MEMORY_DISK"] = memory
            rows += behave(root)
    return rows + commands()


def commands() -> list[Row]:
    """What avow adds to the interpreter's own start, and its help."""
    bare = command([sys.executable, "-c", "pass"])
    return [
        ("import avow, over the interpreter", command([sys.executable, "-c", "import avow"]) - bare,
         "ms", "<= 60"),
        ("avow --help", command([str(Path(sys.executable).with_name("avow")), "--help"]), "ms",
         "<= 150"),
    ]  # fmt: skip


def command(words: list[str]) -> float:
    taken = []
    for _ in range(11):
        started = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1000


def best(root: Path, services: str) -> float:
    return min(seconds(root / "suite", services) for _ in range(ROUNDS))


def seconds(root: Path, services: str, cache: Path | None = None) -> float:
    """Return the seconds from the start of the reaper until all services are up."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    (root / "avow.toml").write_text(f'[suite]\nname = "bench"\n{services}\n')
    settings = config.load(root)
    asked = os.environ.get("AVOW_CACHE")
    if cache is not None:
        os.environ["AVOW_CACHE"] = str(cache)
    try:
        begun = time.perf_counter()
        journal = Journal(root / "run" / "journal.jsonl")
        watching = Reaper.start(journal)
        stack = Stack.start(settings, run_dir=root / "run", journal=journal)
        watching.confirm()
        taken = time.perf_counter() - begun
    finally:
        os.environ.pop("AVOW_CACHE", None)
        if asked is not None:
            os.environ["AVOW_CACHE"] = asked
    stack.stop()
    watching.close()
    journal.close()
    return taken


FIRST_STEP = """
import time
from pathlib import Path
from behave import given

@given("a first step")
def first_step(context):
    Path("first-step").write_text(str(time.time()))
"""


def behave(root: Path) -> list[Row]:
    """Type `behave` in a suite with all services; the step itself tells when it began."""
    suite = root / "behave"
    for folder in ("features", "steps"):
        (suite / folder).mkdir(parents=True)
    (suite / "avow.toml").write_text(f'[suite]\nname = "bench"\n{ALL}\n')
    (suite / "pyproject.toml").write_text(
        '[tool.behave]\npaths = ["features"]\nrunner = "avow.runner:Runner"\n'
    )
    (suite / "features" / "a.feature").write_text(
        "Feature: F\n  Scenario: S\n    Given a first step\n"
    )
    (suite / "steps" / "first.py").write_text(FIRST_STEP)
    warm = min(first_step(suite) for _ in range(ROUNDS))
    cold = first_step(suite, cache=root / "behave-cache")
    return [
        ("behave to the first step, all services, warm", warm, "s", "<= 2"),
        ("behave to the first step, all services, cold", cold, "s", "<= 6"),
    ]


def first_step(suite: Path, cache: Path | None = None) -> float:
    environment = {**os.environ, **({"AVOW_CACHE": str(cache)} if cache else {})}
    began = suite / "first-step"
    began.unlink(missing_ok=True)
    started = time.time()
    done = subprocess.run(
        [sys.executable, "-m", "behave"],
        cwd=suite,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if not began.exists():
        raise RuntimeError(f"behave ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return float(began.read_text()) - started


if __name__ == "__main__":
    for row in main():
        print(row)
