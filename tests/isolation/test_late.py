"""An effect that comes when its scenario is over is that scenario's, and nobody else's."""

from __future__ import annotations

from typing import Any

from avow.core.entries import Body, Entry
from avow.core.ledger import Ledger, Observed
from avow.isolation.late import LateCorrelator

ONE = "11111111-7c51-4f5e-9d0f-0d6b8a0a2f11"
TWO = "22222222-7c51-4f5e-9d0f-0d6b8a0a2f11"
SEED = "99999999-7c51-4f5e-9d0f-0d6b8a0a2f11"


def post(ledger: Ledger, request: str, answer: str, path: str = "/orders") -> None:
    data = {
        "request": {"method": "POST", "path": path, "query": {}, "headers": []},
        "response": {"status": 201, "headers": []},
    }
    bodies = {"request": Body.of(request), "response": Body.of(answer)}
    ledger.act("http.exchange", "shop", {}, lambda: Observed("", data, bodies))


def message(text: str) -> Entry:
    data: dict[str, Any] = {"topic": "events", "key": None, "headers": {}}
    bodies = {"value": Body.of(text)}
    return Entry(1, "message.seen", "orders", "effect", 0, 0.0, 0.0, 0.0, "", data, bodies)


def scenario(correlator: LateCorrelator, name: str, request: str, answer: str = "{}") -> None:
    ledger = Ledger()
    correlator.begin(ledger)
    post(ledger, request, answer)
    correlator.end(name, ledger)


def test_an_identifier_that_only_the_last_scenario_knew() -> None:
    correlator = LateCorrelator()
    scenario(correlator, "one", f'{{"reference": "{ONE}"}}')
    correlator.begin(Ledger())
    assert correlator.owner(message(f'{{"reference": "{ONE}"}}')) == "one"
    assert correlator.owner(message(f'{{"reference": "{TWO}"}}')) is None
    assert correlator.owner(message("nothing to go by")) is None


def test_a_short_number_counts_with_what_it_numbers() -> None:
    correlator = LateCorrelator()
    scenario(correlator, "one", "{}", '{"id": 17, "total": 42}')
    correlator.begin(Ledger())
    assert correlator.owner(message('{"order_id": 17}')) == "one"
    assert correlator.owner(message('{"payment_id": 17}')) is None
    assert correlator.owner(message('{"order_id": 18, "total": 42}')) is None


def test_an_amount_in_a_text_says_nothing() -> None:
    correlator = LateCorrelator()
    scenario(correlator, "one", '{"note": "Total 42"}', '{"text": "Total 42"}')
    correlator.begin(Ledger())
    assert correlator.owner(message("Total 42 EUR")) is None


def test_what_the_running_scenario_knows_is_its_own() -> None:
    correlator = LateCorrelator()
    scenario(correlator, "one", f'{{"customer": "{ONE}"}}')
    running = Ledger()
    correlator.begin(running)
    post(running, f'{{"reference": "{TWO}"}}', "{}")
    both = message(f'{{"customer": "{ONE}", "reference": "{TWO}"}}')
    assert correlator.owner(both) is None
    assert correlator.owner(message(f'{{"customer": "{ONE}"}}')) == "one"
    post(running, f'{{"customer": "{ONE}"}}', "{}")
    assert correlator.owner(message(f'{{"customer": "{ONE}"}}')) is None


def test_what_comes_in_two_scenarios_is_test_data_and_says_nothing() -> None:
    correlator = LateCorrelator()
    scenario(correlator, "one", f'{{"customer": "{SEED}", "reference": "{ONE}"}}')
    scenario(correlator, "two", f'{{"customer": "{SEED}"}}')
    correlator.begin(Ledger())
    assert correlator.owner(message(f'{{"customer": "{SEED}"}}')) is None
    assert correlator.owner(message(f'{{"reference": "{ONE}"}}')) == "one"


def test_what_a_scenario_only_saw_is_nobodys() -> None:
    correlator = LateCorrelator()
    ledger = Ledger()
    correlator.begin(ledger)
    body = {"value": Body.of(f'{{"product": "{SEED}"}}')}
    ledger.effect("message.seen", "orders", "", {"topic": "stock", "headers": {}}, body)
    ledger.look("rows.seen", "db", {}, lambda: Observed("", {"rows": [{"id": SEED}]}))
    correlator.end("one", ledger)
    correlator.begin(Ledger())
    assert correlator.owner(message(f'{{"product": "{SEED}"}}')) is None


def test_what_a_scenario_remembered_counts() -> None:
    correlator = LateCorrelator()
    correlator.end("one", Ledger(), ["ada@mail.example", {"order": {"id": 5}}, None, 3])
    correlator.begin(Ledger())
    assert correlator.owner(message("mail to ada@mail.example")) == "one"
    assert correlator.owner(message("order 5")) == "one"


def test_the_newest_owner_is_told_and_the_oldest_are_forgotten() -> None:
    correlator = LateCorrelator(kept=2)
    for number, name in enumerate(("one", "two", "three")):
        scenario(correlator, name, f'{{"reference": "{number}{ONE[1:]}"}}')
    correlator.begin(Ledger())
    assert correlator.owner(message(f'{{"reference": "0{ONE[1:]}"}}')) is None
    assert correlator.owner(message(f'"1{ONE[1:]}" and "2{ONE[1:]}"')) == "three"
