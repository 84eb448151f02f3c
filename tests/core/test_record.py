import os
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.core import events
from avow.core.entries import Body, Entry
from avow.core.ledger import Ledger, Observed
from avow.core.record import Recorder, read
from avow.core.secrets import Redactor, Secret

SECRET = "sk_live_0123456789abcdef"


def entry(data=None, **bodies):
    made = {part: Body.of(raw) for part, raw in bodies.items()}
    return Entry(1, "http.exchange", "shop", "act", 0, 1.0, 2.0, 3.0, "GET /", data or {}, made)


def attached(name):
    return events.Attached(at=1.0, name=name, file="f", mime="m")


def test_a_ledger_writes_to_the_file_as_it_goes(recorder, written):
    ledger = Ledger(recorder)
    made = ledger.act("http.exchange", "shop", {"q": 1}, lambda: Observed("GET /", {"a": 1}))
    ledger.claim(made, "yes")
    first, second = written()
    assert Entry.from_plain(first.entry) == made
    assert (second.step, second.entry, second.note) == (-1, 1, "yes")


def test_secrets_stay_in_the_worker(recorder, redactor, written, tmp_path):
    redactor.add(Secret("api key", SECRET))
    line = recorder.event(attached(f"Bearer {SECRET}"))
    recorder.entry(
        entry({"h": [["x", SECRET]]}, request=f"a={SECRET}", binary=b"\xff" + SECRET.encode())
    )
    assert SECRET.encode() not in tmp_path.joinpath("scenario.jsonl").read_bytes()
    assert b"Bearer [secret:api_key:" in line
    binary = Entry.from_plain(written()[1].entry).bodies["binary"].raw
    assert binary.startswith(b"\xff[secret:api_key:")


@given(st.integers(0, 70), st.integers(1, 60))
def test_half_a_secret_never_stays_at_the_cut(tmp_path_factory, before, limit):
    path = tmp_path_factory.mktemp("cut") / "s.jsonl"
    redactor = Redactor()
    redactor.add(Secret("k", SECRET))
    recorder = Recorder(path, redactor, body_limit=limit)
    # Many secrets shrink into markers and would pull the cut end of the last one into view.
    raw = b"." * before + (SECRET * 40).encode()
    recorder.entry(entry(response=raw))
    recorder.entry(
        Entry(2, "k", "r", "act", 0, 1.0, 1.0, 1.0, "s", {}, {"b": Body.of(raw).cap(before + 11)})
    )
    recorder.close()
    for event in read(path):
        for body in Entry.from_plain(event.entry).bodies.values():
            left = body.raw.replace(b".", b"")
            assert not any(SECRET[:size].encode() in left for size in range(6, len(SECRET)))


def test_a_body_is_capped_with_its_real_size(tmp_path, redactor, written):
    recorder = Recorder(tmp_path / "scenario.jsonl", redactor, body_limit=10)
    recorder.entry(entry(response=b"x" * 1000))
    body = Entry.from_plain(written()[0].entry).bodies["response"]
    assert (body.raw, body.length, body.capped) == (b"x" * 10, 1000, True)
    assert len(body.sha256) == 64


def test_a_torn_last_line_is_skipped(recorder, written, tmp_path):
    recorder.event(attached("one"))
    with tmp_path.joinpath("scenario.jsonl").open("ab") as file:
        file.write(b'{"event":"attached","at":1.0,"na')
    assert [each.name for each in written()] == ["one"]


@pytest.mark.parametrize(
    "line", [b"\xff\xfe", b"", b"null", b'{"event":"unknown"}', b"[" * 100_000, b'{"event":5}']
)
def test_foreign_lines_are_skipped(recorder, written, tmp_path, line):
    with tmp_path.joinpath("scenario.jsonl").open("ab") as file:
        file.write(line + b"\n")
    recorder.event(attached("after"))
    assert [each.name for each in written()] == ["after"]


@pytest.mark.parametrize(
    "value",
    [
        "\ud800",
        "\x00\x1b",
        float("nan"),
        10**400,
        10**5000,
        object(),
        {1: {2, 3}},
        b"\xff",
        {"\ud800": 1},
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_step_puts_there_can_be_written(recorder, written, value):
    recorder.event(events.EntryWritten(at=1.0, entry={"value": value, "kept": "yes"}))
    assert written()[0].entry["kept"] == "yes"


def test_deep_data_can_be_written(recorder, written):
    value = []
    for _ in range(5000):
        value = [value]
    recorder.event(events.EntryWritten(at=1.0, entry={"value": value, "kept": "yes"}))
    assert written()[0].entry["kept"] == "yes"


def test_events_of_every_kind_survive_a_lone_surrogate(recorder, written):
    recorder.event(
        events.StepFinished(
            at=1.0, index=1, status="failed", seconds=0.1,
            trouble=events.Trouble("failed", "bad \ud800 text"), output="\udcff",
        )
    )  # fmt: skip
    found = written()[0]
    assert found.trouble.message == "bad \\ud800 text"
    assert found.output == "\\udcff"


def test_a_file_that_cannot_be_made_is_a_problem_and_no_error(tmp_path, redactor):
    recorder = Recorder(tmp_path / "none" / "x.jsonl", redactor)
    recorder.event(attached("x"))
    assert isinstance(recorder.problem, FileNotFoundError)
    recorder.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_a_problem_and_no_error(redactor):
    recorder = Recorder(Path("/dev/full"), redactor)
    line = recorder.event(attached("x"))
    assert b'"name":"x"' in line
    assert recorder.problem.strerror == "No space left on device"
    first = recorder.problem
    recorder.event(attached("y"))
    assert recorder.problem is first
    recorder.close()
    recorder.close()


def test_a_disk_that_fills_up_within_a_line_tears_only_that_line(tmp_path, redactor, written):
    """The file's limit is raised again, as if somebody had made room."""
    recorder = Recorder(tmp_path / "scenario.jsonl", redactor)
    recorder.event(attached("one"))
    size = tmp_path.joinpath("scenario.jsonl").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, hard))
        recorder.event(attached("torn"))
        recorder.event(attached("lost"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    recorder.event(attached("two"))
    recorder.close()
    assert [each.name for each in written()] == ["one", "two"]
    assert recorder.problem is not None


def test_a_killed_writer_leaves_whole_lines(tmp_path):
    path = tmp_path / "scenario.jsonl"
    code = """
        import sys
        from pathlib import Path
        from avow.core import events
        from avow.core.record import Recorder
        from avow.core.secrets import Redactor
        recorder = Recorder(Path(sys.argv[1]), Redactor())
        number = 0
        while True:
            number += 1
            recorder.event(events.Attached(at=1.0, name=str(number), file="x" * 3000, mime="m"))
            if number == 200:
                print("go", flush=True)
        """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(path)], stdout=subprocess.PIPE
    )
    try:
        assert child.stdout.readline() == b"go\n"
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    names = [int(each.name) for each in read(path)]
    assert len(names) >= 200
    assert names == list(range(1, len(names) + 1))


def test_the_file_is_the_owners_alone(recorder, tmp_path):
    assert tmp_path.joinpath("scenario.jsonl").stat().st_mode & 0o077 == 0
