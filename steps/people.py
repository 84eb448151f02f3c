"""Who takes part: customers and their orders."""

from __future__ import annotations

from support import shop
from support.money import Money

from avow.gherkin import given
from avow.world import World


@given("a customer")
def a_customer(world: World) -> None:
    shop.new_customer(world)


@given("a customer with an order of {money}")
def a_customer_with_an_order(world: World, price: Money) -> None:
    shop.new_customer(world)
    shop.place_order(world, shop.THE_CUSTOMER, price)


@given("a customer {customer} with an order of {money}")
def a_named_customer_with_an_order(world: World, name: str, price: Money) -> None:
    shop.new_customer(world, name)
    shop.place_order(world, name, price)


@given("a customer with a paid order of {money}")
def a_customer_with_a_paid_order(world: World, price: Money) -> None:
    a_customer_with_an_order(world, price)
    the_customer_has_paid(world, shop.THE_CUSTOMER)


@given("{customer} has paid")
def the_customer_has_paid(world: World, name: str) -> None:
    from support import stripe

    world.stubs["stripe"].arm(*stripe.accepts())
    shop.expect(world, shop.pay(world, name), 201, "take the payment")
    shop.wait_until_done(world, name)


@given("{customer} has tried to pay")
def the_customer_has_tried_to_pay(world: World, name: str) -> None:
    shop.pay(world, name)
    world.collect()
