@orders
Feature: Placing an order
  An order is what the customer meant, at the price that was shown, and in stock.

  Background:
    Given a customer
    And these products:
      | product | price     | stock |
      | lamp    | 42.50 EUR | 3     |
      | candle  | 1.99 EUR  | 100   |
      | teapot  | 18.00 GBP | 10    |

  Rule: An order is placed as a whole, or refused with all its mistakes

    Scenario: Several products in one order
      When the customer orders:
        | product | quantity |
        | lamp    | 2        |
        | candle  | 5        |
      Then the order is placed
      And the order costs 94.95 EUR
      And the order is "awaiting payment"
      And 1 of "lamp" are left
      And 95 of "candle" are left
      And nothing else happened

    Scenario Outline: A quantity that nobody can deliver
      When the customer orders:
        | product | quantity   |
        | lamp    | <quantity> |
      Then the order is refused because of:
        | place             | reason                                |
        | /lines/0/quantity | must be a whole number from 1 to 1000 |
      And 3 of "lamp" are left

      Examples:
        | quantity |
        | 0        |
        | -1       |
        | 1.5      |
        | 1001     |
        | two      |
        | true     |

    Scenario: All mistakes are told at once
      When the customer orders:
        | product | quantity |
        | lamp    | 0        |
        | candle  | 3        |
        | candle  | many     |
      Then the order is refused because of:
        | place             | reason                                |
        | /lines/0/quantity | must be a whole number from 1 to 1000 |
        | /lines/2/sku      | is on an earlier line already         |
        | /lines/2/quantity | must be a whole number from 1 to 1000 |
      And 100 of "candle" are left

    Scenario: A product that does not exist
      When the customer orders:
        | product | quantity |
        | lamp    | 1        |
        | unicorn | 1        |
      Then the order is refused because of:
        | place        | reason                        |
        | /lines/1/sku | is not a product of this shop |
      And 3 of "lamp" are left

    Scenario: An empty order
      When the customer sends this instead of an order:
        """
        {"lines": []}
        """
      Then the order is refused because of:
        | place  | reason                          |
        | /lines | must be a list of 1 to 50 lines |

    Scenario: Something that is no order at all
      When the customer sends this instead of an order:
        """
        two lamps, please
        """
      Then the order is refused: "The body is not JSON"

    Scenario: One order has one currency
      When the customer orders:
        | product | quantity |
        | lamp    | 1        |
        | teapot  | 1        |
      Then the order is refused: "One order has one currency"
      And 3 of "lamp" are left

  Rule: A key stands for one order

    Background:
      Given the customer has ordered 1 of "lamp" with the key "monday"

    Scenario: An order that is sent twice is placed once
      When the customer orders 1 of "lamp" with the key "monday"
      Then it is the order that was placed before
      And 2 of "lamp" are left

    Scenario: A key cannot stand for two different orders
      When the customer orders 2 of "lamp" with the key "monday"
      Then the order is refused: "This idempotency key belongs to another request"
      And 2 of "lamp" are left
