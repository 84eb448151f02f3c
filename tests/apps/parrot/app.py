"""A system that repeats whatever it is told, also what it should have kept to itself.

GET /health   POST /say (answers with what it got)   GET /bytes/NAME (hostile bodies)
POST /token, /login (hand out new tokens, written to $MINTED)
POST /call (calls $STUB with $STUB_KEY)
GET /to?url= (redirects)   POST /hook (a webhook)
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

HOSTILE = {
    "latin": b'{"name": "caf\xe9"}',
    "nul": b'{"name": "a\x00b\x1b[31mred\x1b[0m\x07"}',
    "surrogate": b'{"name": "\\ud83d alone"}',
    "emoji": (
        '{"name": "\U0001f9fe\u200d\u202eabc \U0001f468\u200d\U0001f469\u200d\U0001f467"}'.encode()
    ),
    "deep": b"[" * 20_000 + b"]" * 20_000,
    "number": b'{"amount": ' + b"9" * 6_000 + b"}",
    "big": b'{"text": "' + b"x" * 10_000_000 + b'"}',
    "nan": b'{"amount": NaN}',
    "binary": bytes(range(256)) * 16,
    "script": b'{"name": "</script><script>alert(1)</script><!--"}',
}


class Parrot(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words: object) -> None:
        print(self.command, self.path, self.headers.get("Authorization"), flush=True)

    def handle_any(self) -> None:
        url = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        first, _, rest = url.path.strip("/").partition("/")
        getattr(self, f"on_{first}")(rest)

    do_GET = do_POST = handle_any

    def answer(self, status: int, data: object, *headers: tuple[str, str]) -> None:
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), *headers):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def on_health(self, rest: str) -> None:
        self.answer(200, {"status": "up"})

    def on_say(self, rest: str) -> None:
        headers = dict(self.headers.items())
        said = self.body.decode("utf-8", "replace")
        self.answer(200, {"path": self.path, "headers": headers, "said": said})

    def on_bytes(self, name: str) -> None:
        kind = ("Content-Type", "text/html") if name == "script" else ("X-Kind", name)
        self.answer(200, HOSTILE[name], kind)

    def minted(self) -> str:
        token = secrets.token_urlsafe(24)
        with Path(os.environ["MINTED"]).open("a") as out:
            out.write(f"{token}\n")
        print("handed out", token, flush=True)
        return token

    def on_token(self, rest: str) -> None:
        self.answer(200, {"access_token": self.minted(), "token_type": "bearer"})

    def on_login(self, rest: str) -> None:
        cookie = f"sid={self.minted()}; Path=/; HttpOnly"
        self.answer(200, {"data": {"session": {"key": self.minted()}}}, ("Set-Cookie", cookie))

    def on_call(self, rest: str) -> None:
        host = urlsplit(os.environ["STUB"]).netloc
        connection = http.client.HTTPConnection(host, timeout=5)
        headers = {"X-Api-Key": os.environ["STUB_KEY"], "Authorization": f"Bearer {self.minted()}"}
        connection.request("POST", f"/v1/{rest}", self.body, headers)
        answer = connection.getresponse()
        self.answer(answer.status, answer.read())
        connection.close()

    def on_hook(self, rest: str) -> None:
        self.answer(200, {"signature": self.headers.get("Stripe-Signature")})

    def on_to(self, rest: str) -> None:
        self.answer(302, {}, ("Location", self.query["url"]))


if __name__ == "__main__":
    print(
        "started with", {k: v for k, v in os.environ.items() if "UNDECLARED" not in k}, flush=True
    )
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Parrot).serve_forever()
