"""The shop's HTTP door: `python -m shop.api --port 8000`.

request -> Door (read, answer, log) -> handler in a thread -> PostgreSQL, Stripe
"""

from __future__ import annotations

import argparse
import secrets
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shop import auth, database, health, money, orders, payments, webhooks
from shop.auth import Customer
from shop.checks import Checks, json_object
from shop.logs import Log
from shop.migrate import migrate
from shop.problems import Problem, not_found
from shop.provider import Provider
from shop.settings import Settings

_MOST_BYTES = 1_000_000
_PAGE = 20
_MOST_PER_PAGE = 100
#: The largest bigint of PostgreSQL; no identity is beyond it.
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Call:
    """A request as handlers see it: everything has been read."""

    request: Request
    body: bytes

    @property
    def headers(self) -> Any:
        return self.request.headers

    def identity(self, what: str) -> int:
        text = self.request.path_params["id"]
        if not text.isascii() or not text.isdigit() or int(text) > _LARGEST:
            raise not_found(what)
        return int(text)

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        text = self.request.query_params.get(name)
        if text is None:
            return default
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        checks = Checks({})
        checks.wrong(f"?{name}", f"must be a whole number from {least} to {most}")
        checks.done()
        raise AssertionError("unreachable")


Handler = Callable[[Call], Response]


class Shop:
    """The handlers and what they need; one per process."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._settings = settings
        self._log = log
        self._pool = database.open_pool(settings.database_url, "api", most=10)
        self._provider = Provider(settings, log)

    def close(self) -> None:
        self._pool.close(timeout=1)

    def warm_up(self) -> None:
        """Load what the first payment and the first token will need, while nobody waits."""
        import jwt  # noqa: F401

        self._provider.client()

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/health", self.health),
            ("POST", "/token", self.token),
            ("POST", "/orders", self.place_order),
            ("GET", "/orders", self.list_orders),
            ("GET", "/orders/{id}", self.show_order),
            ("POST", "/orders/{id}/payments", self.pay),
            ("POST", "/orders/{id}/payments/confirmation", self.confirm),
            ("GET", "/products/{sku}", self.show_product),
            ("POST", "/webhooks/stripe", self.webhook),
            ("POST", "/admin/customers", self.add_customer),
            ("PUT", "/admin/products/{sku}", self.put_product),
            ("GET", "/admin/orders", self.list_all_orders),
            ("POST", "/admin/orders/{id}/refunds", self.refund),
        ]
        return [
            Route(path, self._door(handler), methods=[method]) for method, path, handler in table
        ]

    def _door(self, handler: Handler) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            started = time.perf_counter()
            number = request.headers.get("x-request-id") or secrets.token_hex(8)
            try:
                body = await _read(request)
                answer = await run_in_threadpool(handler, Call(request, body))
            except Problem as problem:
                answer = problem.response(request.url.path)
            except ClientDisconnect:
                answer = Response(status_code=499)
            except Exception as error:
                self._log.error("unexpected", request=number, error=repr(error))
                answer = Problem(500, "internal", "Something went wrong").response(request.url.path)
            answer.headers["X-Request-Id"] = number
            self._log.info(
                "answered",
                request=number,
                method=request.method,
                path=request.url.path,
                status=answer.status_code,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
            return answer

        return endpoint

    # -- everybody

    def health(self, call: Call) -> Response:
        status, document = health.report(
            {"database": lambda: database.answers(self._pool.connection)}
        )
        return JSONResponse(document, status)

    def token(self, call: Call) -> Response:
        form = dict(urllib.parse.parse_qsl(call.body.decode("latin-1")))
        return JSONResponse(
            auth.issue_token(self._settings, form, call.headers),
            headers={"Cache-Control": "no-store"},
        )

    def show_product(self, call: Call) -> Response:
        with self._pool.connection() as conn:
            return JSONResponse(_product(conn, call.request.path_params["sku"]))

    def webhook(self, call: Call) -> Response:
        signature = call.headers.get("stripe-signature", "")
        return JSONResponse(
            webhooks.receive(self._pool, self._settings, self._log, call.body, signature)
        )

    # -- customers

    def _customer(self, call: Call) -> Customer:
        with self._pool.connection() as conn:
            return auth.customer(conn, call.headers)

    def place_order(self, call: Call) -> Response:
        customer = self._customer(call)
        key = call.headers.get("idempotency-key")
        with self._pool.connection() as conn:
            order, is_new = orders.place(
                conn, self._settings, customer, json_object(call.body), key
            )
        return JSONResponse(order, 201 if is_new else 200, {"Location": f"/orders/{order['id']}"})

    def show_order(self, call: Call) -> Response:
        customer = self._customer(call)
        with self._pool.connection() as conn:
            return JSONResponse(orders.find(conn, call.identity("order"), customer))

    def list_orders(self, call: Call) -> Response:
        return self._page(call, self._customer(call))

    def _page(self, call: Call, customer: Customer | None) -> Response:
        limit = call.whole("limit", _PAGE, 1, _MOST_PER_PAGE)
        after = call.whole("after", 0, 0, _LARGEST)
        with self._pool.connection() as conn:
            found, more = orders.page(conn, customer, limit, after)
        document: dict[str, Any] = {"data": found, "has_more": more, "next": None}
        headers = {}
        if more:
            document["next"] = f"{call.request.url.path}?limit={limit}&after={found[-1]['id']}"
            headers["Link"] = f'<{document["next"]}>; rel="next"'
        return JSONResponse(document, headers=headers)

    def pay(self, call: Call) -> Response:
        customer = self._customer(call)
        checks = Checks(json_object(call.body))
        checks.only("payment_method")
        method = checks.text("payment_method")
        checks.done()
        number = call.identity("order")
        return _paid(payments.pay(self._pool, self._provider, customer, number, method))

    def confirm(self, call: Call) -> Response:
        customer = self._customer(call)
        number = call.identity("order")
        return _paid(payments.confirm(self._pool, self._provider, customer, number))

    # -- staff

    def add_customer(self, call: Call) -> Response:
        auth.staff(self._settings, call.headers, "orders:write")
        checks = Checks(json_object(call.body))
        checks.only("name", "email")
        name, email = checks.text("name"), checks.email("email")
        checks.done()
        key = auth.new_api_key()
        with self._pool.connection() as conn:
            row = conn.execute(
                "INSERT INTO customers (name, email, api_key_hash) VALUES (%s, %s, %s) "
                "ON CONFLICT (email) DO NOTHING RETURNING id",
                (name, email, auth.digest(key)),
            ).fetchone()
        if row is None:
            raise Problem(409, "customer-exists", "There is a customer with this address already")
        document = {"id": row["id"], "name": name, "email": email, "api_key": key}
        return JSONResponse(document, 201)

    def put_product(self, call: Call) -> Response:
        auth.staff(self._settings, call.headers, "orders:write")
        checks = Checks(json_object(call.body))
        checks.only("name", "price", "currency", "stock")
        name = checks.text("name")
        price = checks.whole("price", 1, 10**9)
        currency = checks.one_of("currency", sorted(money.CURRENCIES))
        stock = checks.whole("stock", 0, 10**6, default=0)
        checks.done()
        sku = call.request.path_params["sku"]
        with self._pool.connection() as conn:
            conn.execute(
                "INSERT INTO products (sku, name, price_minor, currency, stock) "
                "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (sku) DO UPDATE SET name = excluded.name, "
                "price_minor = excluded.price_minor, currency = excluded.currency, "
                "stock = excluded.stock",
                (sku, name, price, currency, stock),
            )
            return JSONResponse(_product(conn, sku))

    def list_all_orders(self, call: Call) -> Response:
        auth.staff(self._settings, call.headers, "orders:read")
        return self._page(call, None)

    def refund(self, call: Call) -> Response:
        staff = auth.staff(self._settings, call.headers, "orders:write")
        document = json_object(call.body or b"{}")
        checks = Checks(document)
        checks.only("amount")
        amount = checks.whole("amount", 1, 10**12) if "amount" in document else None
        checks.done()
        number = call.identity("order")
        refunded = payments.refund(self._pool, self._provider, number, amount)
        self._log.info("refunded", order=number, amount=refunded["amount"], by=staff)
        return JSONResponse(refunded, 201)


def _paid(payment: dict[str, Any]) -> Response:
    return JSONResponse(payment, 201 if payment["status"] == "succeeded" else 202)


def _product(conn: Any, sku: str) -> dict[str, Any]:
    row = None
    if "\0" not in sku:
        row = conn.execute(
            "SELECT sku, name, price_minor AS price, currency, stock FROM products WHERE sku = %s",
            (sku,),
        ).fetchone()
    if row is None:
        raise not_found("product")
    return dict(row)


async def _read(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > _MOST_BYTES:
            raise Problem(413, "too-large", "The body is too large")
        parts.append(part)
    return b"".join(parts)


def _http_problem(request: Request, error: Any) -> Response:
    """Answer what Starlette itself refuses (no such path, wrong method) as the rest does."""
    kind = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http")
    problem = Problem(error.status_code, kind, str(error.detail), headers=error.headers)
    return problem.response(request.url.path)


def application(shop: Shop) -> Starlette:
    from starlette.exceptions import HTTPException

    return Starlette(routes=shop.routes(), exception_handlers={HTTPException: _http_problem})


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m shop.api")
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--port", type=int, default=8000)
    options = arguments.parse_args()
    settings, log = Settings.from_environment(), Log("api")
    import uvicorn

    migrate(settings.database_url)
    shop = Shop(settings, log)
    threading.Thread(target=shop.warm_up, name="warm-up", daemon=True).start()
    config = uvicorn.Config(
        application(shop),
        options.host,
        options.port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    log.info("started", host=options.host, port=options.port, defects=sorted(settings.defects))
    try:
        uvicorn.Server(config).run()
    finally:
        shop.close()
        log.info("stopped")


if __name__ == "__main__":
    main()
