"""What no example shows: mistakes in features, other failures, names, early ends."""

import time

import pytest

from avow.core.errors import ConfigError, ScenarioFailure, SuiteError, ThenCannotAct


def failure(phrasebook, steps: str) -> str:
    outcome = phrasebook.run(steps)
    assert isinstance(outcome.error, ScenarioFailure), outcome
    return outcome.message


def mistake(phrasebook, steps: str) -> str:
    outcome = phrasebook.run(steps)
    assert isinstance(outcome.error, SuiteError), outcome
    return outcome.message


def passes(phrasebook, steps: str):
    outcome = phrasebook.run(steps)
    assert outcome.error is None, outcome.message
    return outcome


# -- names


def test_what_a_step_made_can_be_named_in_the_step_itself(phrasebook) -> None:
    outcome = passes(
        phrasebook,
        'When I send POST "/orders" to "shop" with JSON as "first order":\n'
        "  | sku | quantity |\n  | tea | 1        |\n"
        'And I send POST "/orders" to "shop" with JSON as "second order":\n'
        "  | sku | quantity |\n  | tea | 2        |\n"
        'And I send GET "/orders/${first order.id}" to "shop"\n'
        'Then the response at "quantity" is 1\n'
        'And "second order" matches:\n  | quantity |\n  | 2        |\n',
    )
    first, second = (outcome.world.memory.recall(f"{each} order") for each in ("first", "second"))
    assert first["id"] < second["id"]


def test_a_resource_is_a_word_of_the_sentence(phrasebook) -> None:
    passes(
        phrasebook,
        'When I send POST "/pay" to shop with JSON:\n  | amount |\n  | 450    |\n'
        'Then Bank received exactly 1 "POST /charges" call',
    )


def test_a_status_may_come_from_a_value(phrasebook) -> None:
    passes(
        phrasebook,
        'Given the value "200" is remembered as "usual"\n'
        'When I send GET "/greeting" to "shop"\nThen the response status is ${usual}',
    )


def test_unknown_names_get_the_nearest(phrasebook) -> None:
    assert 'Did you mean "shop"?' in mistake(phrasebook, 'When I send GET "/" to "shpo"')
    assert '"bank" is not an HTTP service: avow.toml says kind = "stub"' in mistake(
        phrasebook, 'When I send GET "/" to "bank"'
    )
    assert 'Did you mean "shipments"?' in mistake(
        phrasebook, 'Then there are no messages on "shipment"'
    )
    assert 'Did you mean "files"?' in mistake(phrasebook, 'Then "fils" holds no object "x"')
    assert '"shop" is not a message broker' in mistake(
        phrasebook, 'Then there are no messages on "shop"'
    )


def test_a_topic_stands_for_its_broker(phrasebook) -> None:
    passes(
        phrasebook,
        'When I publish a message to "shipments":\n  | order_id |\n  | 7        |\n'
        'Then there is exactly 1 message on "shipments"\nAnd there are no messages on "orders"',
    )


def test_an_auth_profile_that_is_not_there(phrasebook) -> None:
    outcome = phrasebook.run('When I send GET "/admin/orders" to "shop" signed in as "admn"')
    assert isinstance(outcome.error, ConfigError)
    assert 'Did you mean "admin"?' in outcome.message


# -- answers that are none, or not what can be compared


def test_without_an_answer_every_phrase_says_why(phrasebook) -> None:
    for then in (
        "the response status is 200",
        'the response at "id" is 1',
        'the response header "Content-Type" is "x"',
        'the response body contains "x"',
        "the response took at most 5 seconds",
    ):
        said = failure(phrasebook, f'When I send GET "/reset" to "shop"\nThen {then}')
        assert "closed" in said, said


def test_a_body_that_is_not_json_says_what_it_is(phrasebook) -> None:
    said = failure(
        phrasebook,
        'When I send GET "/file" to "shop"\nThen the response matches:\n  | a |\n  | 1 |',
    )
    assert "(text/plain) cannot be compared: it is not JSON" in said
    assert "Hello from a file" in said


def test_a_status_that_is_wrong_shows_the_request_and_the_body(phrasebook) -> None:
    said = failure(
        phrasebook, 'When I send GET "/nowhere" to "shop"\nThen the response status is 200'
    )
    lines = said.splitlines()
    assert lines[0] == "the status is 404 Not Found; wanted 200"
    assert lines[1].startswith("GET http://127.0.0.1:")
    assert lines[2] == 'The body says: {"error": "there is nothing here"}'


def test_a_phrase_about_a_response_before_there_is_one(phrasebook) -> None:
    said = mistake(phrasebook, "Then the response status is 200")
    assert "there is no response yet" in said
    assert said.startswith("features/example.feature:3: ")


# -- waiting


def test_too_many_end_a_wait_at_once(phrasebook) -> None:
    started = time.monotonic()
    said = failure(
        phrasebook,
        'When I send POST "/pay" to "shop" with JSON:\n  | amount |\n  | 450    |\n'
        "And I send the same request again\n"
        'Then within 10 minutes "bank" received exactly 1 "POST /charges" call',
    )
    assert "it cannot come true any more" in said
    assert '"bank" received 2 calls of "POST /charges"; wanted exactly 1' in said
    assert time.monotonic() - started < 300


def test_a_then_does_not_send_what_may_change_something(phrasebook) -> None:
    said = mistake(phrasebook, 'Then POST "/orders" from "shop" answers 201')
    assert "POST may change the system, and a Then only looks" in said


def test_a_then_that_acts_is_refused_by_the_channel(phrasebook) -> None:
    from avow.gherkin import install

    def acts(context):
        context.world.http["shop"].send("POST", "/break")

    registry = install()
    registry.add_step_definition("then", "something is broken", acts)
    outcome = phrasebook.run("Then something is broken")
    assert isinstance(outcome.error, ThenCannotAct)
    registry.steps["then"] = [
        each for each in registry.steps["then"] if each.pattern != "something is broken"
    ]
    registry._changed()


# -- claims


def test_nothing_else_happened_counts_what_no_step_spoke_of(phrasebook) -> None:
    pay = 'When I send POST "/pay" to "shop" with JSON:\n  | amount |\n  | 450    |\n'
    invite = 'And I send POST "/invite" to "shop" with JSON:\n  | email |\n  | ada@b.cd |\n'
    said = failure(
        phrasebook,
        f'{pay}{invite}Then "bank" received a "POST /charges" call\nAnd nothing else happened',
    )
    assert said.splitlines()[0] == "1 thing happened that no step speaks of:"
    assert "post: mail to ada@b.cd: Welcome Ada" in said
    passes(
        phrasebook,
        f'{pay}{invite}Then "bank" received a "POST /charges" call\n'
        'And "post" received a mail to "ada@b.cd"\nAnd nothing else happened',
    )


def test_a_negated_phrase_claims_nothing(phrasebook) -> None:
    said = failure(
        phrasebook,
        'When I send POST "/pay" to "shop" with JSON:\n  | amount |\n  | 450    |\n'
        'Then it is not true that "bank" received exactly 2 "POST /charges" calls\n'
        "And nothing else happened",
    )
    assert "1 thing happened" in said


# -- mistakes in tables and documents


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (
            'Given requests to "shop" have the header:\n  | nmae | value |\n  | a | b |',
            "    | nmae | value |\n      ^^^^",
        ),
        (
            'When I send POST "/x" to "shop" with JSON:\n  """\n  {"a": }\n  """',
            "this is not JSON",
        ),
        (
            'When I send this request to "shop":\n  """\n  FETCH /x\n  """',
            "this is not the first line of a request",
        ),
        (
            'When I send this request to "shop":\n  """\n  GET /x\n  Accept html\n  """',
            "features/example.feature:6: this is not a header\n    Accept html\n    ^",
        ),
        (
            'When I send GET "/greeting" to "shop"\n'
            "Then the response has the header:\n  | name | value |\n  | A | <uid> |",
            "    | A | <uid> |\n          ^^^^^",
        ),
        (
            'When I send POST "/x" to "shop" with the parts:\n'
            "  | name | value | file |\n  | a | b | data/order.json |",
            "a part is a value or a file, not both",
        ),
        (
            'When I send GET "/x" to "shop" 0 times at once',
            "0 requests at once are not from 1 to 64",
        ),
        ('Given "bank" answers "POST /charges" with 2xx', "a stub answers with one status"),
        (
            'Given "bank" answers "POST /charges" in turn with:\n  | status |\n  | 20 |',
            '"20" is not a status',
        ),
        (
            'Given "bank" answers "POST /charges" with 503 0 times and then with 200',
            "0 times is not at least once",
        ),
        ("When I send the same request again", "no request has been sent"),
        ("When I publish the same message again", "no message has been published"),
        ("Then no item is on the pages twice", "no pages have been read"),
        (
            "Then exactly 1 of the responses has the status 200",
            "nothing has been sent at once",
        ),
        (
            'Then the table "products" of "db" is as it was noted',
            'Begin with: Given the table "products" of "db" is noted',
        ),
        (
            'Given the table "products" of "db" has the row:\n  """\n  [1]\n  """',
            "a row is a JSON object",
        ),
        (
            'When I send GET "/greeting" to "shop"\nThen the request failed because of "timeuot"',
            'Did you mean "timeout"?',
        ),
        (
            'When I send GET "/greeting" to "shop"\nThen the response at "a..b" is 1',
            '"a..b" is not a path into data',
        ),
        ('Then "post" is healthy', '"post" is not an HTTP service'),
    ],
)
def test_mistakes_are_told_at_their_place(phrasebook, steps, said) -> None:
    outcome = phrasebook.run(steps)
    assert outcome.error is not None
    assert not isinstance(outcome.error, AssertionError)
    assert said in outcome.message
    assert "features/example.feature:" in outcome.message


# -- pages, bytes


def test_pages_without_an_end_are_noticed(phrasebook) -> None:
    phrasebook_path = "/catalogue?size=2&page=0&overlap=1"
    passes(phrasebook, f'When I read all pages of "{phrasebook_path}" from "shop"')
    said = failure(phrasebook, 'When I read all pages of "/nowhere" from "shop"')
    assert "page 1 (/nowhere) answers 404 Not Found" in said
    said = failure(
        phrasebook,
        'When I read all pages of "/greeting" from "shop"\nThen the pages hold no items',
    )
    assert "the page holds no list, or several" in said


def test_bytes_that_differ_say_where(phrasebook) -> None:
    said = failure(
        phrasebook,
        'When I send POST "/echo" to "shop" with the text:\n  """\n  Hello from a fire.\n  """\n'
        'Then the response body is the file "data/greeting.txt"',
    )
    assert "they part at byte 16: saw b're.', wanted b'le.\\n'" in said


# -- a feature in evidence


def test_secrets_are_known_to_the_redactor_once_used(phrasebook) -> None:
    outcome = passes(
        phrasebook,
        'When I send GET "/greeting?name=${secret:ADMIN}" to "shop"\n'
        'Then the response body contains "${secret:ADMIN}"',
    )
    assert outcome.world.redactor.finds_in(b"phrasebook-admin-token")
