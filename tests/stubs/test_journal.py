from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from tests.stubs.conftest import Caller

from avow.core.errors import EnvironmentProblem
from avow.core.ledger import Ledger
from avow.core.waiting import until
from avow.stubs import calls as reading
from avow.stubs.calls import CallDropped
from avow.stubs.client import StubChannel
from avow.stubs.journal import (
    CallLine,
    Gap,
    JournalReader,
    JournalWriter,
    PieceLine,
    piece_path,
)
from avow.stubs.running import StubProcess


def line(number: int, path: str = "/x", body: str = "") -> CallLine:
    plain = {"text": body} if body else None
    return CallLine(number, 1.0, 2.0, "POST", path, [], "answered", plain, "POST /x", 200)


def write(writer: JournalWriter, path: str = "/x", body: str = "") -> None:
    writer.write(line(writer.count("POST", path), path, body))


def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    with StubProcess(tmp_path, shop=[{"on": "POST /x", "answer": {"body": "ok"}}]) as stubs:
        caller = Caller(int(stubs.facts["shop"]["port"]))
        for number in range(100):
            assert caller("POST", "/x", {"n": number}).status == 200
        os.kill(stubs.pid, signal.SIGKILL)
        caller.close()
        stub = stubs["shop"]
        stub.collect()
        assert [reading.request_data(each)["n"] for each in stub.calls()] == list(range(100))


def test_a_call_can_be_read_as_soon_as_its_answer_arrived(stub: StubChannel, call: Caller) -> None:
    stub.arm({"on": "POST /x", "answer": {"body": "ok"}})
    for number in range(1, 200):
        call("POST", "/x", {"n": number})
        stub.collect()
        assert stub.count("POST /x") == number


def test_a_reader_goes_on_where_it_was(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "j", "shop")
    reader = JournalReader(tmp_path / "j")
    assert list(reader.read()) == []
    write(writer)
    assert [each.number for each in reader.read() if isinstance(each, CallLine)] == [1]
    assert list(reader.read()) == []
    write(writer)
    write(writer)
    first = next(iter(reader.read()))
    assert isinstance(first, CallLine)
    assert first.number == 2
    assert [each.number for each in reader.read() if isinstance(each, CallLine)] == [3]
    reader.close()
    writer.close()


def test_a_line_that_is_not_whole_yet_waits(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "j", "shop")
    write(writer)
    whole = piece_path(tmp_path / "j", 1).read_bytes()
    shown = tmp_path / "k.1"
    reader = JournalReader(tmp_path / "k")
    shown.write_bytes(whole[:-20])
    assert list(reader.read()) == []
    with shown.open("ab") as rest:
        rest.write(whole[-20:])
    assert len(list(reader.read())) == 1
    assert reader.lost == 0
    reader.close()
    writer.close()


def test_a_torn_line_is_counted_as_lost(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "j", "shop")
    write(writer)
    with piece_path(tmp_path / "j", 1).open("ab") as torn:
        torn.write(b'{"line":"call","num\n')
    write(writer)
    reader = JournalReader(tmp_path / "j")
    assert len(list(reader.read())) == 2
    assert reader.lost == 1
    reader.close()
    writer.close()


def test_old_pieces_are_removed_and_counting_stays_exact(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "j", "shop", piece_size=2000)
    for number in range(300):
        write(writer, f"/{number % 3}", "a body of some length")
    assert len(list(tmp_path.iterdir())) <= 4
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 4 * 2500
    reader = JournalReader(tmp_path / "j")
    lines = list(reader.read())
    gap = lines[0]
    assert isinstance(gap, Gap)
    calls = [each for each in lines if isinstance(each, CallLine)]
    assert (gap.first, calls[0].number, calls[-1].number) == (1, gap.last + 1, 300)
    for path in ("/0", "/1", "/2"):
        kept = sum(each.target == path for each in calls)
        assert gap.counts[f"POST {path}"] + kept == 100
    assert reader.lost == 0
    reader.close()
    writer.close()


def test_a_reader_that_fell_behind_knows_what_it_missed(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "j", "shop", piece_size=2000)
    reader = JournalReader(tmp_path / "j")
    write(writer)
    assert len(list(reader.read())) == 1
    for _ in range(300):
        write(writer, body="a body of some length")
    lines = list(reader.read())
    gaps = [each for each in lines if isinstance(each, Gap)]
    calls = [each for each in lines if isinstance(each, CallLine)]
    assert len(gaps) == 1
    assert gaps[0].counts["POST /x"] == gaps[0].last - gaps[0].first + 1
    assert gaps[0].counts["POST /x"] + len(calls) == 300
    reader.close()
    writer.close()


def test_a_thousand_paths_are_counted_one_by_one_and_more_together(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "j", "shop", piece_size=200_000)
    for number in range(1500):
        writer.count("GET", f"/{number}")
    assert len(writer.counts) == 1001
    assert writer.counts["GET (other paths)"] == 500
    writer.close()


def test_a_full_disk_is_told_and_stops_nobody(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs a device that is always full")
    (tmp_path / "shop.calls.1").symlink_to("/dev/full")
    with StubProcess(tmp_path, shop=[{"on": "POST /x"}]) as stubs:
        caller = Caller(int(stubs.facts["shop"]["port"]))
        assert caller("POST", "/x").status == 200
        caller.close()
        with pytest.raises(EnvironmentProblem) as caught:
            stubs["shop"].watermark()
        assert str(caught.value) == (
            'stub "shop": its journal could not be written: [Errno 28] No space left on device\n'
            "  What the system called is not known any more. Make room on the disk and run again."
        )


def test_calls_that_are_lost_are_told(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "j", "shop")
    write(writer)
    writer.count("POST", "/x")
    write(writer)
    reader = JournalReader(tmp_path / "j")
    assert len(list(reader.read())) == 2
    assert reader.lost == 1
    reader.close()
    writer.close()


def test_every_piece_says_what_was_before_it(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "j", "shop", piece_size=1000)
    for _ in range(20):
        write(writer)
    writer.reset()
    for _ in range(20):
        write(writer)
    import msgspec

    newest = max(tmp_path.iterdir(), key=lambda path: int(path.suffix[1:]))
    head = msgspec.json.decode(newest.read_bytes().splitlines()[0], type=PieceLine)
    assert head.stub == "shop"
    assert head.counts == {"POST /x": head.number}
    assert head.epoch == 1
    writer.close()


def test_phrases_that_need_what_was_dropped_say_so(tmp_path: Path) -> None:
    routes = [{"on": "POST /{what}", "answer": {"body": "ok"}}]
    with StubProcess(tmp_path, {"piece_size": 4000, "body_limit": 100}, shop=routes) as stubs:
        stub = stubs["shop"]
        caller = Caller(int(stub.facts["port"]))
        for number in range(100):
            caller("POST", "/charges", {"n": number})
        caller("POST", "/refunds", {"text": "é" * 200})
        caller.close()
        stub.collect()
        assert stub.count() == 101
        assert stub.count("POST /charges") == 100
        assert stub.count("/{any}") == 101
        with pytest.raises(CallDropped) as caught:
            stub.calls("POST /charges")
        gap = stub.ledger.find("stub.dropped")[0]
        assert str(caught.value) == (
            f'stub "shop": calls 1 to {gap.data["last"]} were dropped from its journal before they '
            "were read\n  Their number is known, what they said is not: count them, or make fewer "
            "calls."
        )
        [refund] = stub.calls("POST /refunds")
        with pytest.raises(CallDropped) as caught:
            reading.request_data(refund)
        assert str(caught.value) == (
            'stub "shop": the request body of call 101 (POST /refunds) has 1212 bytes, of which '
            "the first 100 were kept\n  Keep more of it: set body_limit in [services.shop]."
        )


def test_beyond_thousands_of_calls_they_are_only_counted(
    stub: StubChannel, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avow.stubs.client.MOST_CALLS", 3)
    stub.arm({"on": "POST /x"}, {"on": "GET /y"})
    for _ in range(5):
        call("POST", "/x")
    call("GET", "/y")
    stub.collect()
    assert len(stub.ledger.find("stub.call")) == 3
    assert (stub.count(), stub.count("POST /x"), stub.count("GET /y")) == (6, 5, 1)
    [dropped] = stub.ledger.find("stub.dropped")
    assert dropped.summary == "shop received 3 more calls: counted, not kept"
    with pytest.raises(CallDropped):
        stub.calls("GET /y")


def test_counting_is_refused_where_it_would_be_wrong() -> None:
    ledger = Ledger()
    data = {"first": 1, "last": 9, "counts": {"POST (other paths)": 9}}
    ledger.effect("stub.dropped", "shop", "", data)
    assert reading.count(ledger, "shop") == 9
    with pytest.raises(CallDropped) as caught:
        reading.count(ledger, "shop", "POST /x")
    assert str(caught.value) == (
        'stub "shop": calls to more than a thousand paths were dropped, some perhaps to POST /x\n'
        "  Let a scenario call fewer paths, or count all calls of the stub."
    )


def test_the_journal_is_nobody_elses_to_read(tmp_path: Path) -> None:
    with StubProcess(tmp_path, shop=[]):
        assert (tmp_path / "shop.calls.1").stat().st_mode & 0o077 == 0
        assert (tmp_path / "stubs.json").stat().st_mode & 0o077 == 0


def test_a_process_whose_owner_is_gone_ends(tmp_path: Path) -> None:
    with StubProcess(tmp_path, shop=[]) as stubs:
        assert stubs._process is not None
        os.close(stubs._lifeline)
        stubs._lifeline = -1
        assert until(lambda: stubs._process is not None and stubs._process.poll() == 0, 20).holds
