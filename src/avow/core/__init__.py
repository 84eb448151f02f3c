"""The floor of the house: ledger, events, errors, waiting, secrets, text. Knows nothing else of avow."""
