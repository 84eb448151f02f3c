"""One failing scenario of each kind, as a terminal shows it: seen beside wanted, and what came."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

PHRASEBOOK = Path(__file__).parents[1] / "apps/phrasebook"

PAY = 'When I send POST "/pay" to shop with JSON:\n  | amount |\n  | 42     |\n'
INVITE = (
    'When I send POST "/invite" to shop with JSON:\n  | email           |\n  | ann@example.com |\n'
)
REPORT = 'When I send POST "/reports" to shop with JSON:\n  | name |\n  | june |\n'
GREETING = 'When I send GET "/greeting?name=bob" to shop\n'

SEEN = {
    "status": (
        GREETING + "Then the response status is 404",
        [
            "the status is 200 OK; wanted 404",
            "/greeting?name=bob",
            '{"greeting": "Hello, bob!"}',
        ],
    ),
    "value of the body": (
        GREETING + 'Then the response body at "greeting" is "Hi"',
        ["the response body does not match:", '- greeting: wanted "Hi", saw "Hello, bob!"'],
    ),
    "no answer": (
        'Given requests to shop time out after 100 milliseconds\nWhen I send GET "/slow" to shop\n'
        "Then the response status is 200",
        ["no answer came to GET http://127.0.0.1:", "/slow: timeout after 0.1 s"],
    ),
    "waited": (
        GREETING + 'Then within 200 milliseconds GET "/greeting" from shop answers with:\n'
        "  | greeting |\n  | Bye      |",
        ["not within 200 ms (looked ", "Last seen:", '- greeting: wanted Bye, saw "Hello, you!"'],
    ),
    "message": (
        "When I publish a message to orders:\n  | order_id |\n  | 1        |\n"
        "Then within 300 milliseconds exactly 1 message on shipments matches:\n"
        "  | order_id | state |\n  | 1        | paid  |",
        [
            'no message on "shipments" fits {order_id: 1, state: paid}; wanted exactly 1',
            "The nearest:",
            "- state: wanted paid, is not there",
        ],
    ),
    "row": (
        'Given the table "products" of db has the row:\n  | sku | price |\n  | tea | 450   |\n'
        'Then the table "products" of db has the row:\n  | sku | price |\n  | tea | 451   |',
        ['the table "products" does not have the rows', "price: wanted 451, saw 450"],
    ),
    "no row": (
        'Then the table "products" of db has the row:\n  | sku |\n  | tea |',
        ['the table "products" does not have the rows: it is empty', "- wanted {sku: tea}"],
    ),
    "stub": (
        PAY + 'Then bank received exactly 1 "POST /refunds" call',
        [
            '"bank" received no call of "POST /refunds"; wanted exactly 1',
            "bank got POST /charges and answered 201",
        ],
    ),
    "webhook": (
        'When bank sends a "charge.paid" webhook without a signature\nThen the webhook is accepted',
        ["was answered with 400 Bad Request; wanted 2xx", "the signature is not right"],
    ),
    "mail": (
        INVITE + 'Then within 300 milliseconds post received 1 mail to "bob@example.com"',
        [
            '"post" received no mail to "bob@example.com"; wanted exactly 1',
            "mail to ann@example.com: Welcome Ann",
        ],
    ),
    "subject": (
        INVITE + 'Then post received 1 mail\nAnd the mail has the subject "Welcome Bob"',
        [
            "the mail has another subject:",
            '- subject: wanted "Welcome Bob", saw "Welcome Ann"',
        ],
    ),
    "object": (
        REPORT + 'Then the object "reports/july.json" in files matches:\n  | total |\n  | 42    |',
        ['"files" holds no object "reports/july.json"', 'Did you mean "reports/june.json"?'],
    ),
    "nothing else": (
        PAY + "Then nothing else happened",
        [
            "1 thing happened that no step speaks of:",
            "bank got POST /charges and answered 201",
            'Given what "bank" is asked does not matter',
        ],
    ),
}


@pytest.fixture
def phrasebook(suite):
    shutil.copytree(PHRASEBOOK, suite.root, dirs_exist_ok=True)
    suite.write("steps/shared.py", "from avow.steps.all import *  # noqa: F403\n")
    return suite


def test_what_a_failure_says(phrasebook):
    scenarios = [
        f"  Scenario: {name}\n" + "".join(f"    {line}\n" for line in text.splitlines())
        for name, (text, _) in SEEN.items()
    ]
    phrasebook.feature("a", "Feature: Seen\n" + "\n".join(scenarios))
    ran = phrasebook.behave("-f", "pretty", timeout=120)
    assert ran.code == 1, ran.text
    assert f"0 scenarios passed, {len(SEEN)} failed" in ran.out
    parts = {
        part.partition("#")[0].strip(): part.partition("Failing scenarios:")[0]
        for part in ran.out.split("  Scenario: ")[1:]
    }
    missing = [
        f"{name}: {each!r} is not in\n{parts[name]}"
        for name, (_, wanted) in SEEN.items()
        for each in wanted
        if each not in parts[name]
    ]
    assert not missing, "\n".join(missing)
    # Nobody needs to see where avow is installed, nor its own frames.
    assert "# avow/steps/" in ran.out
    assert "src/avow" not in ran.out
    assert "Traceback" not in ran.text
