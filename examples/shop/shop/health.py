"""GET /health of the processes that have no other door: is what they depend on there."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Check = Callable[[], bool]


def report(checks: dict[str, Check]) -> tuple[int, dict[str, object]]:
    """Return the HTTP status and the document that says how each check went."""
    results = {name: "ok" if check() else "down" for name, check in checks.items()}
    healthy = set(results.values()) <= {"ok"}
    status = "healthy" if healthy else "unhealthy"
    return (200 if healthy else 503), {"status": status, "checks": results}


def serve(port: int, checks: dict[str, Check]) -> None:
    """Answer on loopback from a thread, until the process ends. Port 0 serves nothing."""
    if not port:
        return

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, document = report(checks) if self.path == "/health" else (404, {})
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
