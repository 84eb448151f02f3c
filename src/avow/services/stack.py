"""The services of one worker slot, up together and gone together.

definitions --a thread each, after those it needs--> providers --> facts
                                                        |
check(): who died   logs(name)   stop(): in reverse  <--+
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from avow.config import Secrets, ServiceDefinition, Settings, start_order
from avow.core.errors import AvowError, EnvironmentProblem, InternalError, Problems
from avow.core.text import plural, printable
from avow.plugins import service_kinds
from avow.plugins.extras import load
from avow.processes import Child, Ended, Journal
from avow.services.provider import (
    Cancellation,
    Cancelled,
    Facts,
    NotUp,
    Patience,
    Provider,
    Surroundings,
)

#: What becomes of a service: starting, (preparing,) ready or failed; later stopped.
Progress = Callable[[str, str, float], None]

_LINES = 20
#: How long the others may still take once one service has failed: their problems are told together.
_AFTER_FAILURE = 5.0


class Died(msgspec.Struct, frozen=True):
    """A service that ended while it was needed."""

    name: str
    ended: Ended
    last_lines: list[str]
    log: str

    @property
    def problem(self) -> EnvironmentProblem:
        return EnvironmentProblem(
            f"{self.ended} during the run" + _last_words(self.last_lines),
            where=f'service "{self.name}"',
            advice=f"Its whole log: {self.log}",
        )


class _Service:
    def __init__(self, definition: ServiceDefinition) -> None:
        self.definition = definition
        self.provider: Provider | None = None
        #: Where it lives in the process of a sibling: that one.
        self.owner: _Service | None = None
        self.siblings: tuple[ServiceDefinition, ...] = ()
        self.needs: list[_Service] = []
        self.done = threading.Event()
        self.ready = False
        self.problem: AvowError | None = None
        self.deadline: Patience | None = None


class Stack:
    """Running services. `facts` and `secrets` are plain and cross processes."""

    def __init__(
        self,
        settings: Settings,
        *,
        slot: int,
        run_dir: Path,
        journal: Journal,
        guards: Any = None,
        secrets: Secrets | None = None,
        environ: Mapping[str, str] | None = None,
        on_progress: Progress | None = None,
        cancelled: threading.Event | None = None,
    ) -> None:
        self.facts: dict[str, Facts] = {}
        #: Seconds from a service's own start until it was ready.
        self.timings: dict[str, float] = {}
        #: What must not show in reports: passwords made for the run, by service and fact.
        self.secrets: dict[str, str] = {}
        self.seconds = 0.0
        self._settings = settings
        self._slot = slot
        self._logs = run_dir / "services" / f"slot-{slot}"
        self._directories: list[Path] = []
        self._journal = journal
        self._guards = guards
        self._environ = dict(os.environ if environ is None else environ)
        self._reveal = (secrets or Secrets(settings, self._environ)).reveal
        self._on_progress = on_progress
        self._services: dict[str, _Service] = {}
        self._order: list[_Service] = []
        self._cancelled = Cancellation(cancelled)
        self._lock = threading.Lock()
        self._stopped = False

    @classmethod
    def start(
        cls,
        settings: Settings,
        *,
        slot: int = 0,
        run_dir: Path,
        journal: Journal,
        guards: Any = None,
        secrets: Secrets | None = None,
        environ: Mapping[str, str] | None = None,
        scope: Literal["worker", "run"] | None = None,
        given: Mapping[str, Facts] | None = None,
        on_progress: Progress | None = None,
        cancelled: threading.Event | None = None,
    ) -> Stack:
        """Start services and return when all can be used.

        `scope` picks those of one scope; `given` are the facts of services that are up already.
        Raises EnvironmentProblem, or Problems where several did not come up; then nothing is left.
        `on_progress(service, state, seconds)` is called from the threads, one call at a time.
        Setting `cancelled`, from another thread, brings a start to its end soon.
        """
        stack = cls(
            settings,
            slot=slot,
            run_dir=run_dir,
            journal=journal,
            guards=guards,
            secrets=secrets,
            environ=environ,
            on_progress=on_progress,
            cancelled=cancelled,
        )
        stack.facts.update({name: dict(facts) for name, facts in (given or {}).items()})
        names = [
            name
            for name, definition in settings.services.items()
            if name not in stack.facts and scope in (None, definition.scope)
        ]
        try:
            stack._start(names)
        except BaseException:
            stack.stop()
            raise
        return stack

    # -- starting

    def _start(self, names: Collection[str]) -> None:
        begun = time.monotonic()
        self._plan(names)
        self._logs.mkdir(parents=True, exist_ok=True)
        threads = [
            threading.Thread(target=self._run, args=[service], name=f"start {name}", daemon=True)
            for name, service in self._services.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._raise_problems()
        if died := self.check():
            raise _together([each.problem for each in died], [])
        self.seconds = time.monotonic() - begun

    def _plan(self, names: Collection[str]) -> None:
        kinds = service_kinds()
        definitions = {name: self._settings.services[name] for name in names}
        classes: dict[str, type[Provider]] = {}
        for name, definition in definitions.items():
            kind = kinds[definition.kind]
            what = f'service "{name}" ({definition.kind}, {definition.provider})'
            path = kind.providers[definition.provider]
            classes[name] = load(path, what=what, extra=kind.extra)
            self._services[name] = _Service(definition)
        shared: dict[str, list[str]] = {}
        for name, provider in classes.items():
            if provider.shared:
                shared.setdefault(provider.shared, []).append(name)
        for together in shared.values():
            self._share([self._services[name] for name in together])
        for name, service in self._services.items():
            service.needs += [self._services[need] for need in self._needs(service)]
            if service.owner is None:
                service.provider = classes[name](self._surroundings(service))
        waves = start_order(
            {
                name: msgspec.structs.replace(
                    definition,
                    needs=tuple(each.definition.name for each in self._services[name].needs),
                )
                for name, definition in definitions.items()
            }
        )
        self._order = [self._services[name] for wave in waves for name in wave]

    @staticmethod
    def _share(services: list[_Service]) -> None:
        owner, *others = services
        owner.siblings = tuple(each.definition for each in services)
        for other in others:
            other.owner = owner
            other.needs.append(owner)

    def _needs(self, service: _Service) -> list[str]:
        """Return what must be up before: not what is given, and not oneself."""
        definitions = service.siblings or (service.definition,)
        own = {each.name for each in definitions}
        needed = dict.fromkeys(need for each in definitions for need in each.needs)
        for need in needed:
            if need not in self._services and need not in self.facts:
                raise EnvironmentProblem(
                    f'needs "{need}", which is not part of this stack',
                    where=f'service "{service.definition.name}"',
                    advice='A service of scope "run" can only need services of scope "run".',
                )
        return [need for need in needed if need in self._services and need not in own]

    def _surroundings(self, service: _Service) -> Surroundings:
        definition = service.definition
        directory = self._journal.directory(definition.name)
        self._directories.append(directory)
        within = definition.health.within or self._settings.timeouts.start
        service.deadline = Patience(within)
        return Surroundings(
            definition=definition,
            suite=self._settings.name,
            root=Path(self._settings.root),
            slot=self._slot,
            directory=directory,
            logs=self._logs,
            journal=self._journal,
            facts=self.facts,
            deadline=service.deadline,
            cancelled=self._cancelled,
            environ=self._environ,
            reveal=self._reveal,
            guards=self._guards,
            siblings=service.siblings,
            progress=lambda state: self._tell(definition.name, state, 0.0),
        )

    def _run(self, service: _Service) -> None:
        name = service.definition.name
        for need in service.needs:
            need.done.wait()
        if self._cancelled.is_set() or not all(need.ready for need in service.needs):
            service.done.set()
            return
        begun = time.monotonic()
        self._tell(name, "starting", 0.0)
        try:
            facts = self._facts_of(service)
        except Cancelled:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the others
            service.problem = self._problem(service, error, time.monotonic() - begun)
            self._tell(name, "failed", time.monotonic() - begun)
            self._hurry()
        else:
            with self._lock:
                self.facts[name] = facts
                self.timings[name] = time.monotonic() - begun
                provider = service.provider
                for what, value in (provider.secrets if provider else {}).items():
                    self.secrets[f"{name}.{what}"] = value
            service.ready = True
            self._tell(name, "ready", self.timings[name])
        finally:
            service.done.set()

    def _facts_of(self, service: _Service) -> Facts:
        if service.owner is not None:
            assert service.owner.provider is not None
            return service.owner.provider.facts_of(service.definition)
        assert service.provider is not None
        assert service.deadline is not None
        # What it waited for is not its own time.
        service.deadline.restart()
        return service.provider.start()

    def _hurry(self) -> None:
        """Let the others come to an end soon; what needs the failed one never starts."""
        for other in self._services.values():
            if other.deadline is not None and not other.done.is_set():
                other.deadline.shorten(_AFTER_FAILURE)

    def _tell(self, name: str, state: str, seconds: float) -> None:
        if self._on_progress is not None:
            # Who listens must not be able to keep a service from starting.
            with self._lock, contextlib.suppress(Exception):
                self._on_progress(name, state, seconds)

    # -- what went wrong

    def _problem(self, service: _Service, error: Exception, seconds: float) -> AvowError:
        definition = service.definition
        where = f'service "{definition.name}" ({definition.kind}, {definition.provider})'
        child = service.provider.child if service.provider else None
        if isinstance(error, NotUp):
            preposition = "in" if error.what.startswith("did not") else "after"
            message = f"{error.what} {preposition} {seconds:.1f} s"
            if error.last:
                message += f"; last: {error.last}"
            return EnvironmentProblem(
                message + _last_words(child.tail(_LINES) if child else []),
                where=where,
                advice=error.advice or _advice(definition, child, self._environ),
            )
        if isinstance(error, AvowError):
            if error.where or isinstance(error, Problems):
                return error
            return type(error)(error.message, where=where, advice=error.advice)
        return InternalError(
            f"could not be started: {type(error).__name__}: {printable(error)}", where=where
        )

    def _raise_problems(self) -> None:
        problems = [each.problem for each in self._order if each.problem is not None]
        waiting = [
            each.definition.name for each in self._order if not each.ready and each.problem is None
        ]
        if problems:
            raise _together(problems, waiting)
        if self._cancelled.is_set():
            raise EnvironmentProblem("the services were told to stop while they started")

    # -- while it runs

    def logs(self, name: str) -> Path:
        """Return the file that holds what a service wrote."""
        service = self._services[name]
        owner = service.owner or service
        return self._logs / f"{owner.definition.name}.log"

    def check(self) -> list[Died]:
        """Return the services that ended although nobody told them to."""
        died = []
        for service in self._services.values():
            provider = service.provider
            ended = provider.ended() if provider and service.ready and not self._stopped else None
            if provider and ended:
                name = service.definition.name
                lines = provider.child.tail(_LINES) if provider.child else []
                died.append(Died(name, ended, lines, str(self.logs(name))))
        return died

    # -- stopping

    def stop(self) -> None:
        """End all services, those that need others first. Raises nothing; may be called again."""
        if self._stopped:
            return
        self._stopped = True
        self._cancelled.set()
        gone = {id(service): threading.Event() for service in self._order}
        users: dict[int, list[_Service]] = {id(service): [] for service in self._order}
        for service in self._order:
            for need in service.needs:
                users[id(need)].append(service)

        def end(service: _Service) -> None:
            for user in users[id(service)]:
                gone[id(user)].wait()
            try:
                service.done.wait(10.0)
                if service.provider is not None:
                    service.provider.stop()
                    self._tell(service.definition.name, "stopped", 0.0)
            except Exception:  # noqa: BLE001 - the reaper ends what could not be ended here
                self._tell(service.definition.name, "not stopped", 0.0)
            finally:
                gone[id(service)].set()

        threads = [threading.Thread(target=end, args=[each], daemon=True) for each in self._order]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for directory in self._directories:
            self._journal.remove(directory)

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _together(problems: list[AvowError], waiting: list[str]) -> AvowError:
    note = f"Not started, since they need what failed: {', '.join(waiting)}." if waiting else ""
    if len(problems) == 1:
        problem = problems[0]
        if not note:
            return problem
        advice = f"{problem.advice}\n  {note}" if problem.advice else note
        return type(problem)(problem.message, where=problem.where, advice=advice)
    heading = f"{plural(len(problems), 'service')} did not come up"
    return Problems(problems, heading=f"{heading}. {note}" if note else f"{heading}.")


def _last_words(lines: list[str]) -> str:
    if not lines:
        return "; it wrote nothing"
    said = "\n".join(f"    | {line}" for line in lines)
    return f"; its last {plural(len(lines), 'line')}:\n{said}"


def _advice(definition: ServiceDefinition, child: Child | None, environ: Mapping[str, str]) -> str:
    if child is None:
        if definition.provider == "attached":
            return "Is it up, and is its url right? Nothing of an attached service is started here."
        return ""
    advice = f"Its whole log: {child.log}"
    if definition.command:
        advice = f"Its command: {' '.join(definition.command)}\n  {advice}"
    return advice
