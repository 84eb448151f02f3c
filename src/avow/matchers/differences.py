"""What a comparison returns: the differences, each with its path. No difference is a match."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from avow.core.errors import nearest
from avow.core.text import plural, shortened

#: A path is a chain from the leaf up, so that walking costs a tuple and no text: (parent, key).
Way = tuple[Any, Any] | None

#: Characters of a value that a message shows.
SHOWN = 200


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is not as wanted.

    `wanted` and `seen` are as they show in a message ("" where there is nothing to show); `what`
    says what is wrong with it. `nearest` are the differences of the closest candidate, where there
    is one.
    """

    path: str
    wanted: str
    seen: str
    what: str
    nearest: tuple[Difference, ...] = ()

    @property
    def text(self) -> str:
        head = f"{self.path}: " if self.path else ""
        lines = [head + self.what]
        lines += [f"  {line}" for each in self.nearest for line in each.text.splitlines()]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text


def describe(differences: Sequence[Difference], limit: int = 50) -> str:
    """Return all differences as text, a line each and more for those of a nearest candidate."""
    lines = [f"- {each.text}".replace("\n", "\n  ") for each in differences[:limit]]
    if len(differences) > limit:
        lines.append(f"- and {plural(len(differences) - limit, 'more difference')}")
    return "\n".join(lines)


def path_text(way: Way) -> str:
    """Return `customer.items[0]["odd key"]` for a chain of keys."""
    keys: list[Any] = []
    while way is not None:
        way, key = way
        keys.append(key)
    text = ""
    for key in reversed(keys):
        if isinstance(key, int):
            text += f"[{key}]"
        elif isinstance(key, Start):
            text += key
        elif _is_plain(str(key)):
            text += f".{key}" if text else str(key)
        else:
            text += f"[{json.dumps(str(key), ensure_ascii=False)}]"
    return text


class Start(str):
    """The name of what is compared, at the head of every path."""

    __slots__ = ()


def _is_plain(key: str) -> bool:
    return bool(key) and not any(mark in key for mark in ' .[]"\n')


def shown(value: Any) -> str:
    """Return a value as it shows in a message: JSON, in one line, shortened in its middle."""
    if isinstance(value, str) and len(value) > 4 * SHOWN:
        value = value[: 2 * SHOWN] + "..." + value[-SHOWN:]
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError, TypeError):
        text = _too_much(value)
    return shortened(text, SHOWN)


def _too_much(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + plural(len(value), "deeply nested field") + "}"
    if isinstance(value, list):
        return "[" + plural(len(value), "deeply nested element") + "]"
    if isinstance(value, int):
        # int.__str__ refuses thousands of digits; its bits say enough.
        return f"a whole number of about {int(value.bit_length() * math.log10(2)) + 1} digits"
    return f"a {type(value).__name__}"


def typed(value: Any) -> str:
    """Return the word for the JSON type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    return f"a {type(value).__name__}"


def missing_key(way: Way, key: str, wanted: str, there: Mapping[str, Any]) -> Difference:
    """Return the difference for a field that is not there, with the name it may have."""
    names = [str(each) for each in there]
    guess = nearest(key, names)
    if guess is not None:
        hint = f'; did you mean "{guess}"?'
    elif names:
        hint = "; there: " + shortened(", ".join(names), SHOWN)
    else:
        hint = "; the object is empty"
    return Difference(path_text((way, key)), wanted, "", f"wanted {wanted}, is not there{hint}")


def unequal(way: Way, wanted: Any, seen: Any) -> Difference:
    """Return the difference between a literal and something else."""
    want, see = shown(wanted), shown(seen)
    if type(wanted) is not type(seen) and typed(wanted) != typed(seen):
        what = f"wanted {want} ({typed(wanted)}), saw {see} ({typed(seen)})"
    elif isinstance(wanted, str) and isinstance(seen, str) and max(len(wanted), len(seen)) > 60:
        at = next(
            (i for i, (a, b) in enumerate(zip(wanted, seen, strict=False)) if a != b),
            min(len(wanted), len(seen)),
        )
        around = slice(max(0, at - 20), at + 20)
        what = (
            f"wanted {want}, saw {see}; they part at character {at + 1}: "
            f"{shown(wanted[around])} against {shown(seen[around])}"
        )
    elif want == see:
        what = f"wanted {want}, saw something else that shows the same"
    else:
        what = f"wanted {want}, saw {see}"
    return Difference(path_text(way), want, see, what)


def unlike(way: Way, wanted: str, seen: Any, why: str = "") -> Difference:
    """Return the difference between a marker and a value; `why` is added where it helps."""
    see = shown(seen)
    reason = f" ({why})" if why else ""
    return Difference(path_text(way), wanted, see, f"wanted {wanted}, saw {see}{reason}")
