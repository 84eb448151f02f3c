@orders @critical
Feature: Everybody sees what is theirs
  Customers prove who they are by a key, staff by a token, and neither opens the other's door.

  Background:
    Given a customer Ada with an order of 30.00 EUR
    And a customer Grace with an order of 20.00 EUR

  Scenario: Without a key nothing is shown
    When somebody without a key asks for the order
    Then they are asked who they are

  Scenario: A made-up key opens nothing
    When somebody with a made-up key asks for the order
    Then they are asked who they are

  Scenario: Another customer's order does not exist
    When Ada asks for Grace's order
    Then there is no such order for them

  Scenario: Nobody pays for another customer
    When Ada pays Grace's order by card
    Then there is no such order for them
    And Grace's order is "awaiting payment"
    And nothing else happened

  Scenario: Staff sees the orders of all customers
    When the auditor lists the orders of all customers
    Then they see Ada's order
    And they see Grace's order

  Scenario: A customer is not staff
    When Ada lists the orders of all customers
    Then they are asked who they are

  Scenario: An auditor looks and does not touch
    When the auditor refunds the order
    Then they are told that they may not do this
    And nothing else happened

  Scenario Outline: A token that the shop did not give opens nothing
    When somebody lists the orders of all customers with a token that <flaw>
    Then they are asked who they are

    Examples:
      | flaw                    |
      | has expired             |
      | another shop has signed |
      | nobody has signed       |
