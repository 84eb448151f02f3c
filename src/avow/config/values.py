"""The settings of a suite: frozen values, complete and checked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import msgspec

from avow.config.types import Size


class Suite(msgspec.Struct, frozen=True):
    """`name` defaults to the directory's; `profile` is the one used when none is asked for."""

    name: str = ""
    profile: str = ""


class Health(msgspec.Struct, frozen=True):
    """When a service counts as ready: an answer to GET `path`, or a line of its log.

    `json` is what the answer must hold at least; `log` a text to wait for; `within` overrides
    `[timeouts] start`.
    """

    path: str = ""
    status: int = 200
    json: Any = None
    log: str = ""
    within: timedelta | None = None


class ServiceDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A name here is the word that features use for it.

    Without `provider` it is "attached" where there is a `url`, "command" where there is a
    `command`, else the kind's default. `needs` are the services that must be up before it; those
    that its command, environment, url and health refer to are among them. `secrets` are JSON paths
    ("access_token") of values in its answers that are secrets. What else a kind can be told stands
    below; a reference in that ("{shop.url}") is resolved when it is used and makes no dependency.
    """

    name: str
    kind: str
    #: Never empty once the settings are read.
    provider: str
    url: str = ""
    command: tuple[str, ...] = ()
    cwd: str = ""
    env: dict[str, str] = {}
    health: Health = Health()
    needs: tuple[str, ...] = ()
    scope: Literal["worker", "run"] = "worker"
    secrets: tuple[str, ...] = ()
    grace: timedelta = timedelta(seconds=5)
    settings: Any = None


class GuardSettings(msgspec.Struct, frozen=True):
    """What a suite may touch beyond loopback and what it owns; `*` stands for any text."""

    hosts: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()


class Timeouts(msgspec.Struct, frozen=True):
    """`start` is for each service, for loading the suite and for before_all; `run`, for all
    together, has no end unless it is given one. A guard ("within 60 seconds") extends the time of
    its step and scenario.
    """

    call: timedelta = timedelta(seconds=10)
    step: timedelta = timedelta(seconds=30)
    scenario: timedelta = timedelta(minutes=2)
    start: timedelta = timedelta(seconds=60)
    run: timedelta | None = None


class Reports(msgspec.Struct, frozen=True):
    """Directories relative to the root. `links`: a pattern with {} for each kind of link."""

    results: str = "reports/allure-results"
    html: str = "reports/allure-report"
    runs: str = "reports/run"
    body_limit: Size = 64 * 1024
    passed_evidence: bool = True
    links: dict[str, str] = {}
    environment: dict[str, str] = {}


class Effects(msgspec.Struct, frozen=True):
    """`settle`: how long all sources must be quiet; `strict`: every scenario ends with it.

    `drain`: how long to wait for late effects after a scenario.
    """

    settle: timedelta = timedelta(milliseconds=250)
    strict: bool = False
    drain: timedelta = timedelta(0)


class RunnerSettings(msgspec.Struct, frozen=True):
    """`jobs`: scenarios at a time, each with services of its own; "auto": as many as processors.

    `order` "random" shuffles scenarios by `seed`, which is printed. `inline` runs steps in the
    process that types `behave`.
    """

    jobs: int | Literal["auto"] = 1
    order: Literal["defined", "random"] = "defined"
    seed: int | None = None
    inline: bool = False


class SecretSource(msgspec.Struct, frozen=True):
    """Where a secret comes from; one of the three. `value` is for worthless local ones only."""

    env: str = ""
    file: str = ""
    value: str = ""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.env, self.file, self.value))) != 1:
            raise ValueError("needs exactly one of env, file and value")

    def __repr__(self) -> str:
        return f"SecretSource(env={self.env!r}, file={self.file!r})"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that avow.toml, the profile, the environment and `-D` say, in that order."""

    root: str
    name: str
    profile: str = ""
    services: dict[str, ServiceDefinition] = {}
    guards: GuardSettings = GuardSettings()
    timeouts: Timeouts = Timeouts()
    reports: Reports = Reports()
    effects: Effects = Effects()
    runner: RunnerSettings = RunnerSettings()
    secrets: dict[str, SecretSource] = {}
