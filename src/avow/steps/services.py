"""Services: whether what the suite runs on is well."""

from __future__ import annotations

from avow.core.errors import ScenarioFailure, SuiteError
from avow.gherkin import then
from avow.matchers import compare, describe
from avow.steps import sending
from avow.steps.exchanges import response_json, status_text
from avow.world import World


@then("{resource} is healthy")
def is_healthy(world: World, service: str) -> None:
    """Look at a service's health address, as declared in avow.toml; may be waited for.

    Example:
        Then within 5 seconds "shop" is healthy

    Fails:
        When I send POST "/break" to "shop"
        Then "shop" is healthy
        # "shop" is not healthy: GET /health answers 503
    """
    channel = world.http[service]
    health = world.settings.services[channel.name].health
    if not health.path:
        raise SuiteError(
            f'avow.toml does not say how "{service}" tells that it is well',
            advice=f'Add [services.{channel.name}] health = {{ path = "/health" }}.',
        )
    entry = sending.look(world, service, "GET", health.path)
    response = entry.data.get("response")
    if response is None or response["status"] != health.status:
        raise ScenarioFailure(
            f'"{service}" is not healthy: GET {health.path} answers {status_text(entry)}'
        )
    if health.json is not None:
        differences = compare(health.json, response_json(entry))
        if differences:
            raise ScenarioFailure(f'"{service}" is not healthy:\n{describe(differences)}')
