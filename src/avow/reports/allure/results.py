"""A scenario's record as Allure's files: one result, its evidence, a container where hooks count.

    ScenarioRecord --> <uuid>-attachment.txt ...   evidence, documents, tables
                   --> <uuid>-container.json       hooks and cleanups that failed
                   --> <uuid>-result.json          last, and whole

All names follow from run, scenario and attempt: writing a scenario again replaces it.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any, ParamSpec, TypeVar

from avow.core.entries import Entry
from avow.core.events import Attached, HookFailed, StepInfo, Trouble
from avow.core.text import plural, printable, shortened
from avow.reports.allure.files import Directory, identifier
from avow.reports.allure.labels import Marks
from avow.reports.allure.model import (
    Attachment,
    ExecutableItem,
    Parameter,
    StatusDetails,
    TestAfterResult,
    TestBeforeResult,
    TestResult,
    TestResultContainer,
    TestStepResult,
    encode,
)
from avow.reports.allure.traces import without_machinery
from avow.reports.evidence import details, document, exchange, tables, timeline
from avow.reports.evidence.looks import Seen, collapse
from avow.reports.record import Part, ScenarioRecord, StepRecord, SubStep

P = ParamSpec("P")
T = TypeVar("T")

#: Exchanges of one failing step that get a viewer of their own; the evidence has all of them.
MOST_VIEWERS = 12
#: Characters of captured output kept, from its end: what was printed last explains most.
MOST_OUTPUT = 256 * 1024
_LANGUAGE = f"{platform.python_implementation().lower()}{platform.python_version_tuple()[0]}"
#: A step that says this is about every effect that no step claimed.
_SILENCE = "nothing else happened"
_HEADING = re.compile(r"^-{4,}.*$|^CAPTURED \w+: \w+$", re.MULTILINE)
_VERDICT = re.compile(r"^(?:ASSERT FAILED|ERROR): *(?:\w+: *)?$", re.MULTILINE)
_ALLURE = {"passed": "passed", "failed": "failed", "skipped": "skipped"}


class ResultWriter:
    """Writes scenarios into a results directory. Problems are the directory's to tell."""

    def __init__(
        self,
        directory: Directory,
        *,
        links: Mapping[str, str],
        profile: str = "",
        passed_evidence: bool = True,
    ) -> None:
        self._directory = directory
        self._links = links
        self._passed_evidence = passed_evidence
        self.profile = profile

    def write(self, record: ScenarioRecord) -> str:
        """Write all files of a scenario; return the uuid of its result."""
        return _Scenario(
            record, self._directory, self._links, self.profile, self._passed_evidence
        ).write()


class _Scenario:
    def __init__(
        self,
        record: ScenarioRecord,
        directory: Directory,
        links: Mapping[str, str],
        profile: str,
        passed_evidence: bool,
    ) -> None:
        self._record = record
        self._directory = directory
        self._links = links
        self._profile = profile
        self._passed_evidence = passed_evidence
        self._uuid = identifier(record.run, record.scenario.id, record.attempt)
        self._attached = 0
        self._viewers = 0

    def write(self) -> str:
        record, info = self._record, self._record.scenario
        marks = self._marks()
        seen = collapse(record.entries)
        steps = [self._step(step) for step in record.steps]
        if record.unread:
            told = f"{plural(len(record.unread), 'effect')} came that no step looked at"
            steps.append(self._besides(told, "passed", record.unread))
        if record.late:
            told = f"{plural(len(record.late), 'effect')} arrived after the scenario's end"
            steps.append(self._besides(told, "unknown", record.late))
        steps += [
            TestStepResult(name=f"Note: {printable(note)}", status="unknown")
            for note in record.notes
        ]
        name = printable((info.name or info.keyword).strip())
        # One for both: Allure 2 joins retries by the one, Allure 3 by the other and the parameters.
        case = identifier(info.id, info.feature, self._profile)
        result = TestResult(
            uuid=self._uuid,
            historyId=case,
            testCaseId=case,
            fullName=f"{info.place.file}: {name}",
            name=name,
            status=_status(record.status),
            statusDetails=self._details(record.trouble, seen),
            description=_description(info.description, info.feature_description),
            steps=steps,
            attachments=self._evidence(seen),
            parameters=self._parameters(),
            labels=marks.labels,
            links=marks.links,
            titlePath=_title_path(record),
            start=_ms(record.started),
            stop=_ms(record.started + record.seconds),
        )
        self._apply_dynamic(result)
        self._container()
        self._directory.replace(f"{self._uuid}-result.json", encode(result))
        return self._uuid

    # -- what it is

    def _marks(self) -> Marks:
        record, info = self._record, self._record.scenario
        marks = Marks(self._links)
        marks.label("severity", "normal")
        marks.take(info.feature_tags)
        marks.take(tag for tag in info.tags if tag not in info.feature_tags)
        for labelled in record.labelled:
            if labelled.what == "label":
                marks.label(labelled.name, labelled.value)
            elif labelled.what.startswith("link"):
                kind = labelled.what.partition(":")[2] or "link"
                marks.link(kind, labelled.value, labelled.name)
        folder = PurePosixPath(info.place.file).parent
        if info.feature:
            marks.label("feature", info.feature)
        marks.default("parentSuite", "/".join(folder.parts))
        marks.default("suite", info.feature or PurePosixPath(info.place.file).name)
        marks.default("subSuite", info.rule)
        marks.default("package", ".".join(folder.parts))
        marks.default("host", record.host)
        marks.default("thread", record.worker or (str(record.pid) if record.pid else ""))
        marks.label("framework", "behave")
        marks.label("language", _LANGUAGE)
        return marks

    def _parameters(self) -> list[Parameter]:
        record = self._record
        found = [Parameter(name, value) for name, value in record.scenario.row.items()]
        # Excluded: these tell two runs of one scenario apart, not two scenarios.
        if record.seed:
            found.append(Parameter("seed", str(record.seed), excluded=True))
        if self._profile:
            found.append(Parameter("profile", self._profile, excluded=True))
        if record.attempt > 1:
            found.append(Parameter("attempt", str(record.attempt), excluded=True))
        for labelled in record.labelled:
            what, _, mode = labelled.what.partition(":")
            if what == "parameter":
                excluded = True if "excluded" in mode else None
                shown = next((one for one in ("masked", "hidden") if one in mode), None)
                found.append(Parameter(labelled.name, labelled.value, excluded, shown))
        return found

    def _apply_dynamic(self, result: TestResult) -> None:
        for labelled in self._record.labelled:
            if labelled.what == "title":
                result.name = printable(labelled.value)
            elif labelled.what == "description":
                result.description = printable(labelled.value)
            elif labelled.what == "description_html":
                result.descriptionHtml = printable(labelled.value)

    # -- what happened

    def _step(self, step: StepRecord) -> TestStepResult:
        item = TestStepResult(name=printable(step.title), status=_status(step.status))
        if step.started is None:
            return item
        item.start, item.stop = _ms(step.started), _ms(step.started + step.seconds)
        self._document(item, step.info)
        failing = self._record.failing_step
        if failing is not None and failing.index == step.index:
            self._viewers = MOST_VIEWERS
            item.steps = [
                self._entry(seen, step.started) for seen in collapse(self._concerns(step))
            ]
        self._parts(item, step.parts, step.started)
        self._viewers = 0
        item.statusDetails = _plain_details(step.trouble)
        if step.status != "passed" and _says_more(step.output, step.trouble):
            item.attachments.append(self._text("captured output", _tail(step.output)))
        return item

    def _document(self, item: ExecutableItem, info: StepInfo) -> None:
        if info.document is not None:
            text = printable(info.document)
            kind = ("application/json", "json") if _is_json(text) else ("text/plain", "txt")
            item.attachments.append(self._attach("document", text.encode(), *kind))
        if info.table:
            rows = tables.lines(
                [printable(text) for text in info.table[0]],
                [[printable(text).replace("\n", "\\n") for text in row] for row in info.table[1:]],
            )
            item.attachments.append(self._text("table", "\n".join(rows)))

    def _parts(self, item: ExecutableItem, parts: list[Part], started: float) -> None:
        entries: list[Entry] = []
        for part in parts:
            if isinstance(part, Entry):
                entries.append(part)
                continue
            item.steps += [self._entry(seen, started) for seen in collapse(entries)]
            entries = []
            if isinstance(part, SubStep):
                item.steps.append(self._sub_step(part))
            else:
                item.steps.append(_attachment_step(part))
        item.steps += [self._entry(seen, started) for seen in collapse(entries)]

    def _sub_step(self, part: SubStep) -> TestStepResult:
        item = TestStepResult(
            name=printable(part.title),
            status=_status(part.trouble.status) if part.trouble else "passed",
            statusDetails=_plain_details(part.trouble),
            parameters=[Parameter(name, value) for name, value in part.parameters.items()],
            start=_ms(part.started),
            stop=_ms(part.ended),
        )
        self._parts(item, part.parts, part.started)
        return item

    def _entry(self, seen: Seen, started: float) -> TestStepResult:
        """Return an entry's line; within the failing step it opens to what was exchanged."""
        item = _entry_step(seen, started)
        if self._viewers > 0:
            self._viewers -= 1
            # A step with one attachment of its own name is drawn as that attachment, in its place.
            item.attachments = [self._viewer(str(item.name), seen.last)]
        return item

    def _viewer(self, name: str, entry: Entry) -> Attachment:
        if entry.kind in exchange.KINDS:
            body = self._guarded(exchange.encode, entry)
            if body is not None:
                return self._attach(name, body, exchange.MIME, exchange.EXTENSION)
        return self._text(name, details.of(entry))

    def _concerns(self, step: StepRecord) -> list[Entry]:
        """Return entries of earlier steps that a failing step is about.

        Those that it claimed; where nothing else should have happened, those that nobody did; where
        it has neither these nor entries of its own, those of the last step that has some. And calls
        that no route of a stub matched: likely the cause.
        """
        entries = self._record.entries
        if _SILENCE in step.text:
            answered_for = {claim.entry for one in self._record.steps for claim in one.claims}
            return [
                entry
                for entry in entries
                if entry.role == "effect"
                and entry.id not in answered_for
                and entry.step != step.index
            ]
        claimed = {claim.entry for claim in step.claims}
        found = [
            entry
            for entry in entries
            if entry.step != step.index and (entry.id in claimed or _is_unmatched(entry))
        ]
        if found or any(entry.step == step.index for entry in entries):
            return found
        for earlier in reversed(self._record.steps[: step.index]):
            if earlier.entries:
                return earlier.entries
        return []

    def _besides(self, told: str, status: str, entries: list[Entry]) -> TestStepResult:
        item = TestStepResult(name=told, status=status)
        end = self._record.started + self._record.seconds
        item.steps = [_entry_step(Seen(entry, entry), end) for entry in entries]
        return item

    def _container(self) -> None:
        """Hooks and cleanups that went wrong, and what user code attached outside of steps."""
        record = self._record
        befores = [
            TestBeforeResult(**_hook(hook)) for hook in record.hooks if hook.phase == "before"
        ]
        afters = [TestAfterResult(**_hook(hook)) for hook in record.hooks if hook.phase == "after"]
        if record.before:
            befores.insert(0, TestBeforeResult(name="set-up", status="passed"))
            self._parts(befores[0], record.before, record.started)
        if record.after:
            afters.append(TestAfterResult(name="clean-up", status="passed"))
            self._parts(afters[-1], record.after, record.started + record.seconds)
        name = f"{identifier(self._uuid, 'hooks')}-container.json"
        if befores or afters:
            container = TestResultContainer(
                uuid=identifier(self._uuid, "hooks"),
                name="hooks",
                children=[self._uuid],
                befores=befores,
                afters=afters,
                start=_ms(record.started),
                stop=_ms(record.started + record.seconds),
            )
            self._directory.replace(name, encode(container))

    # -- evidence

    def _evidence(self, seen: list[Seen]) -> list[Attachment]:
        record = self._record
        found = []
        failed = record.status not in {"passed", "skipped"}
        if seen or record.late or record.unread:
            if failed or self._passed_evidence:
                text = self._guarded(document.text, record, seen)
                if text is not None:
                    found.append(self._text("timeline and evidence", text))
        elif failed:
            text = self._guarded(lambda it: "\n".join(timeline.lines(it)), record)
            if text is not None:
                found.append(self._text("timeline", text))
        if failed and _says_more(record.output, record.trouble):
            found.append(self._text("captured output", _tail(record.output)))
        return found

    def _details(self, trouble: Trouble | None, seen: list[Seen]) -> StatusDetails | None:
        """The message first, then what was seen, then where it was raised."""
        plain = _plain_details(trouble)
        if plain is None or self._record.status in {"passed", "skipped"}:
            return plain
        step = self._record.failing_step
        parts = []
        if step is not None:
            parts.append(
                f"In step {step.index + 1}, {printable(step.title)!r} ({step.info.place})."
            )
            concerns = collapse([*self._concerns(step), *step.entries])
            if concerns:
                told = [f"  {one.label()}" for one in concerns[-6:]]
                parts.append("Seen last:\n" + "\n".join(told))
        if plain.trace:
            parts.append(plain.trace)
        plain.trace = printable("\n\n".join(parts))
        return plain

    def _text(self, name: str, text: str) -> Attachment:
        return self._attach(name, text.encode("utf-8", "backslashreplace"), "text/plain", "txt")

    def _attach(self, name: str, content: bytes, mime: str, extension: str) -> Attachment:
        self._attached += 1
        source = f"{identifier(self._uuid, self._attached)}-attachment.{extension}"
        self._directory.write(source, content)
        return Attachment(printable(name), source, mime)

    def _guarded(self, build: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return what `build` makes. A fault of its own is told; it does not cost the result."""
        try:
            return build(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - evidence must not cost a verdict
            name = self._record.scenario.name
            self._directory.tell(
                f'evidence of "{printable(name)}" is not whole: {type(error).__name__}: {error}'
            )
            return None


def _entry_step(seen: Seen, started: float) -> TestStepResult:
    entry = seen.first
    # An effect may be older than the step that noticed it; Allure's bars stay within their parent.
    start = max(entry.at, started)
    return TestStepResult(
        name=shortened(seen.label(), 300),
        status="passed",
        start=_ms(start),
        stop=_ms(max(start, entry.at + seen.seconds)),
    )


def _attachment_step(attached: Attached) -> TestStepResult:
    name = printable(attached.name)
    return TestStepResult(
        name=name,
        status="passed",
        attachments=[Attachment(name, attached.file, attached.mime)],
        start=_ms(attached.at),
        stop=_ms(attached.at),
    )


def _is_unmatched(entry: Entry) -> bool:
    return entry.kind == "stub.call" and not entry.data.get("matched")


def _hook(hook: HookFailed) -> dict[str, Any]:
    return {
        "name": printable(hook.hook),
        "status": _status(hook.trouble.status),
        "statusDetails": _plain_details(hook.trouble),
        "start": _ms(hook.at),
        "stop": _ms(hook.at),
    }


def _plain_details(trouble: Trouble | None) -> StatusDetails | None:
    if trouble is None:
        return None
    return StatusDetails(
        message=printable(trouble.message) or None,
        trace=printable(without_machinery(trouble.trace)) or None,
    )


def _status(status: str) -> str:
    return _ALLURE.get(status, "broken")


def _title_path(record: ScenarioRecord) -> list[str]:
    info = record.scenario
    path = PurePosixPath(info.place.file)
    found = [*path.parent.parts, info.feature or path.name]
    return [printable(part) for part in ([*found, info.rule] if info.rule else found)]


def _description(own: str, feature: str) -> str | None:
    return printable("\n\n".join(text for text in (own, feature) if text)) or None


def _tail(text: str) -> str:
    shown = printable(text)
    if len(shown) > MOST_OUTPUT:
        shown = (
            f"... (first {len(shown) - MOST_OUTPUT} characters left out)\n{shown[-MOST_OUTPUT:]}"
        )
    return shown


def _says_more(output: str, trouble: Trouble | None) -> bool:
    """Say whether output holds more than behave's headings and the message that is shown anyway."""
    text = _HEADING.sub("", output)
    if trouble is not None:
        text = text.replace(trouble.message, "")
    return bool(_VERDICT.sub("", text).strip())


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in {"{", "["}:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
