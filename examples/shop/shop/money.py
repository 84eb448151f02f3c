"""Amounts are whole numbers of a currency's smallest unit. Nothing here ever sees a float."""

from __future__ import annotations

# ISO 4217 says two digits for most currencies; these have none.
_WITHOUT_CENTS = frozenset(
    {
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    }
)

CURRENCIES = frozenset({"EUR", "USD", "GBP", "CHF", "JPY"})


def digits(currency: str) -> int:
    """Return how many digits follow the decimal point."""
    return 0 if currency in _WITHOUT_CENTS else 2


def text(minor: int, currency: str) -> str:
    """Return `42.50 EUR` for 4250."""
    places = digits(currency)
    if not places:
        return f"{minor} {currency}"
    whole, rest = divmod(minor, 10**places)
    return f"{whole}.{rest:0{places}d} {currency}"
