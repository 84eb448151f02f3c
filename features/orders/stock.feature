@orders @critical
Feature: Nobody buys what is not there
  The last item is sold to one customer, however many want it at the same moment.

  Background:
    Given a customer
    And these products:
      | product | price     | stock |
      | vase    | 80.00 EUR | 1     |
      | plate   | 12.00 EUR | 6     |

  Scenario: The last item is sold once
    When 5 customers order 1 of "vase" at the same moment
    Then exactly 1 of them gets an order
    And the others are told that it is sold out
    And 0 of "vase" are left

  Scenario: As many as there are can be sold at the same moment
    When 5 customers order 2 of "plate" at the same moment
    Then exactly 3 of them get an order
    And the others are told that it is sold out
    And 0 of "plate" are left

  Scenario: More than there are
    When the customer orders 2 of "vase"
    Then the order is refused: "There is not enough in stock"
    And 1 of "vase" are left
