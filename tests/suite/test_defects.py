"""The reference suite can fail: each defect of the shop turns a scenario red, and says why."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.suite.conftest import Run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

#: defect: what to run, the scenario that must notice, what it must say.
MATRIX = {
    "double-charge-on-retry": (
        ["features/payments/never_twice.feature"],
        "The answer to a charge is lost",
        "the customer was charged 42.50 EUR and 42.50 EUR, not 42.50 EUR once",
    ),
    "signature-not-checked": (
        ["features/webhooks/trust.feature"],
        "A report that cannot be trusted pays nothing",
        "Stripe was answered 200",
    ),
    "event-processed-twice": (
        ["features/webhooks/delivery.feature"],
        "A report that comes three times counts once",
        "order.paid",
    ),
    "message-lost": (
        ["features/payments/paying.feature", "-n", "A payment succeeds"],
        "A payment succeeds",
        "order.paid",
    ),
    "receipt-to-wrong-customer": (
        ["features/receipts"],
        "A receipt goes to who has paid and to nobody else",
        "not to Ada",
    ),
    "amount-rounded": (
        ["features/payments/paying.feature"],
        "A payment succeeds",
        "the customer was charged 42.00 EUR, not 42.50 EUR once",
    ),
    "oversold-stock": (
        ["features/orders/stock.feature"],
        "The last item is sold once",
        "orders were placed, not 1",
    ),
}


@pytest.mark.parametrize("defect", MATRIX)
def test_a_defect_turns_a_scenario_red_for_the_right_reason(
    run_suite: Callable[..., Run], defect: str
):
    arguments, scenario, reason = MATRIX[defect]
    run = run_suite(*arguments, defects=defect)
    assert run.code == 1, run.output
    assert run.scenarios[scenario][0] == "failed", run.red
    assert reason in run.scenarios[scenario][1]
    # The shop is wrong, not the suite: nothing is broken.
    assert {status for status, _ in run.scenarios.values()} <= {"passed", "failed"}, run.red


def test_without_defects_all_is_green(run_suite: Callable[..., Run]):
    run = run_suite()
    assert run.red == {}
    assert run.code == 0, run.output
    assert len(run.scenarios) >= 40


def test_every_defect_of_the_shop_is_in_the_matrix():
    import sys

    from tests.suite.conftest import ROOT

    sys.path.insert(0, str(ROOT / "examples" / "shop"))
    try:
        from shop.settings import DEFECTS
    finally:
        sys.path.pop(0)
    assert set(DEFECTS) == set(MATRIX)
