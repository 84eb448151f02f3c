from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.examples.fake_stripe import FakeStripe
from tests.examples.shop_system import ShopSystem


@pytest.fixture(scope="session")
def backing() -> Iterator[dict[str, str]]:
    yield json.loads(Path("/tmp/h8/env.json").read_text())


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
