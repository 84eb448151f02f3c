from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.examples.fake_stripe import FakeStripe
from tests.examples.shop_system import ShopSystem

from avow.config import load
from avow.processes import Journal
from avow.services.stack import Stack

SERVICES = """
[suite]
name = "shop-alone"
[services.db]
kind = "postgres"
[services.orders]
kind = "kafka"
topics = ["orders", "orders.dead-letter"]
[services.mail]
kind = "smtp"
[services.receipts]
kind = "s3"
buckets = ["receipts"]
"""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    root = tmp_path_factory.mktemp("backing")
    (root / "avow.toml").write_text(SERVICES)
    started = Stack.start(load(root), run_dir=root, journal=Journal(root / "journal"))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def backing(stack: Stack) -> dict[str, str]:
    """Return the addresses that the shop wants, by the names it wants them by."""
    receipts = stack.facts["receipts"]
    return {
        "DATABASE_URL": stack.facts["db"]["url"],
        "KAFKA_BOOTSTRAP": stack.facts["orders"]["bootstrap"],
        "SMTP": stack.facts["mail"]["address"],
        "MAILDIR": stack.facts["mail"]["maildir"],
        "AWS_ENDPOINT_URL": receipts["url"],
        "AWS_ACCESS_KEY_ID": receipts["access_key"],
        "AWS_SECRET_ACCESS_KEY": receipts["secret_key"],
        "AWS_DEFAULT_REGION": receipts["region"],
    }


@pytest.fixture(scope="session")
def session_stripe() -> Iterator[FakeStripe]:
    fake = FakeStripe()
    yield fake
    fake.stop()


@pytest.fixture(scope="session")
def system(
    backing: dict[str, str],
    session_stripe: FakeStripe,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ShopSystem]:
    environment = {**backing, "STRIPE_API_BASE": session_stripe.url}
    with ShopSystem(environment, tmp_path_factory.mktemp("shop")) as running:
        yield running


@pytest.fixture
def stripe(session_stripe: FakeStripe) -> FakeStripe:
    session_stripe.faults.clear()
    session_stripe.charges.clear()
    session_stripe.refunds.clear()
    session_stripe.keys.clear()
    return session_stripe
