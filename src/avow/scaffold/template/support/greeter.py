"""A stand-in for your system, so that the first `behave` has something to test."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit


class Greeter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urlsplit(self.path)
        name = parse_qs(url.query).get("name", [""])[0]
        if url.path == "/health":
            status, body = 200, {"status": "up"}
        elif url.path == "/greeting" and name:
            status, body = 200, {"greeting": f"Hello, {name}!"}
        else:
            status, body = 400, {"error": "name is needed"}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


HTTPServer(("127.0.0.1", int(sys.argv[1])), Greeter).serve_forever()
