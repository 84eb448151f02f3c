@payments @critical
Feature: Nobody pays twice
  Networks fail in the middle of a payment. Customers click again. They pay once all the same.

  Background:
    Given a customer with an order of 42.50 EUR

  Scenario: The answer to a charge is lost
    Given Stripe charges the card and its answer is lost
    When the customer pays by card
    Then the payment succeeds
    And the order is "paid"
    And the customer was charged 42.50 EUR exactly once
    And within 5 seconds the order is on its way, with a receipt

  Scenario: An impatient customer clicks twice
    Given Stripe accepts payments
    When the customer clicks twice on the button to pay
    Then within 5 seconds the order is "paid"
    And the customer was charged 42.50 EUR exactly once
    And within 5 seconds exactly one message on "orders" matches:
      | type       | order_id    |
      | order.paid | ${order.id} |
    And within 5 seconds a receipt for the order is stored in "receipts"
    And within 5 seconds a receipt is mailed to the customer
    And within 5 seconds the order is on its way, with a receipt
    And nothing else happened

  Scenario: An order that is paid is not charged again
    Given the customer has paid
    When the customer tries again
    Then the payment succeeds
    And the customer was charged 42.50 EUR exactly once

  Scenario Outline: The provider is in trouble for a moment and the customer does not notice
    Given Stripe <trouble> once and then accepts payments
    When the customer pays by card
    Then the payment succeeds
    And the order is "paid"
    And the customer was charged 42.50 EUR exactly once
    And within 5 seconds the order is on its way, with a receipt

    Examples:
      | trouble               |
      | answers 500           |
      | answers 429           |
      | does not answer       |
      | resets the connection |

  Scenario Outline: The provider is in trouble for long and the customer comes back later
    Given Stripe <trouble> time and again
    When the customer pays by card
    Then the customer is asked to try again later, and promised not to pay twice
    And the order is "awaiting payment"
    And the customer was not charged
    And nothing else happened

    Examples:
      | trouble               |
      | answers 500           |
      | answers 429           |
      | does not answer       |
      | resets the connection |

  Scenario: The provider never answers, and reports the payment later
    Given Stripe does not answer time and again
    And the customer has tried to pay
    When Stripe reports that the payment succeeded
    Then the report is acknowledged
    And the order is "paid"
    And within 5 seconds the order is on its way, with a receipt

  Scenario: Trying again after the provider's trouble pays the same order once
    Given Stripe answers 500 time and again
    And the customer has tried to pay
    And Stripe charges the card and its answer is lost
    When the customer tries again until an answer comes
    Then the payment succeeds
    And the customer was charged 42.50 EUR exactly once
    And every try carried the same idempotency key
    And within 5 seconds the order is on its way, with a receipt
