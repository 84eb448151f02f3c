@payments
Feature: Refunds
  Money goes back the way it came, once, and the customer hears of it.

  Background:
    Given a customer with a paid order of 42.50 EUR

  Scenario: An order is refunded
    When staff refunds the order
    Then the refund is made
    And the order is "refunded"
    And 42.50 EUR were given back exactly once
    And within 5 seconds exactly one message on "orders" matches:
      | type           | order_id    |
      | order.refunded | ${order.id} |
    And within 5 seconds a mail tells the customer that 42.50 EUR are on their way back
    And within 5 seconds the shipment is "cancelled"
    And 100 of the product are left
    And nothing else happened

  Scenario: A part of an order is refunded
    When staff refunds 10.25 EUR of the order
    Then the refund is made
    And 10.25 EUR of the order are refunded
    And the order is "paid"
    And 10.25 EUR were given back exactly once
    And nothing else happened

  Scenario: More than was paid cannot be refunded
    When staff refunds 42.51 EUR of the order
    Then the refund is refused: "More than what was paid cannot be refunded"
    And nothing was given back
    And nothing else happened

  Scenario: An order is not refunded twice
    Given staff has refunded the order
    When staff refunds the order again
    Then the refund is refused: "This order is refunded"
    And 42.50 EUR were given back exactly once

  Scenario: A refund is repeated because the provider was in trouble
    Given Stripe answers 500 to every refund
    And staff has tried to refund the order
    And Stripe accepts payments
    When staff refunds the order again
    Then the refund is made
    And 42.50 EUR were given back exactly once
    And the order is "refunded"
    And within 5 seconds a mail tells the customer that 42.50 EUR are on their way back
    And within 5 seconds the shipment is "cancelled"

  Scenario: A refund made in Stripe's own dashboard
    When Stripe reports a refund of 42.50 EUR
    Then the report is acknowledged
    And the order is "refunded"
    And within 5 seconds a mail tells the customer that 42.50 EUR are on their way back
    And within 5 seconds the shipment is "cancelled"

  Scenario: What was not paid cannot be refunded
    Given a customer with an order of 10.00 EUR
    When staff refunds the order
    Then the refund is refused: "This order is awaiting payment"
    And nothing was given back
