"""HTTP exchanges in the format that Allure draws itself, version 1 of it.

Allure shows what was captured as source, never as markup. A body that is not UTF-8 goes as base64.
"""

from __future__ import annotations

import base64
import urllib.parse
from typing import Any

import msgspec

from avow.core.entries import Body, Entry

MIME = "application/vnd.allure.http+json"
EXTENSION = "httpexchange"
KINDS = frozenset({"http.exchange", "webhook.sent", "stub.call"})


def encode(entry: Entry) -> bytes:
    """Return the exchange as the bytes of an attachment."""
    data = entry.data
    start = round(entry.at * 1000)
    plain: dict[str, Any] = {
        "schemaVersion": 1,
        "start": start,
        "stop": start + max(0, round((entry.ended - entry.started) * 1000)),
    }
    if entry.kind == "stub.call":
        plain["request"] = _request(data, entry.bodies.get("request"), entry.resource)
        if data.get("status") is not None:
            plain["response"] = {
                "status": data["status"],
                "statusText": f"from the stub: {data.get('matched') or 'no route matched'}",
                **_body(entry.bodies.get("response")),
            }
        if not data.get("matched") or data.get("outcome") not in {None, "answered", "delayed"}:
            plain["error"] = {
                "name": "no route matched" if not data.get("matched") else str(data["outcome"]),
                "message": _near_misses(data),
            }
    else:
        plain["request"] = _request(data.get("request") or {}, entry.bodies.get("request"), "")
        response = data.get("response")
        if response:
            plain["response"] = {
                "status": response.get("status"),
                "statusText": response.get("reason") or "",
                "headers": _pairs(response.get("headers")),
                **_body(entry.bodies.get("response")),
            }
        error = data.get("error")
        if error:
            plain["error"] = {"name": error.get("kind"), "message": error.get("message")}
    return msgspec.json.encode(plain)


def _request(request: dict[str, Any], body: Body | None, host: str) -> dict[str, Any]:
    url = request.get("url") or f"{host and f'stub://{host}'}{request.get('path', '')}"
    query = [
        {"name": name, "value": str(value)}
        for name, values in (request.get("query") or {}).items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return {
        "method": request.get("method", ""),
        "url": url,
        "headers": _pairs(request.get("headers")),
        "query": query,
        **_body(body),
    }


def _pairs(pairs: Any) -> list[dict[str, str]]:
    return [{"name": str(pair[0]), "value": str(pair[1])} for pair in pairs or []]


def _body(body: Body | None) -> dict[str, Any]:
    if body is None or not body.length:
        return {}
    text = body.text()
    kind = body.content_type.split(";")[0].strip().lower()
    plain: dict[str, Any] = {"size": body.length}
    if text is None:
        plain["encoding"] = "base64"
        plain["value"] = base64.b64encode(body.raw).decode("ascii")
        plain["contentType"] = kind or "application/octet-stream"
    else:
        plain["value"] = text
        # Allure shows nothing of text whose type it does not know; the header still tells the type.
        plain["contentType"] = kind if _is_shown(kind) else "text/plain"
    if text and kind == "application/x-www-form-urlencoded" and not body.capped:
        plain["form"] = [
            {"name": name, "value": value}
            for name, value in urllib.parse.parse_qsl(text, keep_blank_values=True)
        ]
    if body.capped:
        plain["truncated"] = True
    return {"body": plain}


def _is_shown(kind: str) -> bool:
    return kind in {"application/json", "application/xml"} or kind.endswith("+json")


def _near_misses(data: dict[str, Any]) -> str:
    told = []
    for miss in data.get("near_misses") or []:
        wants = "; ".join(
            str(difference.get("text") or difference.get("path", difference))
            if isinstance(difference, dict)
            else str(difference)
            for difference in miss.get("differences") or []
        )
        told.append(f'closest route "{miss.get("route", "?")}": {wants}')
    return "\n".join(told)
