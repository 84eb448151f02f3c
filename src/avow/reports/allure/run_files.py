"""What a results directory says of the whole run, beside its scenarios.

Environment, executor, categories, and trouble outside of any scenario, which must not look green.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping

import msgspec

from avow.core.events import RunStarted, RunTrouble
from avow.core.text import printable
from avow.reports.allure.files import Directory, identifier
from avow.reports.allure.model import (
    GlobalAttachment,
    GlobalError,
    Globals,
    Label,
    StatusDetails,
    TestResult,
    encode,
)
from avow.reports.allure.traces import without_machinery

# Java matches the whole message with these, JavaScript any part of it, and neither knows the
# other's inline flags; [\s\S]* is any text in both.
_ANY = r"[\s\S]*"

#: The first that matches counts. The names say who has to act.
CATEGORIES: list[dict[str, object]] = [
    {
        "name": "Environment: a service or its host",
        "matchedStatuses": ["broken"],
        "messageRegex": _ANY + r"(did not (come up|answer|start)|was lost|refused the connection|"
        r"EnvironmentProblem|No space left)" + _ANY,
    },
    {
        "name": "Ended from outside: killed, crashed or out of time",
        "matchedStatuses": ["broken"],
        "messageRegex": _ANY
        + r"([Tt]he worker (was )?(ended|killed|lost)|took longer than \[timeouts\])"
        + _ANY,
    },
    {
        "name": "Not written yet: no phrase says this step",
        "matchedStatuses": ["broken"],
        "messageRegex": _ANY + r"([Uu]ndefined|[Nn]o phrase|[Nn]ot implemented)" + _ANY,
    },
    {"name": "Product defects: the system did something else", "matchedStatuses": ["failed"]},
    {"name": "Suite problems: the test itself is wrong", "matchedStatuses": ["broken"]},
]


class RunFiles:
    """Writes the run's own files, each whole, again whenever there is more to say."""

    def __init__(self, directory: Directory, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._environment = dict(environment)
        self._run = ""
        self._suite = ""
        self._errors: list[GlobalError] = []
        self._attachments: list[GlobalAttachment] = []

    def start(self, started: RunStarted, environ: Mapping[str, str] | None = None) -> None:
        self._run, self._suite = started.run, started.suite
        self._directory.replace(
            "environment.properties", _properties(self._facts(started)).encode("ascii")
        )
        self._directory.replace("categories.json", msgspec.json.encode(CATEGORIES))
        found = executor(os.environ if environ is None else environ, started)
        if found:
            self._directory.replace("executor.json", msgspec.json.encode(found))

    def _facts(self, started: RunStarted) -> dict[str, str]:
        facts = {
            "suite": started.suite,
            "profile": started.profile,
            "seed": str(started.seed) if started.seed else "",
            "command": " ".join(started.command),
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "run": started.run,
        }
        facts |= {f"service.{name}": what for name, what in started.services.items()}
        facts |= started.environment
        facts |= self._environment
        return {name: value for name, value in facts.items() if value}

    def attachment(self, name: str, source: str, mime: str, at: float) -> None:
        """Show what user code attached outside of any scenario."""
        self._attachments.append(GlobalAttachment(printable(name), source, mime, round(at * 1000)))
        self._globals()

    def trouble(self, event: RunTrouble) -> None:
        """Show trouble outside of any scenario: as a global error, and as a result of its own."""
        message = printable(event.trouble.message)
        trace = printable(without_machinery(event.trouble.trace)) or None
        at = round(event.at * 1000)
        self._errors.append(
            GlobalError(message=f"{printable(event.where)}: {message}", trace=trace, timestamp=at)
        )
        self._globals()
        number = len(self._errors)
        uuid = identifier(self._run, "trouble", event.where, number)
        self._directory.replace(
            f"{uuid}-result.json",
            encode(
                TestResult(
                    uuid=uuid,
                    historyId=identifier(self._suite, "trouble", event.where, number),
                    testCaseId=identifier(self._suite, "trouble", event.where, number),
                    name=f"{printable(event.where)} (outside of any scenario)",
                    fullName=f"run: {printable(event.where)}",
                    status="failed" if event.trouble.status == "failed" else "broken",
                    statusDetails=StatusDetails(message=message, trace=trace),
                    titlePath=["The run itself"],
                    labels=[
                        Label("suite", "The run itself"),
                        Label("feature", "The run itself"),
                        Label("severity", "critical"),
                        Label("framework", "behave"),
                    ],
                    start=at,
                    stop=at,
                )
            ),
        )

    def _globals(self) -> None:
        self._directory.replace(
            f"{identifier(self._run, 'globals')}-globals.json",
            encode(Globals(attachments=self._attachments, errors=self._errors)),
        )


def executor(environ: Mapping[str, str], started: RunStarted) -> dict[str, object]:
    """Return who ran this, from the variables of GitHub, GitLab and Jenkins that hold no secret."""
    if environ.get("GITHUB_ACTIONS"):
        repository = (
            f"{environ.get('GITHUB_SERVER_URL', 'https://github.com')}/"
            f"{environ.get('GITHUB_REPOSITORY', '')}"
        )
        return _executor(
            "GitHub Actions",
            "github",
            environ.get("GITHUB_RUN_NUMBER"),
            f"{environ.get('GITHUB_WORKFLOW', 'run')} #{environ.get('GITHUB_RUN_NUMBER', '?')}",
            f"{repository}/actions/runs/{environ.get('GITHUB_RUN_ID', '')}",
            started,
        )
    if environ.get("GITLAB_CI"):
        return _executor(
            "GitLab CI",
            "gitlab",
            environ.get("CI_PIPELINE_IID"),
            f"{environ.get('CI_JOB_NAME', 'job')} #{environ.get('CI_PIPELINE_IID', '?')}",
            environ.get("CI_JOB_URL") or environ.get("CI_PIPELINE_URL", ""),
            started,
        )
    if environ.get("JENKINS_URL"):
        return _executor(
            "Jenkins",
            "jenkins",
            environ.get("BUILD_NUMBER"),
            f"{environ.get('JOB_NAME', 'job')} #{environ.get('BUILD_NUMBER', '?')}",
            environ.get("BUILD_URL", ""),
            started,
        )
    return {}


def _executor(
    name: str, kind: str, order: str | None, build: str, url: str, started: RunStarted
) -> dict[str, object]:
    found: dict[str, object] = {
        "name": name,
        "type": kind,
        "buildName": printable(build),
        "reportName": f"avow: {printable(started.suite)}",
    }
    if order and order.isdigit():
        found["buildOrder"] = int(order)
    if url.startswith(("http://", "https://")):
        found["buildUrl"] = url
    return found


def _properties(facts: Mapping[str, str]) -> str:
    return "".join(f"{_escaped(name, key=True)}={_escaped(text)}\n" for name, text in facts.items())


def _escaped(text: str, *, key: bool = False) -> str:
    # java.util.Properties reads ISO 8859-1: everything else is written as UTF-16 escapes.
    found = []
    for character in printable(text).replace("\\", "\\\\").replace("\n", " ").replace("\t", " "):
        if key and character in " :=#!":
            found.append("\\" + character)
        elif " " <= character <= "~":
            found.append(character)
        else:
            units = character.encode("utf-16-be", "surrogatepass")
            found += [f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)]
    return "".join(found)
