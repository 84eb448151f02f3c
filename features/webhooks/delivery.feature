@webhooks
Feature: Reports arrive at least once, in any order
  Stripe repeats what was not acknowledged, and a later report can overtake an earlier one.

  Background:
    Given a customer with an order of 42.50 EUR
    And the bank wants to see who pays
    And the customer has tried to pay

  Scenario: A report that comes three times counts once
    When Stripe reports 3 times that the payment succeeded
    Then the report is acknowledged
    And the order is "paid"
    And within 5 seconds exactly one message on "orders" matches:
      | type       | order_id    |
      | order.paid | ${order.id} |
    And within 5 seconds a receipt for the order is stored in "receipts"
    And within 5 seconds a receipt is mailed to the customer
    And within 5 seconds the order is on its way, with a receipt
    And nothing else happened

  Scenario: A report is repeated after the order was packed
    Given Stripe has reported that the payment succeeded
    When Stripe reports the same again
    Then the report is acknowledged
    And nothing else happened

  Scenario: A recorded report is of no use to anybody
    Given Stripe has reported that the payment succeeded
    When somebody who has recorded the report sends it again
    Then the order is "paid"
    And nothing else happened

  Scenario: An old failure does not undo a payment
    Given Stripe has reported that the payment succeeded
    When Stripe reports that the payment failed: "insufficient_funds"
    Then the report is acknowledged
    And the order is "paid"
    And nothing else happened

  Scenario: A refund overtakes its payment
    Given Stripe has reported a refund of 42.50 EUR
    When Stripe reports that the payment succeeded
    Then the report is acknowledged
    And the order is "refunded"
    And for 300 milliseconds it is not true that the order is packed

  Scenario: A report of a kind that the shop has no use for
    When Stripe reports something that the shop has no use for
    Then the report is acknowledged
    And the order is "awaiting payment"
    And nothing else happened

  Scenario: A report about a payment of another shop
    When Stripe reports a payment that the shop knows nothing of
    Then the report is acknowledged
    And nothing else happened
