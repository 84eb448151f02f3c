"""How shared phrases compare and count, and what they say when it does not come out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from avow.core.entries import Entry
from avow.core.errors import ScenarioFailure
from avow.core.text import plural, shortened
from avow.gherkin import Block, Table
from avow.matchers import best_match, compare, describe, matching
from avow.matchers.wanted import wanted_text
from avow.steps.parameters import Count
from avow.world import World

#: Entries that a message lists by name.
_LISTED = 8


def wanted_records(block: Block) -> list[Any]:
    """Return what each record of a block wants: the rows of a table, or a document."""
    if isinstance(block, Table):
        return list(block.wanted())
    wanted = block.wanted()
    return list(wanted.value) if isinstance(wanted.value, list) else [wanted]


def wanted_whole(block: Block) -> Any:
    """Return what a block wants of one thing: a document, a row, or a list of several rows."""
    if not isinstance(block, Table):
        return block.wanted()
    records = block.wanted()
    return records[0] if len(records) == 1 else records


def data_of(block: Block) -> Any:
    """Return a block as data to send: a document's JSON, a row, or a list of several rows."""
    if not isinstance(block, Table):
        return block.json()
    values = block.values()
    return values[0] if len(values) == 1 else values


def shown(wanted: Any) -> str:
    """Return what is wanted on one line."""
    value = wanted_text(getattr(wanted, "value", wanted))
    if isinstance(value, dict):
        return (
            "{" + shortened(", ".join(f"{key}: {_flat(each)}" for key, each in value.items())) + "}"
        )
    return shortened(_flat(value))


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def judge(
    seen: Any, wanted: Any, *, what: str, mode: str = "at least", loose: bool = False
) -> None:
    """Compare; raises ScenarioFailure with every difference. `what` starts the message."""
    differences = compare(wanted, seen, mode=mode, loose=loose)
    if differences:
        raise ScenarioFailure(f"{what}:\n{describe(differences)}")


def judge_count(
    world: World,
    entries: Sequence[Entry],
    wanted: Any,
    count: Count,
    *,
    of: tuple[str, str],
    where: str,
    view: Callable[[Entry], Any],
    mode: str = "at least",
    loose: bool = False,
) -> list[Entry]:
    """Claim and return the entries that fit, if there are as many as wanted.

    `of` is what they are, one and many; `where` ends the sentence (`on "orders"`). Raises
    ScenarioFailure that shows the nearest candidate, terminal where there are too many already.
    """
    views = [view(entry) for entry in entries]
    fitting = [entries[index] for index in matching(wanted, views, mode=mode, loose=loose)]
    if count.holds(len(fitting)):
        world.claim(*fitting)
        return fitting
    one, many = of
    fits = f"{_number(len(fitting), of)} {where} {'fit' if len(fitting) > 1 else 'fits'}"
    lines = [f"{fits} {shown(wanted)}; wanted {count.words}"]
    if fitting:
        lines += listed(fitting)
    others = [each for each in entries if each not in fitting]
    if len(fitting) < count.low and others:
        lines.append(f"{plural(len(others), f'other {one}', f'other {many}')} came. The nearest:")
        lines.append(_nearest(wanted, others, view, mode, loose))
    elif not entries:
        lines.append(f"No {one} came at all.")
    raise ScenarioFailure("\n".join(lines), terminal=count.is_exceeded(len(fitting)))


def _number(number: int, of: tuple[str, str]) -> str:
    return f"no {of[0]}" if number == 0 else plural(number, *of)


def _nearest(
    wanted: Any, entries: Sequence[Entry], view: Callable[[Entry], Any], mode: str, loose: bool
) -> str:
    best = best_match(wanted, [view(each) for each in entries], mode=mode, loose=loose)
    assert best is not None
    return f"  {entries[best.index].summary}\n{describe(best.differences)}"


def just_count(
    world: World,
    entries: Sequence[Entry],
    count: Count,
    of: tuple[str, str],
    say: str,
    *,
    others: Sequence[Entry] = (),
) -> list[Entry]:
    """Claim and return the entries, if there are as many as wanted.

    `say` is the sentence with {} for the number (`"bank" received {}`); `others` are shown where
    nothing fits.
    """
    if count.holds(len(entries)):
        world.claim(*entries)
        return list(entries)
    lines = [f"{say.format(_number(len(entries), of))}; wanted {count.words}", *listed(entries)]
    if not entries and others:
        lines += ["What came:", *listed(others)]
    raise ScenarioFailure("\n".join(lines), terminal=count.is_exceeded(len(entries)))


def listed(entries: Sequence[Entry]) -> list[str]:
    """Return a line for each entry, as many as a message bears."""
    lines = [f"  {each.summary}" for each in entries[:_LISTED]]
    if len(entries) > _LISTED:
        lines.append(f"  and {len(entries) - _LISTED} more")
    return lines


def judge_all(
    world: World,
    entries: Sequence[Entry],
    wanted: Sequence[Any],
    *,
    what: str,
    view: Callable[[Entry], Any],
    mode: str,
    loose: bool = False,
) -> list[Entry]:
    """Compare all entries, as one list, with all that is wanted; claim those asserted on."""
    views = [view(entry) for entry in entries]
    differences = compare(list(wanted), views, mode=mode, loose=loose)
    if differences:
        # More came than wanted, and what came stays.
        terminal = mode != "at least" and mode != "in order" and len(entries) > len(wanted)
        came = "\n".join(listed(entries)) or "  nothing"
        raise ScenarioFailure(
            f"{what}:\n{describe(differences)}\nWhat came:\n{came}", terminal=terminal
        )
    if mode in ("at least", "in order"):
        fitting = {index for each in wanted for index in matching(each, views, loose=loose)}
        claimed = [entries[index] for index in sorted(fitting)]
    else:
        claimed = list(entries)
    world.claim(*claimed)
    return claimed
