"""What a run tells the world as it goes: plain data, a record a line, in a pipe as in a file.

    worker --events--> file of the scenario --> coordinator --> plug-ins (console, Allure, ...)

Every text in an event has been redacted; a reader never sees anything else.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

#: failed: the system is wrong. broken: anything else is. undefined: no phrase says this.
Status = Literal["passed", "failed", "broken", "undefined", "skipped"]


class Trouble(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why something did not pass. `trace` is without the frames of behave, PyHamcrest and avow."""

    status: Status
    message: str
    trace: str = ""
    kind: str = ""


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file (relative to the suite) and a line."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class StepInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step as written: `type` is given, when or then; `keyword` what the author typed."""

    keyword: str
    type: str
    text: str
    place: Place
    document: str | None = None
    document_type: str = ""
    table: list[list[str]] | None = None
    background: bool = False


class ScenarioInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """A scenario as written; an outline's row is one scenario.

    `id` is stable between runs: path, rule, name, row and the ordinal among equals make it.
    """

    id: str
    name: str
    place: Place
    feature: str
    keyword: str = "Scenario"
    description: str = ""
    feature_description: str = ""
    rule: str = ""
    row: dict[str, str] = {}
    tags: list[str] = []
    feature_tags: list[str] = []
    steps: list[StepInfo] = []


class Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event"):
    """Base of all events; `at` is UTC seconds since the epoch."""

    at: float


class RunStarted(Event, frozen=True, tag="run.started"):
    run: str
    suite: str
    root: str
    profile: str = ""
    seed: int = 0
    command: list[str] = []
    scenarios: list[str] = []
    services: dict[str, str] = {}
    environment: dict[str, str] = {}


class RunFinished(Event, frozen=True, tag="run.finished"):
    run: str
    exit_code: int
    reasons: list[str] = []
    counts: dict[str, int] = {}
    seconds: float = 0.0


class RunTrouble(Event, frozen=True, tag="run.trouble"):
    """Trouble outside of any scenario: a before_all hook, a service, the evidence itself."""

    where: str
    trouble: Trouble


class ScenarioStarted(Event, frozen=True, tag="scenario.started"):
    scenario: ScenarioInfo
    run: str = ""
    worker: str = ""
    host: str = ""
    pid: int = 0
    monotonic: float = 0.0
    seed: int = 0
    attempt: int = 1


class StepStarted(Event, frozen=True, tag="step.started"):
    """`index` is the step's position in the scenario; `text` is after substitution."""

    index: int
    text: str = ""


class StepFinished(Event, frozen=True, tag="step.finished"):
    """`text`, `document` and `table` are after substitution, where there was something to
    substitute.
    """

    index: int
    status: Status
    seconds: float
    trouble: Trouble | None = None
    location: str = ""
    arguments: list[list[Any]] = []
    output: str = ""
    text: str = ""
    document: str | None = None
    table: list[list[str]] | None = None


class SubStepStarted(Event, frozen=True, tag="substep.started"):
    """User code entered `allure.step(...)`; steps nest by order of start and finish."""

    uuid: str
    title: str
    parameters: dict[str, str] = {}


class SubStepFinished(Event, frozen=True, tag="substep.finished"):
    uuid: str
    trouble: Trouble | None = None


class EntryWritten(Event, frozen=True, tag="entry"):
    """`entry` is `Entry.to_plain()`, redacted and capped."""

    entry: dict[str, Any]


class ClaimMade(Event, frozen=True, tag="claim"):
    step: int
    entry: int
    note: str = ""


class Attached(Event, frozen=True, tag="attached"):
    """User code attached something to the running `step`; `file` lies in the results directory."""

    name: str
    file: str
    mime: str
    step: int = -1


class Labelled(Event, frozen=True, tag="labelled"):
    """User code set a title, description, label, link or parameter through allure's dynamic API."""

    what: str
    name: str
    value: str


class HookFailed(Event, frozen=True, tag="hook.failed"):
    """A hook or a cleanup went wrong; `phase` is before or after the steps."""

    hook: str
    phase: Literal["before", "after"]
    trouble: Trouble


class Noted(Event, frozen=True, tag="noted"):
    """What a reader of the scenario should know and what decides nothing."""

    text: str


class LateEffect(Event, frozen=True, tag="effect.late"):
    """An effect that arrived after the end of the scenario that owned the stack.

    `breaks`: that scenario had said that nothing else happened.
    """

    scenario: str
    entry: dict[str, Any]
    breaks: bool = False


class ScenarioFinished(Event, frozen=True, tag="scenario.finished"):
    """`behave_status` is the name of behave's own status, for its formatters."""

    scenario: str
    status: Status
    seconds: float
    trouble: Trouble | None = None
    behave_status: str = ""
    output: str = ""
    file: str = ""


AnyEvent = (
    RunStarted
    | RunFinished
    | RunTrouble
    | ScenarioStarted
    | StepStarted
    | StepFinished
    | SubStepStarted
    | SubStepFinished
    | EntryWritten
    | ClaimMade
    | Attached
    | Labelled
    | HookFailed
    | Noted
    | LateEffect
    | ScenarioFinished
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def encode(event: Event) -> bytes:
    """Return one line of JSON without its newline."""
    return _encoder.encode(event)


def decode(line: bytes | str) -> AnyEvent:
    """Return the event of a line; raises msgspec.MsgspecError for a torn or foreign one."""
    return _decoder.decode(line)
