"""One answer as llhttp (by httptools, the parser of Node.js) reads it; nothing here parses HTTP."""

from __future__ import annotations

import httptools

from avow.channels.http.trouble import Kind, Trouble, of_os_error
from avow.core.text import printable, shortened


class Reader:
    """Callbacks of the parser: gathers one final answer."""

    __slots__ = ("begun", "body", "done", "extra", "headers", "keep", "method", "parser", "reason",
                 "size", "status", "within_head")  # fmt: skip

    def __init__(self, method: str) -> None:
        self.method = method
        self.parser = httptools.HttpResponseParser(self)
        self.done = False
        self.extra = False
        self.begun = False
        self.keep = False
        self._clear()

    def _clear(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.reason = b""
        self.size = 0
        self.status = 0
        self.within_head = True

    def on_message_begin(self) -> None:
        if self.done:
            self.extra = True
        self.begun = True

    def on_status(self, reason: bytes) -> None:
        if not self.extra:
            self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.done:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.extra:
            return
        self.within_head = False
        self.status = self.parser.get_status_code()
        if self.method == "HEAD" and self.status >= 200:
            # Whatever length its headers name, no body follows.
            self._finish()

    def on_body(self, data: bytes) -> None:
        if not self.done:
            self.body.append(data)
            self.size += len(data)

    def on_message_complete(self) -> None:
        if self.extra or self.done:
            return
        if self.status < 200 and self.status != 101:
            self._clear()  # RFC 9110 section 15.2: interim answers come before the final one.
        else:
            self._finish()

    def _finish(self) -> None:
        self.done = True
        # Only now: the parser forgets it with the message.
        self.keep = self.parser.should_keep_alive()

    @property
    def ends_by_close(self) -> bool:
        """Whether it has neither length nor chunks: the end of the connection is its end."""
        if self.within_head:
            return False
        names = {name.lower(): value.lower() for name, value in self.headers}
        return b"content-length" not in names and b"chunked" not in names.get(
            b"transfer-encoding", b""
        )


def feed(reader: Reader, data: bytes) -> Trouble | None:
    try:
        reader.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        reader.done = True
        reader.extra = True
    except httptools.HttpParserError as error:
        if reader.done:
            reader.extra = True
            return None
        return Trouble(
            Kind.PROTOCOL,
            f"what came is not HTTP/1.1 ({error}): {shortened(printable(data[:200]), 80)}",
        )
    return None


def ended(reader: Reader, unsent: OSError | None) -> Trouble | None:
    """Judge the end of the connection."""
    if not reader.begun:
        if unsent is not None:
            return of_os_error(unsent, "while the request was being sent")
        return Trouble(Kind.CLOSED, "the connection was closed without an answer")
    if reader.ends_by_close:
        reader.done = True
        reader.extra = True  # the connection is over
        return None
    return Trouble(Kind.INCOMPLETE, f"the connection was closed {progress(reader)}")


def progress(reader: Reader) -> str:
    if not reader.begun:
        return "before anything of the answer had come"
    if reader.within_head:
        return "in the middle of the headers"
    for name, value in reader.headers:
        if name.lower() == b"content-length":
            return f"after {reader.size} of {printable(value)} bytes of the body"
    return f"after {reader.size} bytes of the body"
