"""The HTTP channel of one service: requests are acts, answers and failures are entries."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

from avow.channels.base import BODY_LIMIT, ChannelBase
from avow.channels.http.answer import Answer
from avow.channels.http.auth import Auth, Profile
from avow.channels.http.call import Pairs, body_of, pairs_of, target_of
from avow.channels.http.paths import mint, mint_credentials
from avow.channels.http.session import PRIVATE, Call, Exchanged, Session, again
from avow.channels.http.trouble import Kind
from avow.channels.http.wire import Wire
from avow.core.entries import Body, Entry
from avow.core.errors import SuiteError
from avow.core.ledger import Ledger, Observed

#: RFC 9110 section 9.2.1, as far as a Then may use them.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class HttpChannel(ChannelBase):
    """Requests to one service. Cookies and fetched tokens last for a scenario, connections for the
    worker.
    """

    def prepare(self) -> None:
        self.base = self.facts.get("url", "")
        self._timeout: timedelta = self.setting("timeout", self.context.timeouts.call)
        self._headers = pairs_of(self.setting("headers", {}))
        self._secrets = tuple(self.definition.secrets) if self.definition is not None else ()
        self._auth = Auth(self.context.resolve, self.context.redactor)
        self._wire = Wire(self._address, self._tls)
        limit = int(self.setting("body_limit", BODY_LIMIT))
        self._session = Session(self._wire, limit, self._learn, self._is_secret)

    def bind(self, ledger: Ledger) -> None:
        """Begin another scenario: no cookie and no token of the last one is sent again."""
        super().bind(ledger)
        self._session.forget()
        self._auth.forget()

    @property
    def cookies(self) -> dict[str, str]:
        """Names and values of the cookies that servers have set in this scenario."""
        return self._session.cookies

    def forget_cookies(self) -> None:
        """Be another browser from now on."""
        self._session.forget()

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
        write = self._write_as(call.request.method, as_look)
        return write("http.exchange", self.name, call.question, lambda: self._observed(call))

    def send_together(self, calls: Iterable[Call]) -> list[Entry]:
        """Send prepared calls (`call`) at the same moment, each on a connection of its own.

        The entries come in the order of the calls; their times say how they overlapped.
        """
        waiting = list(calls)
        if not waiting:
            return []
        for call in waiting:
            self._write_as(call.request.method, False)
        done: list[Exchanged] | None = None
        entries = []
        for number, call in enumerate(waiting):

            def perform(number: int = number) -> Observed:
                # The first entry's act sends them all: a replay answers each from the record.
                nonlocal done
                if done is None:
                    done = self._all_at_once(waiting)
                return self._seen(done[number])

            write = self._write_as(call.request.method, False)
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
        given = pairs_of(headers)
        content = body_of(json=json, text=text, form=form, files=files, body=body)
        question: dict[str, Any] = {"method": method, "path": path}
        if wanted:
            question["query"] = [list(pair) for pair in wanted]
        private = PRIVATE
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
        request = self._session.request(method, target, given, content)
        return Call(request, target, given, follow, seconds, question, private)

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
            done = self._session.exchange(call)
            mint(self.context.redactor, self.name, ("access_token", "refresh_token"), done.answer)
            return self._seen(done)

        return self.ledger.look("http.exchange", self.name, call.question, perform)

    def _all_at_once(self, calls: list[Call]) -> list[Exchanged]:
        barrier = threading.Barrier(len(calls))

        def one(call: Call) -> Exchanged:
            barrier.wait()
            return self._session.exchange(call)

        with ThreadPoolExecutor(len(calls), thread_name_prefix="avow-http") as pool:
            return list(pool.map(one, map(again, calls)))

    def _observed(self, call: Call) -> Observed:
        return self._seen(self._session.exchange(call))

    def _learn(self, headers: list[tuple[str, str]], answer: Answer) -> None:
        """Know the secrets of an exchange before anybody else sees it."""
        redactor = self.context.redactor
        if self._secrets:
            mint(redactor, self.name, self._secrets, answer)
        mint_credentials(redactor, self.name, headers)
        mint_credentials(redactor, self.name, answer.headers or ())

    def _is_secret(self, value: str) -> bool:
        return self.context.redactor.finds_in(value.encode())

    def _seen(self, done: Exchanged) -> Observed:
        call, answer, target = done.call, done.answer, done.target
        data: dict[str, Any] = {
            "request": {
                "method": done.request.method,
                "url": target.text,
                "path": target.path,
                "query": target.query_values(),
                "headers": plain_headers(done.headers),
            },
            "response": None,
            "seconds": done.ended - done.started,
        }
        bodies: dict[str, Body] = {}
        if call.request.content:
            kind = call.request.headers.get("content-type", "")
            bodies["request"] = Body.of(call.request.content, kind)
        if answer.status:
            data["response"] = {
                "status": answer.status,
                "reason": answer.reason,
                "headers": plain_headers(answer.headers or ()),
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
        summary = f"{call.request.method} {call.target.at} -> {outcome}"
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


def plain_headers(headers: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return headers as JSON holds them."""
    return [[name, value] for name, value in headers]


__all__ = ["Call", "HttpChannel"]
