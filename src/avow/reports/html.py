"""The HTML report: one file that opens from disk, works offline and tells nobody about it.

    Allure 3 by Node.js  -->  else Allure 2 (>= 2.45) by Java  -->  else one line on how to get it

Nothing is downloaded but Allure 3 itself, once, in one pinned version.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from avow.core.text import shortened
from avow.reports import node as nodejs
from avow.reports.allure.run_files import CATEGORIES

#: Seconds for building; 1000 scenarios take about five.
BUILD_WITHIN = 600
#: Older ones copied files from outside of the results and ran script out of messages.
OLDEST_ALLURE_2 = (2, 45)
#: Labels that are the same on every scenario, or shown elsewhere.
HIDDEN_LABELS = ["framework", "language", "package", "parentSuite", "suite", "subSuite"]
_ANALYTICS = re.compile(
    rb'<script[^>]*\ssrc="https://www\.googletagmanager\.com/[^"]*"[^>]*>\s*</script>'
    rb"(?:\s*<script[^>]*>(?:(?!</script>).)*?gtag\((?:(?!</script>).)*</script>)?",
    re.DOTALL,
)


class Built(msgspec.Struct, frozen=True):
    """A report; `tool` is what made it."""

    path: Path
    tool: str


class NotBuilt(msgspec.Struct, frozen=True):
    """No report. `harmless`: a tool is missing, the results are as good as ever."""

    message: str
    harmless: bool = True


def build(
    results: Path, out: Path, *, name: str = "", environ: Mapping[str, str] | None = None
) -> Built | NotBuilt:
    """Make `out`/index.html from the results. Blocks for seconds; a missing tool raises nothing."""
    environ = os.environ if environ is None else environ
    results, out = results.resolve(), out.resolve()
    if not any(results.glob("*-result.json")):
        return NotBuilt(f"There are no results in {results} yet. Run: behave", harmless=False)
    missing = []
    node = nodejs.find(environ)
    if node is None:
        missing.append(f"no Node.js >= {nodejs.OLDEST_NODE} was found")
    else:
        script = nodejs.allure(results, environ)
        if script is None:
            problem = nodejs.install(node, environ)
            script = nodejs.allure(results, environ)
            if script is None:
                missing.append(f"npm could not install allure@{nodejs.ALLURE} ({problem})")
        if script is not None:
            return _by_allure_3(node, script, results, out, name, environ)
    command, problem = _allure_2(results, environ)
    if command:
        return _by_allure_2(command, results, out, environ)
    missing.append(problem)
    return NotBuilt(
        f"No HTML report: {'; '.join(missing)}. The results are in {results}. "
        "Get it with: pip install 'avow[report]' && avow report"
    )


def without_analytics(page: bytes) -> bytes:
    """Return the page without the script that tells Google who opens it."""
    if b"googletagmanager" not in page:
        return page
    return _ANALYTICS.sub(b"", page)


def configuration(results: Path, name: str) -> str:
    """Return the text of Allure 3's configuration, a JavaScript module."""
    try:
        categories = json.loads((results / "categories.json").read_bytes())
    except (OSError, ValueError):
        categories = CATEGORIES
    plain = {
        "name": name or _suite(results) or "Acceptance tests",
        "hideLabels": HIDDEN_LABELS,
        "categories": {"rules": categories},
        "plugins": {"awesome": {"options": {"singleFile": True, "reportLanguage": "en"}}},
    }
    return f"export default {json.dumps(plain)};\n"


def _suite(results: Path) -> str:
    try:
        text = (results / "environment.properties").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    found = re.search(r"^suite=(.*)$", text, re.MULTILINE)
    return found[1].encode("ascii", "replace").decode("unicode_escape") if found else ""


def _by_allure_3(
    node: nodejs.Node, script: Path, results: Path, out: Path, name: str, environ: Mapping[str, str]
) -> Built | NotBuilt:
    with tempfile.TemporaryDirectory(prefix="avow-report-") as temporary:
        folder = Path(temporary)
        (folder / "allurerc.mjs").write_text(configuration(results, name), encoding="utf-8")
        command = [node.program, str(script), "generate", "--config", str(folder / "allurerc.mjs")]
        command += ["--cwd", str(folder), "--output", str(folder / "report"), str(results)]
        problem = _run(command, folder, environ)
        return problem or _publish(folder / "report", out, f"Allure 3 ({script.parent})")


def _by_allure_2(
    command: list[str], results: Path, out: Path, environ: Mapping[str, str]
) -> Built | NotBuilt:
    with tempfile.TemporaryDirectory(prefix="avow-report-") as temporary:
        folder = Path(temporary)
        problem = _run(
            [
                *command,
                "generate",
                "--single-file",
                "--output",
                str(folder / "report"),
                str(results),
            ],
            folder,
            {**environ, "ALLURE_NO_ANALYTICS": "true"},
        )
        return problem or _publish(folder / "report", out, f"Allure 2 ({command[0]})")


def _run(command: list[str], folder: Path, environ: Mapping[str, str]) -> NotBuilt | None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=dict(environ),
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=BUILD_WITHIN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return NotBuilt(f"Allure was not done after {BUILD_WITHIN} s.", harmless=False)
    except OSError as error:
        return NotBuilt(f"{command[0]} could not be started: {error}", harmless=False)
    if done.returncode or not (folder / "report" / "index.html").is_file():
        lines = (done.stderr or done.stdout).splitlines()
        # A stack trace follows its reason.
        lines = [line for line in lines if line.strip() and not line.lstrip().startswith("at ")]
        told = "\n".join(f"  {shortened(line)}" for line in lines[-5:])
        return NotBuilt(
            f"Allure ended with exit code {done.returncode} and made no report. It said:\n{told}",
            harmless=False,
        )
    return None


def _publish(made: Path, out: Path, tool: str) -> Built | NotBuilt:
    page = out / "index.html"
    try:
        out.mkdir(parents=True, exist_ok=True)
        fresh = out / "index.html.tmp"
        fresh.write_bytes(without_analytics((made / "index.html").read_bytes()))
        fresh.replace(page)
    except OSError as error:
        return NotBuilt(f"{page} could not be written: {error.strerror}", harmless=False)
    return Built(page, tool)


def _allure_2(results: Path, environ: Mapping[str, str]) -> tuple[list[str], str]:
    """Return the command of an Allure 2 that is safe to use, or why there is none."""
    path = environ.get("PATH", "")
    if not shutil.which("java", path=path) and not environ.get("JAVA_HOME"):
        return [], "no Java"
    found = shutil.which("allure", path=path)
    candidates = [found] if found else []
    candidates += [
        str(folder / "node_modules" / "allure-commandline" / "dist" / "bin" / "allure")
        for folder in (results, *results.parents)
    ]
    oldest = ".".join(map(str, OLDEST_ALLURE_2))
    problem = f"no Allure 2 >= {oldest} for Java"
    for candidate in candidates:
        version = _version(candidate, environ) if Path(candidate).is_file() else ()
        if version >= OLDEST_ALLURE_2:
            return [candidate], ""
        if version:
            told = ".".join(map(str, version))
            problem = (
                f"Allure {told} at {candidate} is older than {oldest}, which runs script of pages"
            )
    return [], problem


def _version(program: str, environ: Mapping[str, str]) -> tuple[int, ...]:
    try:
        told = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=dict(environ),
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", told)
    return tuple(int(part) for part in found.groups() if part is not None) if found else ()
