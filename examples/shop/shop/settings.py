"""What the shop is told from outside: every address and secret, by environment variable."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

#: Mistakes that the shop can be told to make, so that a test suite can show what it notices.
DEFECTS = (
    "double-charge-on-retry",
    "signature-not-checked",
    "event-processed-twice",
    "message-lost",
    "receipt-to-wrong-customer",
    "amount-rounded",
    "oversold-stock",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Read once at the start of a process. `payment_timeout` is in seconds."""

    database_url: str
    kafka_bootstrap: str = ""
    orders_topic: str = "orders"
    dead_letter_topic: str = "orders.dead-letter"
    stripe_api_base: str = "https://api.stripe.com"
    stripe_api_key: str = ""
    stripe_webhook_secret: str = ""
    payment_timeout: float = 5.0
    payment_retries: int = 2
    jwt_secret: str = ""
    admin_secret: str = ""
    auditor_secret: str = ""
    smtp: str = "localhost:25"
    mail_from: str = "receipts@shop.example"
    receipts_bucket: str = "receipts"
    defects: frozenset[str] = frozenset()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        defects = frozenset(name for name in environ.get("SHOP_DEFECTS", "").split(",") if name)
        unknown = defects - set(DEFECTS)
        if unknown:
            known = ", ".join(DEFECTS)
            raise SystemExit(f"SHOP_DEFECTS: unknown {', '.join(sorted(unknown))}; known: {known}")
        if not environ.get("DATABASE_URL"):
            raise SystemExit("DATABASE_URL is not set; see README.md for what the shop needs")
        return cls(
            database_url=environ["DATABASE_URL"],
            kafka_bootstrap=environ.get("KAFKA_BOOTSTRAP", ""),
            orders_topic=environ.get("ORDERS_TOPIC", "orders"),
            dead_letter_topic=environ.get("DEAD_LETTER_TOPIC", "orders.dead-letter"),
            stripe_api_base=environ.get("STRIPE_API_BASE", "https://api.stripe.com").rstrip("/"),
            stripe_api_key=environ.get("STRIPE_API_KEY", ""),
            stripe_webhook_secret=environ.get("STRIPE_WEBHOOK_SECRET", ""),
            payment_timeout=float(environ.get("PAYMENT_TIMEOUT", "5")),
            payment_retries=int(environ.get("PAYMENT_RETRIES", "2")),
            jwt_secret=environ.get("SHOP_JWT_SECRET", ""),
            admin_secret=environ.get("SHOP_ADMIN_SECRET", ""),
            auditor_secret=environ.get("SHOP_AUDITOR_SECRET", ""),
            smtp=environ.get("SMTP", "localhost:25"),
            mail_from=environ.get("MAIL_FROM", "receipts@shop.example"),
            receipts_bucket=environ.get("RECEIPTS_BUCKET", "receipts"),
            defects=defects,
        )

    def has(self, defect: str) -> bool:
        return defect in self.defects
