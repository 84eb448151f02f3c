"""Made-up values from a scenario's own seed: the same seed, the same values in the same order."""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Callable

from avow.core.errors import SuiteError, did_you_mean

_LETTERS = string.ascii_lowercase
_FIRST = "Ada Alan Barbara Dennis Donald Edsger Frances Grace Hedy Joan Karen Lynn Niklaus Radia"
_LAST = "Allen Bartik Clarke Goldberg Hamilton Hopper Johnson Knuth Lamarr Liskov Lovelace Perlman"
_WORDS = (
    "amber anchor apple basil birch brook candle canyon cedar cloud copper coral daisy ember "
    "falcon fern field garden ginger harbor hazel honey island ivory juniper lantern lemon "
    "linen maple meadow mint nutmeg ocean olive orchid pearl pepper pine plum quartz raven "
    "river saffron sage silver spruce summit thyme tulip velvet violet walnut willow"
)
_CITIES = "Aarhus Bergen Bristol Ghent Girona Graz Kraków Leipzig Lyon Malmö Porto Tartu Turin"
_COUNTRIES = "AT BE CZ DE DK EE ES FI FR IE IT LT NL NO PL PT SE"
_STREETS = "Bridge Castle Garden Harbour High Mill Orchard School Station Tower"


class Random:
    """The generator of one scenario."""

    def __init__(self, seed: int | str) -> None:
        self.seed = seed
        self.source = random.Random(f"avow:{seed}")

    def uuid(self) -> str:
        """Return a random (version 4) UUID."""
        return str(uuid.UUID(int=self.source.getrandbits(128), version=4))

    def value(self, kind: str) -> str:
        """Return a new value (`email`, `int:1-6`, `digits:12`); raises SuiteError with the list."""
        name, _, size = kind.partition(":")
        maker = self._makers().get(name)
        if maker is None:
            raise SuiteError(
                f'there is no random "{name}"',
                advice=did_you_mean(name, self._makers(), what="kinds"),
            )
        return maker(size)

    def kinds(self) -> list[str]:
        return sorted(self._makers())

    def _makers(self) -> dict[str, Callable[[str], str]]:
        pick = self.source.choice
        return {
            "uuid": lambda _: self.uuid(),
            "first name": lambda _: pick(_FIRST.split()),
            "last name": lambda _: pick(_LAST.split()),
            "name": lambda _: f"{pick(_FIRST.split())} {pick(_LAST.split())}",
            # RFC 2606: nobody can own these names, so no mail ever reaches a person.
            "email": lambda _: (
                f"{pick(_FIRST.split()).lower()}.{self._text(_LETTERS, 8)}@example.com"
            ),
            "phone": lambda _: f"+3225550{self._text(string.digits, 3)}",
            "word": lambda _: pick(_WORDS.split()),
            "words": lambda size: " ".join(self.source.sample(_WORDS.split(), self._size(size, 3))),
            "sentence": lambda _: (
                " ".join(self.source.sample(_WORDS.split(), 6)).capitalize() + "."
            ),
            "int": self._int,
            "amount": lambda size: f"{int(self._int(size or '100-99999')) / 100:.2f}",
            "digits": lambda size: self._text(string.digits, self._size(size, 8)),
            "letters": lambda size: self._text(string.ascii_lowercase, self._size(size, 8)),
            "hex": lambda size: self._text("0123456789abcdef", self._size(size, 16)),
            "boolean": lambda _: pick(("true", "false")),
            "city": lambda _: pick(_CITIES.split()),
            "country": lambda _: pick(_COUNTRIES.split()),
            "street": lambda _: f"{pick(_STREETS.split())} Street {self.source.randint(1, 199)}",
            "ip": lambda _: f"192.0.2.{self.source.randint(1, 254)}",
            "url": lambda _: f"https://example.com/{self._text(string.ascii_lowercase, 8)}",
        }

    def _text(self, letters: str, size: int) -> str:
        return "".join(self.source.choices(letters, k=size))

    def _size(self, size: str, default: int) -> int:
        if not size:
            return default
        if not size.isdecimal() or not 1 <= int(size) <= 10_000:
            raise SuiteError(f'":{size}" is not a size from 1 to 10000')
        return min(int(size), len(_WORDS.split())) if default == 3 else int(size)

    def _int(self, bounds: str) -> str:
        low, dash, high = (bounds or "1-1000000").partition("-")
        if not (dash and low.isdecimal() and high.isdecimal() and int(low) <= int(high)):
            raise SuiteError(f'":{bounds}" are no bounds', advice="Write ${random.int:1-6}.")
        return str(self.source.randint(int(low), int(high)))
