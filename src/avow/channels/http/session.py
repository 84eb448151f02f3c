"""A scenario's talk with a service: httpx's clients, over the worker's wire.

    Call -> httpx.Client (request, cookies) -> Wire -> httpx.Response -> Answer -> next hop or done

Each origin has a client of its own, because on one machine many services share a host, and RFC 6265
would hand the cookies of one to all. What a client remembers of a scenario is its cookies alone;
the next scenario starts with none.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

import httpx

from avow.channels.http.answer import Answer
from avow.channels.http.call import Body, Target, octets_of, target_of, text_of
from avow.channels.http.coding import ACCEPT, decoded
from avow.channels.http.origin import Origin
from avow.channels.http.translation import ERRORS, understood
from avow.channels.http.trouble import Kind, Trouble
from avow.channels.http.wire import Wire
from avow.core.errors import SuiteError
from avow.core.text import plural
from avow.core.waiting import Deadline

_MOST_REDIRECTS = 10
#: Never sent to another origin, whoever set them.
PRIVATE = frozenset({"authorization", "proxy-authorization", "cookie", "host"})
#: What a client adds where it is missing.
_DEFAULTS = (
    (b"accept", (b"Accept", b"*/*")),
    (b"accept-encoding", (b"Accept-Encoding", ACCEPT.encode("ascii"))),
    (b"user-agent", (b"User-Agent", b"avow")),
)
#: Profiles are part of a request already; this keeps httpx from looking for one.
_NO_AUTH = httpx.Auth()


@dataclass(frozen=True, slots=True)
class Call:
    """A request ready to go: everything that the network cannot change."""

    request: httpx.Request
    target: Target
    given: list[tuple[str, str]]
    follow: bool | str
    seconds: float
    question: dict[str, Any]
    private: frozenset[str]


@dataclass(slots=True)
class Exchanged:
    """A call as it went: the last hop's request and answer, and the hops before it."""

    call: Call
    request: httpx.Request
    headers: list[tuple[str, str]]
    target: Target
    answer: Answer
    started: float
    ended: float
    hops: list[dict[str, Any]]


def again(call: Call) -> Call:
    """Return the call with a request of its own: what was sent belongs to its exchange."""
    request = call.request
    copied = httpx.Request(
        request.method,
        request.url,
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )
    copied.read()
    return replace(call, request=copied)


class _Cookies(httpx.Cookies):
    """httpx asks the jar about every answer, which costs more than all else that a client does."""

    def __init__(self) -> None:
        super().__init__()
        self.are_any = False

    def extract_cookies(self, response: httpx.Response) -> None:
        if "set-cookie" in response.headers:
            self.are_any = True
            super().extract_cookies(response)


class _Client(httpx.Client):
    """Its cookies can be exchanged for none; nothing else of a client remembers a scenario."""

    kept: _Cookies

    def forget(self) -> None:
        self.kept = _Cookies()

    @property
    def cookies(self) -> httpx.Cookies:
        return self.kept

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        self.kept.clear()
        self.kept.update(cookies)


class Session:
    """`learn` is told every request's headers and every answer, before anybody else sees them;
    `is_secret` says which header values no other origin may get.
    """

    def __init__(
        self,
        wire: Wire,
        limit: int,
        learn: Callable[[list[tuple[str, str]], Answer], None],
        is_secret: Callable[[str], bool],
    ) -> None:
        self._wire = wire
        self._limit = limit
        self._learn = learn
        self._is_secret = is_secret
        self._clients: dict[Origin, _Client] = {}

    def forget(self) -> None:
        """Send no cookie again that was set so far."""
        for client in self._clients.values():
            if client.kept.are_any:
                client.forget()

    @property
    def cookies(self) -> dict[str, str]:
        """Names and values of all cookies."""
        return {
            cookie.name: cookie.value or ""
            for client in self._clients.values()
            for cookie in client.kept.jar
        }

    def request(
        self, method: str, target: Target, given: Iterable[tuple[str, str]], body: Body
    ) -> httpx.Request:
        """Return the request as httpx builds it; raises SuiteError for a body that cannot be."""
        headers = octets_of(given)
        names = {name.lower() for name, _ in headers}
        headers += [pair for name, pair in _DEFAULTS if name not in names]
        if body.content_type and b"content-type" not in names:
            headers.append((b"Content-Type", body.content_type.encode("latin-1")))
        try:
            request = httpx.Request(method, target.url, headers=headers, **body.arguments)
            if "files" in body.arguments:
                request.read()
        except (TypeError, ValueError, RecursionError) as error:
            what = "JSON body cannot be written as JSON" if "json" in body.arguments else "body"
            raise SuiteError(f"the {what}: {error}") from None
        if b"transfer-encoding" in names and b"content-length" not in names:
            # Whoever says that it is chunked has chunked it; a length beside it is another opinion.
            request.headers.pop("Content-Length", None)
        request.extensions = {
            "timeout": {},
            "limit": self._limit,
            "target": target.at.encode("ascii"),
        }
        return request

    def exchange(self, call: Call) -> Exchanged:
        """Send a call, follow its redirects where it says so; what the network does is an answer.

        Safe from several threads.
        """
        deadline = Deadline(call.seconds)
        request, target, given = call.request, call.target, call.given
        started = time.monotonic()
        hops: list[dict[str, Any]] = []
        while True:
            request.extensions["deadline"] = deadline
            answer, following = self._once(request)
            headers = text_of(request.headers.raw)
            self._learn(headers, answer)
            to = self._leads_to(call, target, answer, following, hops)
            if following is None or to is None:
                ended = time.monotonic()
                return Exchanged(call, request, headers, target, answer, started, ended, hops)
            if Origin.of(to.url) != Origin.of(target.url):
                given = [pair for pair in given if not self._is_private(call, pair)]
            body = Body()
            if following.method == request.method:
                body = Body({"content": request.content}, request.headers.get("content-type", ""))
            target = to
            request = self.request(following.method, target, given, body)

    def _client(self, url: httpx.URL) -> _Client:
        origin = Origin.of(url)
        client = self._clients.get(origin)
        if client is None:
            hooks = {"response": [self._answered]}
            client = _Client(transport=self._wire, trust_env=False, event_hooks=hooks)
            client.forget()
            self._clients[origin] = client
        return client

    def _once(self, request: httpx.Request) -> tuple[Answer, httpx.Request | None]:
        """Send one request and return its answer and what httpx would send after a redirect."""
        client = self._client(request.url)
        if client.kept.are_any:
            client.kept.set_cookie_header(request)
        _talking.now = True
        try:
            response = client.send(request, stream=True, auth=_NO_AUTH)
        except ERRORS as error:
            if "answer" in request.extensions:
                # It came, and leads to what is no URL.
                return request.extensions["answer"], None
            seen = understood(error)
            return Answer(trouble=seen.trouble, address=seen.address), None
        finally:
            _talking.now = False
        return request.extensions["answer"], response.next_request

    def _answered(self, response: httpx.Response) -> None:
        """Take in what came: a hook, because httpx throws away what it cannot redirect."""
        pieces: list[bytes] = []
        trouble: Trouble | None = None
        try:
            # Not `iter_bytes`: httpx decodes without a cap (coding.py).
            for piece in cast("httpx.SyncByteStream", response.stream):
                pieces.append(piece)
        except ERRORS as error:
            trouble = understood(error).trouble
        # httpx's stream and its response hold each other: thousands would wait for the collector.
        response.stream = httpx.ByteStream(b"")
        answer = response.request.extensions["answer"] = Answer(
            response.status_code,
            response.extensions["reason_phrase"].decode("latin-1"),
            text_of(response.headers.raw),
            pieces[0] if len(pieces) == 1 else b"".join(pieces),
            trouble,
            response.extensions["address"],
            response.extensions["notes"],
        )
        codings = answer.header("content-encoding")
        if codings and trouble is None:
            answer.body, answer.trouble = decoded(answer.body, codings, self._limit)

    def _is_private(self, call: Call, header: tuple[str, str]) -> bool:
        name, value = header
        return name.lower() in call.private or self._is_secret(value)

    def _leads_to(
        self,
        call: Call,
        target: Target,
        answer: Answer,
        following: httpx.Request | None,
        hops: list[dict[str, Any]],
    ) -> Target | None:
        """Return where to go next, or None where this answer is the one."""
        if following is None or not call.follow or answer.trouble is not None:
            return None
        try:
            to = target_of("", str(following.url))
        except SuiteError:
            return None  # it leads to nothing that can be asked
        if Origin.of(to.url) != Origin.of(target.url) and call.follow != "anywhere":
            return None
        if len(hops) == _MOST_REDIRECTS:
            answer.trouble = Trouble(
                Kind.REDIRECTS,
                f"the answer is still a redirect after {plural(len(hops), 'redirect')}",
            )
            return None
        hops.append({"status": answer.status, "location": to.text})
        return to


# -- httpx tells every request to its logger, secrets in the URL included. The ledger has them all,
# redacted; what the suite's own clients tell passes.

_talking = threading.local()


def _is_not_ours(record: logging.LogRecord) -> bool:
    return not getattr(_talking, "now", False)


logging.getLogger("httpx").addFilter(_is_not_ours)
