@payments
Feature: Payments that the bank wants to see confirmed
  Some banks ask the card's owner to prove who they are (3-D Secure). Until then nothing is paid.

  Background:
    Given a customer with an order of 42.50 EUR
    And the bank wants to see who pays

  Scenario: The order waits for the bank
    When the customer pays by card
    Then the customer is sent to the bank
    And the order is "awaiting payment"
    And the customer was not charged
    And for 500 milliseconds it is not true that the order is "paid"
    And nothing else happened

  Scenario: The customer comes back from the bank
    Given the customer has tried to pay
    When the customer comes back from the bank
    Then the payment succeeds
    And the order is "paid"
    And the customer was charged 42.50 EUR exactly once
    And within 5 seconds the order is on its way, with a receipt

  Scenario: The customer closes the window and the bank confirms all the same
    Given the customer has tried to pay
    When Stripe reports that the payment succeeded
    Then the report is acknowledged
    And the order is "paid"
    And within 5 seconds the order is on its way, with a receipt

  Scenario: The bank does not believe the customer
    Given the customer has tried to pay
    When Stripe reports that the payment failed: "authentication_required"
    Then the order is "payment failed"
    And within 5 seconds exactly one message on "orders" matches:
      | type           | order_id    | reason                  |
      | payment.failed | ${order.id} | authentication_required |
    And the customer was not charged
    And nothing else happened

  Scenario: Paying again while the bank waits leads to the same bank page
    Given the customer has tried to pay
    When the customer tries again
    Then the customer is sent to the bank
    And the customer was not charged
    And nothing else happened
