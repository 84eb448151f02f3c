@inventory
Feature: The warehouse packs what is paid
  Every paid order is packed once, whatever else comes over the wire.

  Scenario: A paid order is packed
    Given a customer with an order of 42.50 EUR
    And Stripe accepts payments
    When the customer pays by card
    Then within 5 seconds the order is packed
    And within 5 seconds the order is on its way, with a receipt

  Scenario: What is not paid is not packed
    Given a customer with an order of 42.50 EUR
    And Stripe declines the card: "insufficient_funds"
    When the customer pays by card
    Then for 300 milliseconds it is not true that the order is packed

  Scenario: A message that is delivered again packs nothing again
    Given a customer with a paid order of 42.50 EUR
    When the message "order.paid" of the order is delivered 3 more times
    Then for 300 milliseconds the shipment is "packed"
    And 99 of the product are left
    And nothing else happened

  Scenario: A refund that is delivered again puts nothing back twice
    Given a customer with a paid order of 42.50 EUR
    And staff has refunded the order
    When the message "order.refunded" of the order is delivered again
    Then for 300 milliseconds 100 of the product are left
    And nothing else happened

  Scenario Outline: A message that makes no sense is put aside
    When this message arrives on "orders":
      """
      <message>
      """
    Then within 5 seconds the message is put aside as "<reason>"
    And nothing else happened

    Examples:
      | message                                                        | reason             |
      | pack everything                                                | not JSON           |
      | {"type": "order.paid", "order_id": 1}                          | no id              |
      | {"id": "${uuid}", "type": "order.paid"}                        | no order_id        |
      | {"id": "${uuid}", "type": "order.paid", "order_id": 987654321} | no order 987654321 |

  Scenario: A message that makes no sense holds nobody up
    Given a customer with an order of 42.50 EUR
    And Stripe accepts payments
    And a message that makes no sense has arrived on "orders"
    When the customer pays by card
    Then within 5 seconds the order is packed
    And within 5 seconds the order is on its way, with a receipt

  Scenario: News that the warehouse does not know yet are left alone
    When this message arrives on "orders":
      """
      {"id": "${uuid}", "type": "order.gift-wrapped", "order_id": 1}
      """
    Then nothing else happened
