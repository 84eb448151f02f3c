"""The floor of the house: ledger, events, errors, waiting, secrets, text."""
