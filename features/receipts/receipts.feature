@receipts
Feature: Receipts
  Who has paid has a receipt: in the archive, and by mail. Nobody else learns of it.

  Scenario: A receipt is archived
    Given a customer with an order of 42.50 EUR
    And Stripe accepts payments
    When the customer pays by card
    Then within 5 seconds a receipt for the order is stored in "receipts"
    And the receipt says 42.50 EUR
    And the object "orders/${order.id}.json" in "receipts" matches:
      | order_id    | customer.email    | currency | lines[0].quantity |
      | ${order.id} | ${customer.email} | EUR      | 1                 |
    And within 5 seconds the order is on its way, with a receipt

  @critical
  Scenario: A receipt goes to who has paid and to nobody else
    Given a customer Ada with an order of 30.00 EUR
    And a customer Grace with an order of 20.00 EUR
    And Stripe accepts payments
    When Ada pays by card
    Then within 5 seconds a receipt is mailed to Ada
    And the mail says "We have received 30.00 EUR"
    And within 5 seconds Ada's order is on its way, with a receipt
    And for 300 milliseconds Grace gets no mail

  Scenario: Two customers, two receipts
    Given a customer Ada with an order of 30.00 EUR
    And a customer Grace with an order of 20.00 EUR
    And Stripe accepts payments
    And Ada has paid
    When Grace pays by card
    Then within 5 seconds a receipt is mailed to Grace
    And within 5 seconds Grace's order is on its way, with a receipt

  Scenario: A declined card gets no receipt
    Given a customer with an order of 42.50 EUR
    And Stripe declines the card: "insufficient_funds"
    When the customer pays by card
    Then the payment is declined as "insufficient_funds"
    And for 300 milliseconds the customer gets no mail
    And no receipt is stored

  Scenario: A message that is delivered again mails nothing again
    Given a customer with a paid order of 42.50 EUR
    When the message "order.paid" of the order is delivered again
    Then nothing else happened
