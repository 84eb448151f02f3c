"""A row of a bench, and the page they are written to."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """`target` is text ("<= 2.4"), or empty where none was set."""

    name: str
    value: float
    unit: str
    target: str = ""

    @property
    def verdict(self) -> str:
        sign, _, limit = self.target.partition(" ")
        if sign not in ("<=", ">="):
            return ""
        holds = self.value <= float(limit) if sign == "<=" else self.value >= float(limit)
        return "reached" if holds else "**not reached**"


class Times:
    """Collects rows from lists of milliseconds."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def __call__(self, name: str, times: list[float], target: str = "", worst: str = "") -> None:
        self.rows.append(Row(f"{name}, p50", statistics.median(times), "ms", target))
        if worst:
            self.rows.append(Row(f"{name}, longest", max(times), "ms", worst))


def milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in _cpuinfo().splitlines()
            if line.startswith("model name")
        ),
        platform.processor() or platform.machine(),
    )
    return f"{os.cpu_count()} x {model}, {platform.system()}, Python {platform.python_version()}"


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def page(sections: dict[str, list[Row]]) -> str:
    lines = [
        "# Results of `make bench`",
        "",
        f"{machine()}; commit {commit()}; {datetime.now(UTC):%Y-%m-%d}.",
        "Ratios are taken side by side in one run; seconds belong to this machine.",
    ]
    for title, rows in sections.items():
        lines += ["", f"## {title}", "", "| what | value | target | |", "|---|---|---|---|"]
        lines += [
            f"| {row.name} | {row.value:.4g} {row.unit} | {row.target} | {row.verdict} |".replace(
                "  ", " "
            )
            for row in rows
        ]
    return "\n".join(lines) + "\n"
