from __future__ import annotations

import os
import threading

import pytest

from avow.runner.wire import Wire


@pytest.fixture
def ends():
    mine, theirs = Wire.pair()
    other = Wire(theirs)
    yield mine, other
    mine.close()
    other.close()


def test_messages_arrive_whole_and_in_order(ends):
    one, other = ends
    one.send(b"first")
    one.send(b"")
    one.send(b"third" * 1000)
    assert other.receive() == [b"first", b"", b"third" * 1000]
    assert other.receive() == []


def test_a_large_message_arrives(ends):
    one, other = ends
    big = os.urandom(3_000_000)
    sender = threading.Thread(target=one.send, args=[big])
    sender.start()
    assert other.wait() == big
    sender.join()


def test_half_a_message_blocks_nobody(ends):
    one, other = ends
    one._end.sendall(b"\0\0\0\x05ab")
    assert other.receive() == []
    assert not other.is_closed
    one._end.sendall(b"cde")
    assert other.receive() == [b"abcde"]


def test_the_end_is_noticed_after_what_came_before_it(ends):
    one, other = ends
    one.send(b"last words")
    one._end.sendall(b"\0\0\0\x05ab")
    one.close()
    assert other.receive() == [b"last words"]
    assert other.receive() == []
    assert other.is_closed
    assert other.wait() is None


def test_nobody_there_is_told_and_raises_nothing(ends):
    one, other = ends
    other.close()
    one.send(b"x")
    assert not one.send(b"y")


def test_descriptors_come_along(ends):
    one, other = ends
    reading, writing = os.pipe()
    one.send(b"take it", [writing])
    os.close(writing)
    assert other.receive() == [b"take it"]
    os.write(other.descriptors[0], b"through")
    assert os.read(reading, 10) == b"through"
    os.close(reading)
    os.close(other.descriptors.pop())


def test_waiting_is_told(ends):
    one, other = ends
    assert not other.has_waiting
    one.send(b"x")
    assert other.has_waiting
