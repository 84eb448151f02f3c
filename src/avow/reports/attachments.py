"""allure.step, allure.attach and allure.dynamic in user code, turned into events of the scenario.

    user code --> allure_commons' hooks --> UserAllure --> events (emit), files in the results

Lives in the worker: `with user_allure.installed():` around its life, `step` set as steps go by.
Nothing here raises into user code: an attachment that cannot be stored is a line in `problems`.
"""

from __future__ import annotations

import contextlib
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pluggy

from avow.core.entries import Body
from avow.core.events import (
    Attached,
    Event,
    Labelled,
    RunTrouble,
    Status,
    SubStepFinished,
    SubStepStarted,
    Trouble,
)
from avow.core.secrets import Redactor
from avow.core.text import printable, shortened
from avow.reports.record import EVIDENCE, RUN_LEVEL

hookimpl = pluggy.HookimplMarker("allure")

#: Bytes of one attachment, unless the caller says otherwise.
LIMIT = 16 * 1024 * 1024
#: Types that a browser would run script from. They are kept as the text that they are.
_ACTIVE = frozenset({"text/html", "application/xhtml+xml", "image/svg+xml", "text/xml+html"})
_TEXTUAL = ("text/", "application/json", "application/xml", "application/yaml")
_MIME = re.compile(r"[\w.+-]{1,60}/[\w.+*-]{1,80}")
_EXTENSION = re.compile(r"[a-z0-9]{1,12}")
_SECRETIVE = re.compile(r"passw|secret|token|api_?key|credential|authorization", re.IGNORECASE)


class UserAllure:
    """allure_commons' plug-in of one worker.

    `emit` takes the events, `results` is where files go, and what goes there has passed `redactor`.
    `step` is the running step (-1 outside of steps), `is_in_scenario` says whether a scenario runs.
    """

    def __init__(
        self,
        emit: Callable[[Event], object],
        results: Path,
        redactor: Redactor,
        *,
        limit: int = LIMIT,
    ) -> None:
        self._emit = emit
        self._results = results
        self._redactor = redactor
        self._limit = limit
        self.step = -1
        self.is_in_scenario = False
        self.problems: list[str] = []

    @contextmanager
    def installed(self) -> Iterator[UserAllure]:
        """While this lasts, allure's functions in user code end up here."""
        import allure_commons

        allure_commons.plugin_manager.register(self, "avow")
        try:
            yield self
        finally:
            allure_commons.plugin_manager.unregister(self)

    # -- steps

    @hookimpl
    def start_step(self, uuid: str, title: str, params: Mapping[str, Any]) -> None:
        self._send(
            SubStepStarted(
                at=time.time(),
                uuid=uuid,
                title=shortened(title, 300),
                parameters={
                    printable(name): _hidden(str(name), value) for name, value in params.items()
                },
            )
        )

    @hookimpl
    def stop_step(self, uuid: str, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        trouble = None
        if exc_val is not None:
            status: Status = "failed" if isinstance(exc_val, AssertionError) else "broken"
            message = printable(exc_val) or type(exc_val).__name__
            trouble = Trouble(status, message, kind=type(exc_val).__name__)
        self._send(SubStepFinished(at=time.time(), uuid=uuid, trouble=trouble))

    # -- attachments

    @hookimpl
    def attach_data(self, body: Any, name: Any, attachment_type: Any, extension: Any) -> None:
        self._attach(body, name, attachment_type, extension, self.step, self.is_in_scenario)

    @hookimpl
    def attach_file(self, source: Any, name: Any, attachment_type: Any, extension: Any) -> None:
        self._attach_file(source, name, attachment_type, extension, self.is_in_scenario)

    @hookimpl
    def global_attach_data(
        self, body: Any, name: Any, attachment_type: Any, extension: Any
    ) -> None:
        self._attach(body, name, attachment_type, extension, RUN_LEVEL, False)

    @hookimpl
    def global_attach_file(
        self, source: Any, name: Any, attachment_type: Any, extension: Any
    ) -> None:
        self._attach_file(source, name, attachment_type, extension, False)

    @hookimpl
    def global_error(self, message: Any, trace: Any) -> None:
        trouble = Trouble("broken", printable(message or ""), printable(trace or ""))
        self._send(RunTrouble(at=time.time(), where="user code", trouble=trouble))

    # -- what the scenario is called

    @hookimpl
    def add_title(self, test_title: Any) -> None:
        self._label("title", "", test_title)

    @hookimpl
    def add_description(self, test_description: Any) -> None:
        self._label("description", "", test_description)

    @hookimpl
    def add_description_html(self, test_description_html: Any) -> None:
        self._label("description_html", "", test_description_html)

    @hookimpl
    def add_label(self, label_type: Any, labels: Any) -> None:
        for value in labels:
            self._label("label", label_type, value)

    @hookimpl
    def add_link(self, url: Any, link_type: Any, name: Any) -> None:
        self._label(f"link:{_word(link_type) or 'link'}", name or "", url)

    @hookimpl
    def add_parameter(self, name: Any, value: Any, excluded: Any, mode: Any) -> None:
        how = [word for word in ("excluded" if excluded else "", _word(mode)) if word]
        if "masked" in how or "hidden" in how:
            value = "******"
        self._label(":".join(["parameter", ",".join(how)] if how else ["parameter"]), name, value)

    # -- inside

    def _label(self, what: str, name: Any, value: Any) -> None:
        if self.is_in_scenario:
            self._send(Labelled(at=time.time(), what=what, name=_word(name), value=_word(value)))

    def _attach_file(
        self, source: Any, name: Any, kind: Any, extension: Any, in_scenario: bool
    ) -> None:
        try:
            path = Path(source)
            size = path.stat().st_size
            if not path.is_file():
                raise OSError(f"{path} is not a file")
            with path.open("rb") as file:
                # One byte more than may stay tells that something was cut.
                body = file.read(self._limit + self._redactor.longest + 1)
        except (OSError, TypeError, ValueError) as error:
            self._problem(name or source, error)
            return
        self._attach(
            body,
            name or path.name,
            kind,
            extension or path.suffix.lstrip("."),
            self.step if in_scenario else RUN_LEVEL,
            in_scenario,
            size,
        )

    def _attach(
        self,
        body: Any,
        name: Any,
        kind: Any,
        extension: Any,
        step: int,
        in_scenario: bool,
        size: int = 0,
    ) -> None:
        try:
            raw = _bytes(body)
            mime, suffix = _safe_type(kind, extension)
            size = size or len(raw)
            raw = self._redactor.raw(raw)
            if len(raw) > self._limit or size > self._limit + self._redactor.longest:
                raw, mime, suffix = self._cut(raw, size, mime, suffix)
            file = f"{uuid.uuid4()}-attachment.{suffix}"
            (self._results / file).write_bytes(raw)
        except (OSError, ValueError, TypeError) as error:
            self._problem(name, error)
            return
        title = shortened(str(name), 200) if name else file
        at = step if in_scenario else RUN_LEVEL
        self._send(Attached(at=time.time(), name=title, file=file, mime=mime, step=at))

    def _cut(self, raw: bytes, size: int, mime: str, suffix: str) -> tuple[bytes, str, str]:
        told = f"{size} bytes, more than the {self._limit} that an attachment may have"
        if not mime.startswith(_TEXTUAL):
            digest = Body.of(raw).cap(0).sha256
            return f"not kept: {told}; sha256 of what was read: {digest}\n".encode(), *_TEXT
        return raw[: self._limit] + f"\n... (cut: {told})\n".encode(), *_TEXT

    def _send(self, event: Event) -> None:
        try:
            self._emit(event)
        except Exception as error:  # noqa: BLE001 - the report must not end a step
            self._problem(type(event).__name__, error)

    def _problem(self, what: object, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        told = f"attachment {shortened(str(what), 80)!r} is not in the report: {printable(reason)}"
        self.problems.append(told)
        with contextlib.suppress(Exception):
            self._emit(RunTrouble(at=time.time(), where=EVIDENCE, trouble=Trouble("broken", told)))


_TEXT = ("text/plain", "txt")


def _safe_type(kind: Any, extension: Any) -> tuple[str, str]:
    """Return the type and extension under which a body may be stored and shown."""
    mime = getattr(kind, "mime_type", kind) or ""
    mime = str(mime).split(";")[0].strip().lower()
    suffix = str(extension or getattr(kind, "extension", "") or "").lower().lstrip(".")
    if not mime:
        mime = "text/plain" if suffix in {"", "txt", "log"} else "application/octet-stream"
    if not _MIME.fullmatch(mime) or mime in _ACTIVE or suffix in {"html", "htm", "svg", "xhtml"}:
        return _TEXT
    return mime, suffix if _EXTENSION.fullmatch(suffix) else "txt"


def _bytes(body: Any) -> bytes:
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    return printable(body).encode("utf-8", "backslashreplace")


def _word(value: Any) -> str:
    return printable(getattr(value, "value", value) if value is not None else "")


def _hidden(name: str, value: Any) -> str:
    return "******" if _SECRETIVE.search(name) else shortened(printable(value), 500)
