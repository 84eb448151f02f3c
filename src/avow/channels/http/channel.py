"""The HTTP channel of one service: requests are acts, answers and failures are entries."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from avow.channels.base import BODY_LIMIT, ChannelBase, ChannelContext, Definition
from avow.channels.http.auth import Auth, Profile
from avow.channels.http.call import (
    Pairs,
    Payload,
    Target,
    head_of,
    headers_of,
    pairs_of,
    payload_of,
    target_of,
)
from avow.channels.http.coding import decoded
from avow.channels.http.cookies import Cookies
from avow.channels.http.paths import mint, mint_credentials
from avow.channels.http.trouble import Kind, Trouble
from avow.channels.http.wire import Answer, Origin, Wire, plain_headers
from avow.core.entries import Body, Entry
from avow.core.errors import SuiteError
from avow.core.ledger import Ledger, Observed
from avow.core.text import plural
from avow.core.waiting import Deadline

#: RFC 9110 section 9.2.1, as far as a Then may use them.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
#: Never sent to another origin, whoever set them.
_PRIVATE = frozenset({"authorization", "proxy-authorization", "cookie", "host"})


@dataclass(frozen=True, slots=True)
class Call:
    """A request ready to go: everything that the network cannot change."""

    method: str
    target: Target
    payload: Payload
    given: list[tuple[str, str]]
    follow: bool | str
    seconds: float
    question: dict[str, Any]
    private: frozenset[str]


@dataclass(slots=True)
class _Exchanged:
    call: Call
    headers: list[tuple[str, str]]
    target: Target
    method: str
    answer: Answer
    started: float
    ended: float
    hops: list[dict[str, Any]]


class HttpChannel(ChannelBase):
    """Requests to one service. Cookies and fetched tokens last for a scenario, connections for the
    worker.
    """

    def __init__(
        self,
        name: str,
        facts: Mapping[str, str],
        definition: Definition | None,
        ledger: Ledger,
        context: ChannelContext,
    ) -> None:
        super().__init__(name, facts, definition, ledger, context)
        self.base = facts.get("url", "")
        self.limit = int(self.setting("body_limit", BODY_LIMIT))
        self._timeout: timedelta = self.setting("timeout", context.timeouts.call)
        self._headers = pairs_of(self.setting("headers", {}))
        self._wire = Wire(self._address, self._tls)
        self._secrets = tuple(definition.secrets) if definition is not None else ()
        self._auth = Auth(context.resolve, context.redactor)
        self.cookies = Cookies()

    def bind(self, ledger: Ledger) -> None:
        """Begin another scenario: no cookie and no token of the last one is sent again."""
        super().bind(ledger)
        self.cookies = Cookies()
        self._auth.forget()

    def close(self) -> None:
        self._wire.close()

    # -- sending

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Pairs = (),
        query: Pairs = (),
        json: Any = ...,
        text: str | None = None,
        form: Pairs | None = None,
        files: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        auth: str | None = None,
        timeout: timedelta | float | None = None,
        follow: bool | str = False,
        as_look: bool = False,
    ) -> Entry:
        """Send a request and return its exchange; a failure of the network is in the entry's
        `error`.

        `path` may be a whole URL, which the guards must allow. `timeout` (default `[timeouts]
        call`) is the deadline of the whole call. `follow=True` follows redirects within the origin,
        `follow="anywhere"` also to others, without credentials. A GET, HEAD or OPTIONS in a Then is
        a look; `as_look` makes it one elsewhere.
        """
        call = self.call(
            method, path, headers=headers, query=query, json=json, text=text, form=form,
            files=files, body=body, auth=auth, timeout=timeout, follow=follow,
        )  # fmt: skip
        write = self._write_as(call.method, as_look)
        return write("http.exchange", self.name, call.question, lambda: self._observed(call))

    def send_together(self, calls: Iterable[Call]) -> list[Entry]:
        """Send prepared calls (`call`) at the same moment, each on a connection of its own.

        The entries come in the order of the calls; their times say how they overlapped.
        """
        waiting = list(calls)
        if not waiting:
            return []
        for call in waiting:
            self._write_as(call.method, False)
        done: list[_Exchanged] | None = None
        entries = []
        for number, call in enumerate(waiting):

            def perform(number: int = number) -> Observed:
                # The first entry's act sends them all: a replay answers each from the record.
                nonlocal done
                if done is None:
                    done = self._all_at_once(waiting)
                return self._seen(done[number])

            write = self._write_as(call.method, False)
            question = {**call.question, "together": number}
            entries.append(write("http.exchange", self.name, question, perform))
        return entries

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: Pairs = (),
        query: Pairs = (),
        json: Any = ...,
        text: str | None = None,
        form: Pairs | None = None,
        files: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        auth: str | None = None,
        timeout: timedelta | float | None = None,
        follow: bool | str = False,
    ) -> Call:
        """Prepare a request for `send_together`; fetches the token of an oauth2 profile."""
        method = method.upper()
        wanted = pairs_of(query)
        payload = payload_of(json=json, text=text, form=form, files=files, body=body)
        given = pairs_of(headers)
        question: dict[str, Any] = {"method": method, "path": path}
        if wanted:
            question["query"] = [list(pair) for pair in wanted]
        private = _PRIVATE
        if auth:
            profile = Profile.find(self.setting("auth", {}), auth, self.name)
            added = self._auth.credentials(profile, self._fetch)
            given += added.headers
            wanted += added.query
            private |= {name.lower() for name, _ in added.headers}
            question["auth"] = auth
        if self._headers:
            names = {name.lower() for name, _ in given}
            given += [pair for pair in self._own_headers() if pair[0].lower() not in names]
        target = target_of(self.base, path, wanted)
        if timeout is None:
            timeout = self._timeout
        seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        return Call(method, target, payload, given, follow, seconds, question, private)

    # -- underneath

    def _own_headers(self) -> list[tuple[str, str]]:
        """Return the service's own headers; references are resolved when they are used."""
        return [(name, self.context.resolve(value)) for name, value in self._headers]

    def _write_as(self, method: str, as_look: bool) -> Callable[..., Entry]:
        if as_look or (self.ledger.is_observing and method in SAFE):
            if method not in SAFE:
                raise SuiteError(
                    f"{method} may change the system, so it is not a look",
                    where=self.name,
                    advice=f"Looks are {', '.join(sorted(SAFE))}; send it in a When step.",
                )
            return self.ledger.look
        return self.ledger.act

    def _fetch(self, url: str, form: dict[str, str]) -> Entry:
        """Post a form for a token. A look: who asks is all that it changes."""
        call = self.call("POST", url, form=form, headers={"Accept": "application/json"})
        call = replace(call, question={"method": "POST", "path": url, "for": "token"})

        def perform() -> Observed:
            done = self._exchange(call)
            mint(self.context.redactor, self.name, ("access_token", "refresh_token"), done.answer)
            return self._seen(done)

        return self.ledger.look("http.exchange", self.name, call.question, perform)

    def _all_at_once(self, calls: list[Call]) -> list[_Exchanged]:
        barrier = threading.Barrier(len(calls))

        def one(call: Call) -> _Exchanged:
            barrier.wait()
            return self._exchange(call)

        with ThreadPoolExecutor(len(calls), thread_name_prefix="avow-http") as pool:
            return list(pool.map(one, calls))

    def _observed(self, call: Call) -> Observed:
        return self._seen(self._exchange(call))

    def _exchange(self, call: Call) -> _Exchanged:
        deadline = Deadline(call.seconds)
        method, target, payload, given = call.method, call.target, call.payload, call.given
        started = time.monotonic()
        hops: list[dict[str, Any]] = []
        while True:
            headers = headers_of(target, payload, method, given)
            cookie = self.cookies.header(target)
            if cookie and not any(name.lower() == "cookie" for name, _ in given):
                headers.append(("Cookie", cookie))
            answer = self._wire.exchange(
                target.origin,
                method,
                head_of(method, target, headers),
                payload.raw,
                deadline=deadline,
                limit=self.limit,
            )
            self._understand(answer)
            mint_credentials(self.context.redactor, self.name, headers)
            if answer.headers:
                mint_credentials(self.context.redactor, self.name, answer.headers)
                self.cookies.keep(target, answer.headers)
            following = self._redirect(call, target, answer, hops)
            if following is None:
                ended = time.monotonic()
                return _Exchanged(call, headers, target, method, answer, started, ended, hops)
            if following.origin != target.origin:
                given = [pair for pair in given if not self._is_private(call, pair)]
            if answer.status == 303 and method != "HEAD":
                method, payload = "GET", Payload()
            elif answer.status in (301, 302) and method == "POST":
                method, payload = "GET", Payload()  # RFC 9110 section 15.4.2: what clients do
            target = following

    def _is_private(self, call: Call, header: tuple[str, str]) -> bool:
        name, value = header
        return name.lower() in call.private or self.context.redactor.finds_in(value.encode())

    def _redirect(
        self, call: Call, target: Target, answer: Answer, hops: list[dict[str, Any]]
    ) -> Target | None:
        """Return where to go next, or None where this answer is the one."""
        location = answer.header("location")
        if (
            not call.follow
            or answer.trouble is not None
            or answer.status not in _REDIRECTS
            or not location
        ):
            return None
        base = str(target.origin)
        if location.startswith("//"):
            location = f"{target.origin.scheme}:{location}"
        elif not location.startswith(("http://", "https://", "/")):
            location = target.path.rpartition("/")[0] + "/" + location
        following = target_of(base, location.partition("#")[0])
        if following.origin != target.origin and call.follow != "anywhere":
            return None
        if len(hops) == _MOST_REDIRECTS:
            answer.trouble = Trouble(
                Kind.REDIRECTS,
                f"the answer is still a redirect after {plural(len(hops), 'redirect')}",
            )
            return None
        hops.append({"status": answer.status, "location": following.url})
        return following

    def _understand(self, answer: Answer) -> None:
        """Undo content codings, then learn the secrets that the answer holds."""
        codings = answer.header("content-encoding")
        if codings and answer.trouble is None:
            answer.body, answer.trouble = decoded(answer.body, codings, self.limit)
        if self._secrets:
            mint(self.context.redactor, self.name, self._secrets, answer)

    def _seen(self, done: _Exchanged) -> Observed:
        call, answer, target = done.call, done.answer, done.target
        data: dict[str, Any] = {
            "request": {
                "method": done.method,
                "url": target.url,
                "path": target.path,
                "query": target.query_values(),
                "headers": plain_headers(done.headers),
            },
            "response": None,
            "seconds": done.ended - done.started,
        }
        bodies: dict[str, Body] = {}
        if call.payload.raw:
            bodies["request"] = Body.of(call.payload.raw, call.payload.content_type)
        if answer.status:
            data["response"] = {
                "status": answer.status,
                "reason": answer.reason,
                "headers": plain_headers(answer.headers),
            }
            body = Body.of(answer.body, answer.header("content-type"))
            if answer.trouble is not None and answer.trouble.kind is Kind.TOO_LARGE:
                body = Body(body.raw, body.content_type, body.length, "", True)
            bodies["response"] = body
        if answer.address:
            data["address"] = answer.address
        if done.hops:
            data["redirects"] = done.hops
        if answer.notes:
            data["notes"] = list(answer.notes)
        outcome = str(answer.status)
        if answer.trouble is not None:
            data["error"] = answer.trouble.to_plain()
            outcome = answer.trouble.kind.value
        summary = f"{call.method} {call.target.at} -> {outcome}"
        return Observed(summary, data, bodies, done.started, done.ended)

    # -- what the wire asks

    def _address(self, host: str, port: int) -> str:
        return self.context.guards.address(host, port, where=f'service "{self.name}"')

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        authority = self.setting("ca")
        if authority:
            path = self.context.guards.path(
                authority, exists=True, where=f"[services.{self.name}] ca"
            )
            context.load_verify_locations(cafile=str(path))
        return context


__all__ = ["Call", "HttpChannel", "Origin"]
