"""Words that phrases of several files share."""

from __future__ import annotations

from avow.gherkin import parameter_type
from support.money import PATTERN, Money

#: The one whom a scenario is about; others have names.
THE_CUSTOMER = "the customer"

parameter_type("money", PATTERN, Money.parse)
parameter_type("customer", rf"{THE_CUSTOMER}|[A-Z][a-z]+", str)
