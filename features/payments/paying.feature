@payments @critical
Feature: Paying for an order
  Customers get what they paid for, for exactly the price they were shown.

  Background:
    Given a customer with an order of 42.50 EUR

  Scenario: A payment succeeds
    Given Stripe accepts payments
    When the customer pays by card
    Then the payment succeeds
    And within 5 seconds the order is "paid"
    And within 5 seconds exactly one message on "orders" matches:
      | type       | order_id    | amount | currency |
      | order.paid | ${order.id} | 4250   | EUR      |
    And the customer was charged 42.50 EUR exactly once
    And Stripe received exactly 1 "POST /v1/payment_intents" call
    And within 5 seconds a receipt for the order is stored in "receipts"
    And within 5 seconds a receipt is mailed to the customer
    And within 5 seconds the order is on its way, with a receipt
    And nothing else happened

  Scenario Outline: The card is charged what the order costs, to the cent
    Given Stripe accepts payments
    And a customer Grace with an order of <price>
    When Grace pays by card
    Then the payment succeeds
    And Grace was charged <price> exactly once
    And within 5 seconds a message on "orders" matches:
      | type       | order_id          | amount   | currency   |
      | order.paid | ${Grace.order.id} | <amount> | <currency> |
    And within 5 seconds Grace's order is on its way, with a receipt

    Examples:
      | price        | amount  | currency |
      | 0.50 EUR     | 50      | EUR      |
      | 19.99 USD    | 1999    | USD      |
      | 12345.67 CHF | 1234567 | CHF      |
      | 500 JPY      | 500     | JPY      |

  Scenario Outline: A declined card
    Given Stripe declines the card: "<reason>"
    When the customer pays by card
    Then the payment is declined as "<reason>"
    And the order is "payment failed"
    And the customer was not charged
    And within 5 seconds exactly one message on "orders" matches:
      | type           | order_id    | reason   |
      | payment.failed | ${order.id} | <reason> |
    And nothing else happened

    Examples:
      | reason             |
      | insufficient_funds |
      | expired_card       |
      | lost_card          |

  Scenario: After a declined card, another card pays
    Given Stripe declines the card: "insufficient_funds"
    And the customer has tried to pay
    And Stripe accepts payments
    When the customer tries again with another card
    Then the payment succeeds
    And the order is "paid"
    And the customer was charged 42.50 EUR exactly once
    And within 5 seconds the order is on its way, with a receipt
