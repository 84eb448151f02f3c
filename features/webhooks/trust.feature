@webhooks @critical
Feature: Only Stripe is believed
  Anyone can send a report to the shop. It pays an order only if Stripe has signed it, a moment ago.

  Background:
    Given a customer with an order of 42.50 EUR
    And the bank wants to see who pays
    And the customer has tried to pay

  Scenario: A report from Stripe is believed
    When Stripe reports that the payment succeeded
    Then the report is acknowledged
    And the order is "paid"
    And within 5 seconds exactly one message on "orders" matches:
      | type       | order_id    | amount |
      | order.paid | ${order.id} | 4250   |
    And within 5 seconds the order is on its way, with a receipt

  Scenario Outline: A report that cannot be trusted pays nothing
    When Stripe reports that the payment succeeded, <how>
    Then the report is not believed
    And for 300 milliseconds it is not true that the order is "paid"
    And nothing else happened

    Examples:
      | how                              |
      | with the secret of somebody else |
      | with a signature that is too old |
      | without a signature              |
