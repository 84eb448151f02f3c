"""Amounts as people write them: `42.50 EUR`, `500 JPY`."""

from __future__ import annotations

import re
from dataclasses import dataclass

PATTERN = r"\d+(?:\.\d+)? [A-Z]{3}"
_WITHOUT_CENTS = frozenset({"JPY"})


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` counts the currency's smallest unit."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, text: str) -> Money:
        """Return the amount; raises ValueError for one that the currency cannot express."""
        number, currency = text.split(" ")
        digits = 0 if currency in _WITHOUT_CENTS else 2
        whole, _, rest = number.partition(".")
        if not re.fullmatch(rf"\d{{{digits}}}", rest) and rest:
            raise ValueError(f"{currency} has {digits} digits after the point, not {len(rest)}")
        return cls(int(whole + rest.ljust(digits, "0")), currency)

    def __str__(self) -> str:
        digits = 0 if self.currency in _WITHOUT_CENTS else 2
        text = str(self.minor).rjust(digits + 1, "0")
        return f"{text[: -digits or None]}{'.' + text[-digits:] if digits else ''} {self.currency}"
