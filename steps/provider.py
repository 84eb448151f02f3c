"""How Stripe behaves in a scenario."""

from __future__ import annotations

from support import stripe

from avow.gherkin import given, parameter_type
from avow.world import World

parameter_type("trouble", "|".join(stripe.TROUBLE), str)


@given("Stripe accepts payments")
def accepts_payments(world: World) -> None:
    world.stubs["stripe"].arm(*stripe.accepts())


@given("Stripe declines the card: {string}")
def declines_the_card(world: World, reason: str) -> None:
    world.stubs["stripe"].arm(stripe.declines(reason))


@given("the bank wants to see who pays")
def the_bank_wants_to_see_who_pays(world: World) -> None:
    world.stubs["stripe"].arm(*stripe.accepts(), stripe.asks_the_bank())


@given("Stripe {trouble} once and then accepts payments")
def makes_trouble_once(world: World, trouble: str) -> None:
    once = stripe.first(stripe.CHARGE, stripe.TROUBLE[trouble], 1)
    world.stubs["stripe"].arm(*stripe.accepts())
    world.stubs["stripe"].arm(once)


@given("Stripe {trouble} time and again")
def makes_trouble(world: World, trouble: str) -> None:
    # Few enough to count and more than any client tries.
    world.stubs["stripe"].arm(stripe.first(stripe.CHARGE, stripe.TROUBLE[trouble], 50))


@given("Stripe charges the card and its answer is lost")
def loses_the_answer(world: World) -> None:
    world.stubs["stripe"].arm(*stripe.accepts())
    world.stubs["stripe"].arm(stripe.loses_the_answer(stripe.CHARGE, stripe.intent()))


@given("Stripe answers 500 to every refund")
def refuses_refunds(world: World) -> None:
    world.stubs["stripe"].arm(stripe.first(stripe.REFUND, stripe.TROUBLE["answers 500"], 50))
