"""Effects: what the system did to the outside world that no step spoke of."""

from __future__ import annotations

from avow.core.errors import ScenarioFailure
from avow.core.text import plural
from avow.gherkin import step, then
from avow.steps.judging import listed
from avow.world import World


@then("nothing else happened")
def nothing_else(world: World) -> None:
    """Check that every call, message, mail, object and change of a watched row was spoken of.

    It waits until all sources have been quiet for a while (`[effects] settle`), so that what comes
    late is seen too.

    Example:
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then "bank" received exactly 1 "POST /charges" call
        And nothing else happened

    Fails:
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then nothing else happened
        # 1 thing happened that no step speaks of
        # POST /charges
    """
    world.settle()
    left = world.unclaimed()
    if left:
        head = f"{plural(len(left), 'thing')} happened that no step speaks of:"
        lines = [
            f"  {each.resource}: {line.strip()}" for each in left[:20] for line in listed([each])
        ]
        more = [f"  and {len(left) - 20} more"] if len(left) > 20 else []
        names = sorted({each.resource for each in left})
        advice = (
            "Speak of it in a Then before this one, or say that it does not matter: "
            f'Given what "{names[0]}" is asked does not matter'
        )
        raise ScenarioFailure("\n".join([head, *lines, *more, advice]))


@step("what {resource} is asked does not matter")
def does_not_matter(world: World, resource: str) -> None:
    """Leave out a resource from `nothing else happened`: whatever comes to it is expected.

    Example:
        Given what "bank" is asked does not matter
        When I send POST "/pay" to "shop" with JSON:
          | amount |
          | 450    |
        Then nothing else happened

    Fails:
        Given what "bnak" is asked does not matter
        Then nothing else happened
        # Did you mean "bank"?
    """
    world.expect_anything(resource)
