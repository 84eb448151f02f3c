"""Pages that run: fenced blocks with a `title="path"` are files, `console` blocks are commands.

A line after a command must be in its output; `...` stands for anything. `exit=1` in the first line
of a block is the exit
code that its last command must have.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    language: str
    info: dict[str, str]
    text: str


def section(page: str, heading: str) -> str:
    """Return the part of a page under a heading, up to the next heading of its level."""
    level = len(heading) - len(heading.lstrip("#"))
    start = page.index(heading + "\n")
    end = re.compile(rf"^#{{1,{level}}} ", re.MULTILINE).search(page, start + len(heading))
    return page[start : end.start() if end else len(page)]


def blocks(text: str) -> list[Block]:
    found = []
    for language, info, body in _FENCE.findall(text):
        words = dict(re.findall(r'(\w+)="?([^"\s]+)"?', info))
        found.append(Block(language, words, body))
    return found


class Reader:
    """Does what a page says, exactly as written, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.home = self.folder = folder
        self.env = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "VIRTUAL_ENV": sys.prefix,
            "COLUMNS": "120",
        }

    def follow(self, text: str) -> int:
        done = 0
        for block in blocks(text):
            if "title" in block.info:
                path = self.folder / block.info["title"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, "utf-8")
                done += 1
            elif block.language == "console":
                self._console(block)
                done += 1
        return done

    def _console(self, block: Block) -> None:
        commands = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
        for number, command in enumerate(commands, 1):
            line, _, expected = command.partition("\n")
            code, output = self._shell(line)
            wanted_code = int(block.info.get("exit", 0)) if number == len(commands) else 0
            assert code == wanted_code, f"$ {line}\nended with {code}:\n{output}"
            for piece in expected.splitlines():
                for part in filter(None, (part.strip() for part in piece.split("..."))):
                    assert part in output, f"$ {line}\ndid not print {part!r}:\n{output}"

    def _shell(self, line: str) -> tuple[int, str]:
        # The shell tells its folder at the end, so that `cd` lasts.
        place = self.home / ".folder"
        done = subprocess.run(
            ["bash", "-c", f"{line}\ncode=$?; pwd > {place}; exit $code"],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        if place.is_file():
            self.folder = Path(place.read_text().strip())
        return done.returncode, done.stdout
