"""A payment provider that behaves as Stripe documents: a key is charged once, whatever happens."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import struct
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeStripe:
    """`faults` are used up one a request; `charges` are what customers' banks saw."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.keys: list[str] = []
        self.charges: list[dict[str, Any]] = []
        self.refunds: list[dict[str, Any]] = []
        self._answers: dict[str, tuple[int, dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self.released = threading.Event()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                form = dict(urllib.parse.parse_qsl(body.decode()))
                fault = fake.faults.pop(0) if fake.faults else ""
                if fault in ("500", "429"):
                    self._answer(int(fault), {"error": {"type": "api_error", "message": "trouble"}})
                    return
                if fault == "reset":
                    self._reset()
                    return
                status, document = fake.answer(self.path, form, self.headers["Idempotency-Key"])
                if fault == "reset-after-commit":
                    self._reset()
                    return
                if fault == "timeout":
                    fake.released.wait(30)
                    return
                self._answer(status, document)

            def _answer(self, status: int, document: dict[str, Any]) -> None:
                content = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def _reset(self) -> None:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                # Both files hold the socket open.
                self.rfile.close()
                self.connection.close()

            def finish(self) -> None:
                if not self.rfile.closed:
                    super().finish()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, form: dict[str, str], key: str) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self.keys.append(key)
            if key not in self._answers:
                self._answers[key] = self._act(path, form)
            return self._answers[key]

    def _act(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        number = f"{id(self)}{len(self._answers)}"
        if path == "/v1/refunds":
            refund = {"id": f"re_{number}", "object": "refund", "status": "succeeded", **form}
            self.refunds.append(refund)
            return 200, refund
        intent: dict[str, Any] = {
            "id": f"pi_{number}",
            "object": "payment_intent",
            "amount": int(form.get("amount", 0)),
            "status": "succeeded",
            "metadata": {"order_id": form.get("metadata[order_id]")},
        }
        if path.endswith("/confirm"):
            intent["id"] = path.split("/")[-2]
        elif form["payment_method"] == "pm_card_declined":
            error = {
                "type": "card_error",
                "code": "card_declined",
                "decline_code": "insufficient_funds",
                "message": "Your card has insufficient funds.",
                "payment_intent": {**intent, "status": "requires_payment_method"},
            }
            return 402, {"error": error}
        elif form["payment_method"] == "pm_card_3ds":
            intent["status"] = "requires_action"
            redirect = {"url": "https://bank.example/prove", "return_url": form["return_url"]}
            intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": redirect}
            return 200, intent
        self.charges.append(form)
        return 200, intent


def event(kind: str, subject: dict[str, Any], name: str) -> bytes:
    document = {"id": name, "object": "event", "type": kind, "data": {"object": subject}}
    return json.dumps(document).encode()


def signature(body: bytes, secret: str, *, age: int = 0) -> str:
    moment = int(time.time()) - age
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={signed}"
