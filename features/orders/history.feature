@orders
Feature: Looking back at one's orders
  Every order is found once, however the list is leafed through.

  Background:
    Given a customer Ada with an order of 30.00 EUR
    And a customer

  Scenario Outline: Leafing through all orders
    Given the customer has placed 7 orders
    When the customer reads all their orders, <size> a page
    Then they see each of the 7 orders once, oldest first
    And the number of pages is <pages>

    Examples:
      | size | pages |
      | 1    | 7     |
      | 3    | 3     |
      | 7    | 1     |
      | 100  | 1     |

  Scenario: A customer without orders
    When the customer reads all their orders, 10 a page
    Then they see each of the 0 orders once, oldest first

  Scenario Outline: A page size that makes no sense
    When the customer asks for pages of <size> orders
    Then the request is refused because of:
      | place  | reason                               |
      | ?limit | must be a whole number from 1 to 100 |

    Examples:
      | size |
      | 0    |
      | 101  |
      | -5   |
