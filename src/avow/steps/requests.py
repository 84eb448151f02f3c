"""Requests: what a scenario sends over HTTP."""

from __future__ import annotations

from datetime import timedelta

from avow.core.errors import ScenarioFailure
from avow.gherkin import Block, Document, Table, given, when
from avow.steps import sending
from avow.steps.exchanges import answered, header_values, status_text
from avow.steps.judging import data_of
from avow.world import World

# -- Given: how requests to come are made


@given("requests to {resource} are authenticated as {string}")
def requests_are_authenticated(world: World, service: str, profile: str) -> None:
    """Send every later request to a service with an auth profile of avow.toml.

    Example:
        Given requests to "shop" are authenticated as "admin"
        When I send GET "/admin/orders" to "shop"
        Then the response status is 200

    Fails:
        Given requests to "shop" are authenticated as "visitor"
        When I send GET "/admin/orders" to "shop"
        Then the response status is 200
        # the status is 403
    """
    sending.defaults(world, service)["auth"] = profile


@given("requests to {resource} are not authenticated")
def requests_are_not_authenticated(world: World, service: str) -> None:
    """Send later requests to a service without an auth profile again.

    Example:
        Given requests to "shop" are authenticated as "admin"
        And requests to "shop" are not authenticated
        When I send GET "/admin/orders" to "shop"
        Then the response status is 401

    Fails:
        Given requests to "shop" are authenticated as "admin"
        And requests to "shop" are not authenticated
        When I send GET "/admin/orders" to "shop"
        Then the response status is 200
        # the status is 401
    """
    sending.defaults(world, service).pop("auth", None)


@given("requests to {resource} have the header(s)")
def requests_have_headers(world: World, service: str, *, table: Table) -> None:
    """Send later requests to a service with these headers too.

    Example:
        Given requests to "shop" have the header:
          | name            | value |
          | Accept-Language | fr    |
        When I send GET "/greeting" to "shop"
        Then the response body contains "Bonjour"

    Fails:
        Given requests to "shop" have the header:
          | name            | value |
          | Accept-Language | en    |
        When I send GET "/greeting" to "shop"
        Then the response body contains "Bonjour"
        # wanted a text that contains "Bonjour"
    """
    sending.defaults(world, service).setdefault("headers", []).extend(table.pairs())


@given("requests to {resource} time out after {duration}")
def requests_time_out(world: World, service: str, time: timedelta) -> None:
    """Give later requests to a service a deadline of their own.

    Example:
        Given requests to "shop" time out after 50 ms
        When I send GET "/slow" to "shop"
        Then the request timed out

    Fails:
        Given requests to "shop" time out after 5 seconds
        When I send GET "/greeting" to "shop"
        Then the request timed out
        # an answer came: 200
    """
    sending.defaults(world, service)["timeout"] = time


@given("the cookies of {resource} are forgotten")
def forget_cookies(world: World, service: str) -> None:
    """Send no cookie any more that the service has set in this scenario: another browser.

    Example:
        When I send POST "/login" to "shop"
        And I send GET "/me" to "shop"
        Then the response status is 200
        Given the cookies of "shop" are forgotten
        When I send GET "/me" to "shop"
        Then the response status is 401

    Fails:
        When I send POST "/login" to "shop"
        Given the cookies of "shop" are forgotten
        When I send GET "/me" to "shop"
        Then the response status is 200
        # the status is 401
    """
    world.http[service].forget_cookies()


# -- When: one request


@when("I send {method} {string} to {resource}")
def send(world: World, method: str, path: str, service: str) -> None:
    """Send a request without a body; what comes back is `the response`.

    Example:
        When I send GET "/greeting?name=Ada" to "shop"
        Then the response status is 200

    Fails:
        When I send GET "/nowhere" to "shop"
        Then the response status is 200
        # the status is 404
    """
    sending.send(world, service, method, path)


@when("I send {method} {string} to {resource} signed in as {string}")
def send_as(world: World, method: str, path: str, service: str, profile: str) -> None:
    """Send a request with an auth profile of the service.

    Example:
        When I send GET "/admin/orders" to "shop" signed in as "admin"
        Then the response status is 200

    Fails:
        When I send GET "/admin/orders" to "shop" signed in as "visitor"
        Then the response status is 200
        # the status is 403
    """
    sending.send(world, service, method, path, auth=profile)


@when("I send {method} {string} to {resource} with JSON")
def send_json(world: World, method: str, path: str, service: str, *, block: Block) -> None:
    """Send a request with a JSON body: a docstring as it stands, or an object made of a row.

    Several rows make a list of objects.

    Example:
        When I send POST "/orders" to "shop" with JSON:
          | sku | quantity |
          | tea | 2        |
        Then the response status is 201

    Fails:
        When I send POST "/orders" to "shop" with JSON:
          '''
          {"sku": "tea", "quantity": 0}
          '''
        Then the response status is 201
        # the status is 422
    """
    sending.send(world, service, method, path, json=data_of(block))


@when("I send {method} {string} to {resource} signed in as {string} with JSON")
def send_json_as(
    world: World, method: str, path: str, service: str, profile: str, *, block: Block
) -> None:
    """Send a JSON body with an auth profile of the service.

    Example:
        When I send POST "/admin/products" to "shop" signed in as "admin" with JSON:
          | sku    | price |
          | coffee | 700   |
        Then the response status is 201

    Fails:
        When I send POST "/admin/products" to "shop" signed in as "visitor" with JSON:
          | sku    | price |
          | coffee | 700   |
        Then the response status is 201
        # the status is 403
    """
    sending.send(world, service, method, path, auth=profile, json=data_of(block))


@when("I send {method} {string} to {resource} with the form")
def send_form(world: World, method: str, path: str, service: str, *, table: Table) -> None:
    """Send a form as a browser does (application/x-www-form-urlencoded).

    Example:
        When I send POST "/echo" to "shop" with the form:
          | name | value |
          | size | xl    |
        Then the response body contains "size=xl"

    Fails:
        When I send POST "/echo" to "shop" with the form:
          | name | value |
          | size | s     |
        Then the response body contains "size=xl"
        # wanted a text that contains "size=xl"
    """
    sending.send(world, service, method, path, form=table.pairs())


@when("I send {method} {string} to {resource} with the parts")
def send_parts(world: World, method: str, path: str, service: str, *, table: Table) -> None:
    """Send multipart/form-data; a part is a value, or a file under the suite's root.

    Example:
        When I send POST "/echo" to "shop" with the parts:
          | name  | value   | file             |
          | title | A photo |                  |
          | photo |         | data/greeting.txt |
        Then the response body contains "A photo"
        And the response body contains "Hello from a file"

    Fails:
        When I send POST "/echo" to "shop" with the parts:
          | name  | file              |
          | photo | data/greetin.txt  |
        Then the response status is 200
        # Did you mean "greeting.txt"?
    """
    fields, files = sending.parts(world, table)
    sending.send(world, service, method, path, form=fields, files=files)


@when("I send {method} {string} to {resource} with the text")
def send_text(world: World, method: str, path: str, service: str, *, document: Document) -> None:
    """Send a docstring as it stands; the word after its quotes is the content type.

    Example:
        When I send POST "/orders" to "shop" with the text:
          '''application/json
          {"sku": "tea",
          '''
        Then the response status is 400

    Fails:
        When I send POST "/echo" to "shop" with the text:
          '''
          hello
          '''
        Then the response body contains "bye"
        # wanted a text that contains "bye"
    """
    headers = [("Content-Type", document.kind)] if document.kind else []
    sending.send(world, service, method, path, headers=headers, text=document.text)


@when("I send {method} {string} to {resource} with the file {string}")
def send_file(world: World, method: str, path: str, service: str, file: str) -> None:
    """Send a file under the suite's root as the body; its name says the content type.

    Example:
        When I send POST "/orders" to "shop" with the file "data/order.json"
        Then the response status is 201

    Fails:
        When I send POST "/echo" to "shop" with the file "data/greeting.txt"
        Then the response body contains "Good bye"
        # wanted a text that contains "Good bye"
    """
    content, headers = sending.file(world, file)
    sending.send(world, service, method, path, headers=headers, body=content)


@when("I send {method} {string} to {resource} with the query")
def send_query(world: World, method: str, path: str, service: str, *, table: Table) -> None:
    """Send a request with these query parameters, encoded as they must be.

    Example:
        When I send GET "/greeting" to "shop" with the query:
          | name | value         |
          | name | Ada & Charles |
        Then the response at "greeting" is "Hello, Ada & Charles!"

    Fails:
        When I send GET "/greeting" to "shop" with the query:
          | name | value |
          | name | Ada   |
        Then the response at "greeting" is "Hello, Grace!"
        # wanted "Hello, Grace!", saw "Hello, Ada!"
    """
    sending.send(world, service, method, path, query=table.pairs())


@when("I send {method} {string} to {resource} with the header(s)")
def send_headers(world: World, method: str, path: str, service: str, *, table: Table) -> None:
    """Send a request with these headers.

    Example:
        When I send GET "/greeting" to "shop" with the header:
          | name            | value |
          | Accept-Language | fr    |
        Then the response body contains "Bonjour"

    Fails:
        When I send GET "/greeting" to "shop" with the header:
          | name            | value |
          | Accept-Language | en    |
        Then the response body contains "Bonjour"
        # wanted a text that contains "Bonjour"
    """
    sending.send(world, service, method, path, headers=table.pairs())


@when("I send this request to {resource}")
def send_this(world: World, service: str, *, document: Document) -> None:
    """Send a request written out: its first line, headers, an empty line, the body.

    Example:
        When I send this request to "shop":
          '''
          POST /orders
          Content-Type: application/json
          Idempotency-Key: ${uuid}

          {"sku": "tea", "quantity": 1}
          '''
        Then the response status is 201

    Fails:
        When I send this request to "shop":
          '''
          GET /nowhere
          Accept: text/html
          '''
        Then the response status is 200
        # the status is 404
    """
    method, path, options = sending.written_out(document)
    sending.send(world, service, method, path, **options)


@when("I send the same request again")
def send_again(world: World) -> None:
    """Send the last request once more, with the very same headers and body.

    Example:
        When I send POST "/orders" to "shop" with JSON:
          | sku | quantity |
          | tea | 1        |
        And I send the same request again
        Then the response status is 201

    Fails:
        When I send GET "/nowhere" to "shop"
        And I send the same request again
        Then the response status is 200
        # the status is 404
    """
    sending.send_again(world)


@when("I send {method} {string} to {resource} {int} times at once")
def send_together(world: World, method: str, path: str, service: str, times: int) -> None:
    """Send the same request several times at the same moment, each on a connection of its own.

    Example:
        When I send GET "/greeting" to "shop" 3 times at once
        Then exactly 3 of the responses have the status 200

    Fails:
        When I send GET "/nowhere" to "shop" 2 times at once
        Then at least 1 of the responses has the status 200
        # none of 2 responses has the status 200; wanted at least 1
    """
    sending.send_together(world, service, method, path, times)


@when("I send {method} {string} to {resource} {int} times at once with JSON")
def send_json_together(
    world: World, method: str, path: str, service: str, times: int, *, block: Block
) -> None:
    """Send a JSON body several times at the same moment: a race for the last item.

    Example:
        When I send POST "/last-item" to "shop" 3 times at once with JSON:
          | sku      |
          | ${uuid}  |
        Then exactly 1 of the responses has the status 201
        And exactly 2 of the responses have the status 409

    Fails:
        When I send POST "/last-item" to "shop" 3 times at once with JSON:
          | sku      |
          | ${uuid}  |
        Then exactly 3 of the responses have the status 201
        # 1 of 3 responses has the status 201; wanted exactly 3
    """
    sending.send_together(world, service, method, path, times, json=data_of(block))


@when("I follow the redirect")
def follow_redirect(world: World) -> None:
    """Get what the Location of the last response points to.

    Example:
        When I send GET "/moved" to "shop"
        And I follow the redirect
        Then the response at "greeting" is "Hello, Ada!"

    Fails:
        When I send GET "/greeting" to "shop"
        And I follow the redirect
        Then the response status is 200
        # the response is no redirect: 200 OK has no Location
    """
    entry = answered(world)
    target = header_values(entry, "Location")
    if not target:
        raise ScenarioFailure(f"the response is no redirect: {status_text(entry)} has no Location")
    sending.send(world, entry.resource, "GET", target[0])


@when("I read all pages of {string} from {resource}")
def read_all_pages(world: World, path: str, service: str) -> None:
    """Follow a list from page to page by its Link header or its field `next`, to the last.

    Example:
        When I read all pages of "/catalogue?size=2" from "shop"
        Then the pages hold exactly 5 items

    Fails:
        When I read all pages of "/catalogue?size=2" from "shop"
        Then the pages hold exactly 4 items
        # the 3 pages hold 5 items; wanted exactly 4
    """
    sending.walk(world, service, path)
