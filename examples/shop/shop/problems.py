"""What a caller is told when something is wrong: RFC 9457, application/problem+json."""

from __future__ import annotations

from starlette.responses import JSONResponse

_BASE = "https://shop.example/problems/"


class Problem(Exception):
    """Ends a request with a problem document: `extra`: its members; `headers`: beside it."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str = "",
        *,
        headers: dict[str, str] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(title)
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail
        self.headers = headers or {}
        self.extra = extra

    def response(self, instance: str) -> JSONResponse:
        document = {"type": _BASE + self.kind, "title": self.title, "status": self.status}
        if self.detail:
            document["detail"] = self.detail
        document["instance"] = instance
        return JSONResponse(
            {**document, **self.extra},
            self.status,
            self.headers,
            media_type="application/problem+json",
        )


def not_found(what: str) -> Problem:
    return Problem(404, "not-found", f"There is no such {what}")


def unauthenticated(detail: str) -> Problem:
    return Problem(
        401,
        "not-authenticated",
        "Who are you?",
        detail,
        headers={"WWW-Authenticate": 'Bearer realm="shop"'},
    )


def forbidden(detail: str) -> Problem:
    return Problem(403, "not-allowed", "You may not do this", detail)


def invalid(errors: list[dict[str, str]]) -> Problem:
    """Return the problem of a request that was understood but not accepted: all its errors."""
    return Problem(422, "invalid-request", "The request is not valid", errors=errors)
