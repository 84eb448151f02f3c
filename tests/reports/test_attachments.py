"""What user code says through allure itself."""

from __future__ import annotations

from types import SimpleNamespace

import allure
import pytest

from avow.core import events
from avow.core.secrets import Redactor, Secret
from avow.reports.attachments import UserAllure
from avow.reports.record import EVIDENCE, RUN_LEVEL


@pytest.fixture
def heard(tmp_path):
    """A scenario whose third step runs, and everything that was emitted."""
    redactor = Redactor(b"k" * 16)
    redactor.add(Secret("TOKEN", "hunter2-hunter2"))
    told: list[events.Event] = []
    user = UserAllure(told.append, tmp_path, redactor, limit=1000)
    user.step, user.is_in_scenario = 2, True
    with user.installed():
        yield SimpleNamespace(told=told, user=user, folder=tmp_path)


def test_steps_become_sub_steps_with_their_parameters(heard):
    @allure.step("pay {amount}")
    def pay(amount, password):
        with allure.step("press the button"):
            pass

    pay(12, password="sesame")

    started = [event for event in heard.told if isinstance(event, events.SubStepStarted)]
    assert [event.title for event in started] == ["pay 12", "press the button"]
    assert started[0].parameters == {"amount": "12", "password": "******"}
    ends = [event.uuid for event in heard.told if isinstance(event, events.SubStepFinished)]
    assert ends == [started[1].uuid, started[0].uuid]


@pytest.mark.parametrize(
    ("error", "status"), [(AssertionError("no"), "failed"), (KeyError("cart"), "broken")]
)
def test_a_sub_step_that_raises_says_why(heard, error, status):
    with pytest.raises(type(error)), allure.step("try"):
        raise error

    trouble = heard.told[-1].trouble
    assert (trouble.status, trouble.message) == (status, str(error))


def test_attachments_are_files_in_the_results_and_belong_to_the_running_step(heard):
    allure.attach('{"a": 1}', "answer", allure.attachment_type.JSON)

    (event,) = heard.told
    assert (event.name, event.mime, event.step) == ("answer", "application/json", 2)
    assert event.file.endswith("-attachment.json")
    assert (heard.folder / event.file).read_text() == '{"a": 1}'


def test_secrets_do_not_get_into_files(heard):
    allure.attach("Bearer hunter2-hunter2", "header")
    allure.attach(b"\xff hunter2-hunter2", "bytes", allure.attachment_type.PCAP)

    for event in heard.told:
        assert b"hunter2" not in (heard.folder / event.file).read_bytes()
    assert b"[secret:TOKEN:" in (heard.folder / heard.told[0].file).read_bytes()


@pytest.mark.parametrize(
    ("kind", "extension"),
    [
        (allure.attachment_type.HTML, None),
        (allure.attachment_type.SVG, None),
        ("text/html; charset=utf-8", "html"),
        ("text/plain", "html"),
        ("no type at all <script>", None),
    ],
)
def test_what_a_browser_would_run_is_kept_as_text(heard, kind, extension):
    allure.attach("<script>alert(1)</script>", "page", kind, extension)

    (event,) = heard.told
    assert event.mime == "text/plain"
    assert event.file.endswith("-attachment.txt")


@pytest.mark.parametrize("extension", ["../../etc/passwd", "a/b", "", "x" * 40])
def test_a_file_name_is_never_the_users(heard, extension):
    allure.attach(b"x", "../../name", "application/octet-stream", extension)

    (event,) = heard.told
    assert event.file.endswith("-attachment.txt")
    assert "/" not in event.file
    assert (heard.folder / event.file).is_file()


def test_files_are_attached_and_cut_when_too_long(heard):
    log = heard.folder / "server.log"
    log.write_text("line\n" * 1000)

    allure.attach.file(log)

    (event,) = heard.told
    text = (heard.folder / event.file).read_text()
    assert event.name == "server.log"
    assert len(text) < 1100
    assert text.endswith(
        "\n... (cut: 5000 bytes, more than the 1000 that an attachment may have)\n"
    )


def test_a_binary_that_is_too_long_is_told_and_not_kept(heard):
    allure.attach(b"\x00" * 2000, "dump", allure.attachment_type.PCAP)

    (event,) = heard.told
    assert (
        (heard.folder / event.file)
        .read_text()
        .startswith("not kept: 2000 bytes, more than the 1000 that an attachment may have; sha256")
    )


def test_a_file_that_is_not_there_is_a_problem_and_no_exception(heard):
    allure.attach.file("/nowhere/at/all", "log")

    message = "attachment 'log' is not in the report: No such file or directory"
    assert heard.user.problems == [message]
    (event,) = heard.told
    assert (event.where, event.trouble.message) == (EVIDENCE, message)


def test_an_emitter_that_fails_is_a_problem_and_no_exception(tmp_path):
    def broken(_):
        raise OSError(28, "No space left on device")

    user = UserAllure(broken, tmp_path, Redactor())
    with user.installed(), allure.step("go on"):
        pass

    assert user.problems[0] == (
        "attachment 'SubStepStarted' is not in the report: No space left on device"
    )


def test_anything_can_be_attached(heard):
    class Strange:
        def __str__(self):
            raise ValueError

    for body in (None, 12, Strange(), "\ud800", bytearray(b"x"), ["a"]):
        allure.attach(body, "it")

    assert heard.user.problems == []
    assert len(heard.told) == 6


def test_dynamic_becomes_labels_links_and_parameters(heard):
    allure.dynamic.title("A name")
    allure.dynamic.description("Why")
    allure.dynamic.description_html("<b>Why</b>")
    allure.dynamic.severity(allure.severity_level.CRITICAL)
    allure.dynamic.story("one", "two")
    allure.dynamic.issue("SHOP-1", "the bug")
    allure.dynamic.parameter("card", "visa")
    allure.dynamic.parameter("pin", "1234", mode=allure.parameter_mode.MASKED)
    allure.dynamic.parameter("run", "7", excluded=True)

    assert [(event.what, event.name, event.value) for event in heard.told] == [
        ("title", "", "A name"),
        ("description", "", "Why"),
        ("description_html", "", "<b>Why</b>"),
        ("label", "severity", "critical"),
        ("label", "story", "one"),
        ("label", "story", "two"),
        ("link:issue", "the bug", "SHOP-1"),
        ("parameter", "card", "visa"),
        ("parameter:masked", "pin", "******"),
        ("parameter:excluded", "run", "7"),
    ]


def test_outside_of_a_scenario_attachments_belong_to_the_run(heard):
    heard.user.is_in_scenario, heard.user.step = False, -1

    allure.attach("from before_all", "note")
    allure.dynamic.title("of nothing")
    allure.global_attach("always the run's", "note")
    allure.global_error("no licence")

    assert [getattr(event, "step", None) for event in heard.told] == [RUN_LEVEL, RUN_LEVEL, None]
    assert heard.told[2].trouble.message == "no licence"


def test_nothing_is_heard_once_it_is_uninstalled(tmp_path):
    told: list[events.Event] = []
    with UserAllure(told.append, tmp_path, Redactor()).installed():
        pass

    allure.attach("x", "y")

    assert told == []
