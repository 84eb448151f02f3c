"""Workers and a template that end at the worst moment; both are played by the test."""

from __future__ import annotations

import os
import socket

import pytest

from avow.config import Settings
from avow.core.secrets import Redactor
from avow.runner import notices
from avow.runner.plan import Item
from avow.runner.supervisor import Supervisor
from avow.runner.wire import Wire


class Heard:
    def __init__(self) -> None:
        self.losses: list[str] = []

    def told(self, item, record): ...

    def aside(self, slot, record): ...

    def finished(self, slot, item, path, verdict): ...

    def lost(self, slot, why):
        self.losses.append(why)


class Play:
    def __init__(self, directory) -> None:
        mine, theirs = Wire.pair()
        self.template = Wire(theirs)
        self.workers: list[Wire] = []
        self.heard = Heard()
        timeouts = Settings(root="/", name="x").timeouts
        self.supervisor = Supervisor(
            [Item(0, "a.feature", 2, "s")],
            template=mine,
            directory=directory,
            listener=self.heard,
            settings=lambda slot: notices.Setting(slot=slot),
            timeouts=timeouts,
            seed=1,
            redactor=Redactor(),
        )

    def worker(self) -> Wire:
        """Take the worker's end that came with the template's order to fork."""
        self.template.wait()
        self.workers.append(Wire(socket.socket(fileno=self.template.descriptors.pop(0))))
        return self.workers[-1]

    def end(self) -> None:
        self.supervisor.close()
        self.template.wait()
        for wire in (self.template, *self.workers):
            for descriptor in wire.descriptors:
                os.close(descriptor)
            wire.close()


@pytest.fixture
def play(tmp_path):
    made = Play(tmp_path)
    yield made
    made.end()


def test_a_template_that_ends_after_its_workers_have_closed_is_no_loss(play):
    play.supervisor.open(1)
    worker = play.worker()
    worker.send(notices.encode(notices.Ready()))
    worker.send(notices.encode(notices.Closed()))
    play.supervisor.wait(5)
    play.template.close()
    play.supervisor.wait(5)
    assert play.supervisor.is_over
    assert play.heard.losses == []


def test_a_template_that_is_gone_before_there_are_workers_loses_the_run(play):
    play.template.close()
    play.supervisor.wait(5)
    play.supervisor.open(2)
    assert play.supervisor.is_over
    assert play.heard.losses == ["the process that forks workers is gone"]


def test_a_template_that_takes_no_order_is_given_up(play):
    play.supervisor.open(1)
    slot = play.supervisor.slots[0]
    slot.hired -= 600
    play.supervisor.check_deadlines()
    assert play.supervisor.is_over
    assert play.heard.losses == ["the process that forks workers does not answer"]


def test_a_worker_that_hangs_up_and_of_which_nobody_tells_is_buried(play):
    play.supervisor.open(1)
    worker = play.worker()
    worker.send(notices.encode(notices.Ready()))
    worker.close()
    play.supervisor.wait(5)
    play.supervisor.wait(5)
    slot = play.supervisor.slots[0]
    assert slot.gone is not None
    slot.gone -= 60
    play.supervisor.pending.clear()
    play.supervisor.check_deadlines()
    assert play.supervisor.is_over
    assert play.heard.losses[0].startswith("the worker went away")
