"""The services of a run: a stack for each slot, started while the suite loads, watched while
scenarios run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from avow.core.errors import AvowError

Facts = Mapping[str, dict[str, str]]

#: Seconds that services which are told to stop while they start have for it; then the reaper does
#: it.
_PATIENCE = 4.0


class Stacks:
    """Starts in threads; everything else is for the main thread."""

    def __init__(
        self,
        settings: Any,
        *,
        directory: Path,
        journal: Any,
        guards: Any,
        secrets: Any,
        wake: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._options = {
            "run_dir": directory, "journal": journal, "guards": guards, "secrets": secrets,
        }  # fmt: skip
        self._wake = wake
        self._cancelled = threading.Event()
        self._threads: list[threading.Thread] = []
        #: By slot; 0 is what all slots share.
        self._stacks: dict[int, Any] = {}
        self._told: set[tuple[int, str]] = set()
        self.problems: list[AvowError] = []

    # -- starting

    def start(self, slots: int) -> None:
        """Begin to start the services of so many slots."""
        if self._settings.services:
            self._begin(self._start_all, slots)

    def _begin(self, function: Callable[..., None], *arguments: Any) -> threading.Thread:
        def run() -> None:
            try:
                function(*arguments)
            except AvowError as error:
                self.problems.append(error)
            except Exception as error:  # noqa: BLE001 - told in the main thread
                self.problems.append(_unexpected(error))
            finally:
                self._wake()

        thread = threading.Thread(target=run, name=f"services {arguments}", daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _start_all(self, slots: int) -> None:
        scopes = {each.scope for each in self._settings.services.values()}
        given: Facts = {}
        if "run" in scopes:
            self._start_one(0, "run" if "worker" in scopes else None, {})
            given = self._stacks[0].facts
        if "worker" not in scopes:
            return
        scope = "worker" if given else None
        others = [
            self._begin(self._start_one, number, scope, given) for number in range(2, slots + 1)
        ]
        self._start_one(1, scope, given)
        for other in others:
            other.join()

    def _start_one(self, slot: int, scope: Any, given: Facts) -> None:
        from avow.services.stack import Stack

        self._stacks[slot] = Stack.start(
            self._settings,
            slot=slot,
            scope=scope,
            given=given,
            cancelled=self._cancelled,
            **self._options,
        )

    @property
    def is_starting(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    # -- while it runs

    def facts(self, slot: int) -> dict[str, dict[str, str]]:
        """Return what a slot's worker may know of its services."""
        stack = self._stacks.get(slot) or self._stacks.get(0)
        if stack is None:
            return {}
        return {name: dict(facts) for name, facts in stack.facts.items()}

    def secrets(self, slot: int | None = None) -> dict[str, str]:
        """Return the passwords that were made for a slot; without one, for all."""
        numbers = self._stacks if slot is None else (0, slot)
        found: dict[str, str] = {}
        for number in numbers:
            if number in self._stacks:
                found |= self._stacks[number].secrets
        return found

    def died(self) -> list[tuple[int, Any]]:
        """Return the services that ended since the last call, each with its slot (0: all)."""
        found = []
        for slot, stack in list(self._stacks.items()):
            for died in stack.check():
                if (slot, died.name) not in self._told:
                    self._told.add((slot, died.name))
                    found.append((slot, died))
        return found

    # -- the end

    def cancel(self) -> None:
        """Bring a start to its end soon."""
        self._cancelled.set()

    def stop(self) -> None:
        """End all services, those of slots first. Raises nothing."""
        self.cancel()
        until = time.monotonic() + _PATIENCE
        for thread in list(self._threads):
            thread.join(max(0.0, until - time.monotonic()))
        shared = self._stacks.pop(0, None)
        threads = [
            threading.Thread(target=stack.stop, daemon=True) for stack in self._stacks.values()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if shared is not None:
            shared.stop()


def _unexpected(error: Exception) -> AvowError:
    from avow.runner.failures import message_of, trace_of

    return AvowError(f"the services could not be started: {message_of(error)}\n{trace_of(error)}")
