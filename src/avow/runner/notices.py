"""What workers and the template tell the coordinator, and what it tells them: one JSON record a
line.

A worker's conversation about a scenario is a run of lines from `Began` to `Done`: the events that
it also writes to the scenario's file (the coordinator can read them there when the worker is
gone) and, between them, what only behave's formatters want to know.
"""

from __future__ import annotations

from typing import Any

import msgspec

from avow.core.events import AnyEvent, Event
from avow.core.record import safe


class Notice(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event"):
    """Base of what is said on a pipe only."""


# -- worker to coordinator


class Began(Notice, frozen=True, tag="x.began"):
    item: int


class Matched(Notice, frozen=True, tag="x.matched"):
    """A step is about to run. `arguments` are [start, end, original, name, value]."""

    index: int
    arguments: list[list[Any]] = []
    location: str = ""
    text: str = ""


class StepDetails(Notice, frozen=True, tag="x.step"):
    """What behave knows of a step's end beyond its event; for steps that did not pass."""

    index: int
    status: str
    error: str = ""
    kind: str = ""
    message: str = ""
    hook_failed: bool = False


class ScenarioDetails(Notice, frozen=True, tag="x.scenario"):
    """`captured` are [name, failed, stdout, stderr, log]."""

    hook_failed: bool = False
    error: str = ""
    kind: str = ""
    skip_reason: str = ""
    captured: list[list[Any]] = []


class FeatureFailed(Notice, frozen=True, tag="x.feature"):
    """A hook or cleanup of a feature or rule failed, or a hook skipped it. `what` is feature or
    rule.
    """

    what: str
    status: str
    error: str = ""
    file: str = ""
    line: int = 0


class Opened(Notice, frozen=True, tag="x.opened"):
    """The hooks before a feature or rule have run."""

    what: str


class Printed(Notice, frozen=True, tag="x.printed"):
    """Output that nobody captured."""

    text: str
    is_error: bool = False


class Embedded(Notice, frozen=True, tag="x.embedded"):
    mime: str
    data: bytes


class Minted(Notice, frozen=True, tag="x.minted"):
    """A secret that came into the worker, on its way to nothing but the coordinator's memory."""

    name: str
    value: str


class Unwritten(Notice, frozen=True, tag="x.unwritten"):
    """The file of a scenario does not hold all of it."""

    problem: str


class Done(Notice, frozen=True, tag="x.done"):
    item: int


class Ready(Notice, frozen=True, tag="x.ready"):
    """before_all has run; `problem` says that it failed."""

    problem: str = ""
    exit_code: int = 0


class Closed(Notice, frozen=True, tag="x.closed"):
    """after_all has run."""


# -- template to coordinator


class Loading(Notice, frozen=True, tag="x.loading"):
    file: str


class Loaded(Notice, frozen=True, tag="x.loaded"):
    """Hooks and steps are there. `page` lists what is wrong with the steps; empty means nothing."""

    page: str = ""
    exit_code: int = 0
    threads: int = 1


class Forked(Notice, frozen=True, tag="x.forked"):
    slot: int
    pid: int


class Ended(Notice, frozen=True, tag="x.ended"):
    """`status` is what waitpid returned."""

    pid: int
    status: int


Anything = (
    AnyEvent
    | Began
    | Matched
    | StepDetails
    | ScenarioDetails
    | FeatureFailed
    | Opened
    | Printed
    | Embedded
    | Minted
    | Unwritten
    | Done
    | Ready
    | Closed
    | Loading
    | Loaded
    | Forked
    | Ended
)


# -- coordinator to template and workers


class Fork(msgspec.Struct, frozen=True, tag="fork"):
    slot: int


class Setting(msgspec.Struct, frozen=True, tag="setting"):
    """What a worker needs of its stack: facts of services and values that must not leave the
    worker.
    """

    slot: int
    #: Where the run keeps its files.
    directory: str = ""
    facts: dict[str, dict[str, str]] = {}
    secrets: dict[str, str] = {}
    redaction_key: bytes = b""


class Perform(msgspec.Struct, frozen=True, tag="perform"):
    """Run one scenario; its file is `record`. `is_last` closes its feature afterwards."""

    item: int
    file: str
    line: int
    record: str
    seed: int = 0
    attempt: int = 1
    is_last: bool = False


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Run what is left of hooks and cleanups, then end."""


Command = Fork | Setting | Perform | Stop

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Anything] = msgspec.json.Decoder(Anything)
_commands: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)


def encode(record: Any) -> bytes:
    """Return a record's line; text that cannot be encoded is made printable."""
    try:
        return _encoder.encode(record)
    except (ValueError, TypeError, RecursionError):
        return _encoder.encode(safe(record))


def decode(lines: bytes) -> list[Anything]:
    """Return the records of a message."""
    return [_decoder.decode(line) for line in lines.split(b"\n")]


def decode_command(data: bytes) -> Command:
    return _commands.decode(data)


def is_event(record: object) -> bool:
    """Say whether plug-ins are told of this record."""
    return isinstance(record, Event)
