"""The suite's own phrases about greetings: they say what, shared phrases and support/ say how."""

from avow.gherkin import then, when
from avow.steps import requests, responses
from avow.world import World


@when("{string} arrives")
def arrives(world: World, name: str) -> None:
    world.memory.remember("guest", name)
    requests.send(world, "GET", f"/greeting?name={name}", "greeter")


@then("they are greeted by name")
def greeted_by_name(world: World) -> None:
    responses.body_contains(world, world.memory.recall("guest"))
