"""The suite's own phrases about greetings: they say what, the shared phrases and support/ say how."""

from avow.gherkin import then, when
from avow.world import World


@when("{string} arrives")
def arrives(world: World, name: str) -> None:
    world.http["greeter"].send("GET", "/greeting", query={"name": name})


@then("they are greeted by name")
def greeted_by_name(world: World) -> None:
    exchange = world.http["greeter"].last()
    asked = exchange.data["request"]["query"]["name"][0]
    seen = exchange.bodies["response"].text() or ""
    assert asked in seen, f'the greeting is {seen!r}, which does not name "{asked}"'
