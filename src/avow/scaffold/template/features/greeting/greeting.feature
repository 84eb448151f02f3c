Feature: Greeting people
  Whoever comes is greeted by name.

  Scenario: A guest is greeted by name
    When "Ada" arrives
    Then they are greeted by name

  Scenario: The greeting can be read by machines
    When I send GET "/greeting?name=Grace" to "greeter"
    Then the response status is 200
    And the response matches:
      | greeting      |
      | Hello, Grace! |

  Scenario: Without a name there is nobody to greet
    When I send GET "/greeting" to "greeter"
    Then the response status is 400
