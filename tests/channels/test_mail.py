from __future__ import annotations

import smtplib
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from tests.channels.helpers import Definition, context

from avow.channels.mail import MailChannel
from avow.channels.mail.parsing import parsed
from avow.core.entries import Entry
from avow.core.errors import EnvironmentProblem
from avow.core.ledger import Ledger


@pytest.fixture
def mail(channel: Callable[..., Any]) -> MailChannel:
    made: MailChannel = channel("mail", MailChannel)
    made.start_scenario()
    return made


@pytest.fixture
def send(running: Any) -> Callable[..., None]:
    facts = running.facts["mail"]

    def sending(message: EmailMessage | bytes, to: list[str]) -> None:
        raw = message if isinstance(message, bytes) else message.as_bytes()
        with smtplib.SMTP(facts["host"], int(facts["port"])) as client:
            client.sendmail("shop@example.test", to, raw)

    return sending


def receipt() -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Your receipt, Ünal ☕"
    message["From"] = "Shop <shop@example.test>"
    message["To"] = "Ada <ada@example.test>"
    message.set_content("Danke!\nOrder 17\n")
    message.add_alternative("<p>Danke!</p>", subtype="html")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="r.pdf")
    return message


def received(mail: MailChannel) -> list[Entry]:
    mail.collect()
    return mail.ledger.find("mail.received")


def test_a_mail_is_an_effect_with_its_parts(mail: MailChannel, send: Callable[..., None]) -> None:
    send(receipt(), ["ada@example.test", "archive@example.test"])
    (entry,) = received(mail)
    assert entry.role == "effect"
    assert entry.data["from"] == "shop@example.test"
    assert entry.data["to"] == ["ada@example.test", "archive@example.test"]
    assert entry.data["subject"] == "Your receipt, Ünal ☕"
    assert ["To", "Ada <ada@example.test>"] in entry.data["headers"]
    assert entry.data["attachments"] == [{"name": "r.pdf", "type": "application/pdf", "size": 8}]
    assert entry.bodies["text"].text() == "Danke!\nOrder 17\n"
    assert entry.bodies["html"].text() == "<p>Danke!</p>\n"
    assert entry.bodies["attachment:r.pdf"].raw == b"%PDF-1.7"
    assert entry.summary == (
        "mail to ada@example.test, archive@example.test: Your receipt, Ünal ☕"
    )
    assert len(received(mail)) == 1


def test_mails_of_before_are_not_this_scenarios(
    mail: MailChannel, send: Callable[..., None]
) -> None:
    send(b"Subject: before\n\n", ["a@example.test"])
    mail.start_scenario()
    send(b"Subject: after\n\n", ["a@example.test"])
    assert [entry.data["subject"] for entry in received(mail)] == ["after"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?utf-8?b?%%%?=\nContent-Type: text/plain; charset=no-such\n\n\xe4",
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\n",
        b"Content-Type: multipart/mixed\n\nno boundary",
        b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n!!!",
        b"Content-Disposition: attachment; filename*=broken''%ff\n\nx",
        b"Subject: a\r\nTo: <<<>>>, @@, \xff\r\nDate: never\r\n\r\n",
        b"From: " + b"a" * 100_000 + b"\n\n",
        b"Content-Type: message/rfc822\n\nSubject: inner\n\nbody",
    ],
)
def test_no_mail_makes_it_raise(raw: bytes) -> None:
    mail = parsed(raw)
    assert isinstance(mail.subject, str)


def test_two_attachments_of_one_name_are_two() -> None:
    message = EmailMessage()
    message["Subject"] = "x"
    for content in (b"1", b"2"):
        message.add_attachment(content, maintype="a", subtype="b", filename="same")
    bodies = parsed(message.as_bytes()).bodies
    assert bodies["attachment:same"].raw == b"1"
    assert bodies["attachment:same (2)"].raw == b"2"


def test_a_line_that_is_being_written_is_for_the_next_look(tmp_path: Path) -> None:
    facts = {"maildir": str(tmp_path)}
    mail = MailChannel("mail", facts, Definition(kind="smtp"), Ledger(), context())
    mail.start_scenario()
    assert received(mail) == []
    (tmp_path / "1.eml").write_bytes(b"Subject: whole\n\n")
    line = '{"file": "1.eml", "from": "a", "to": ["b"], "at": 1.0}\n'
    (tmp_path / "index.jsonl").write_text(line + '{"file": "2.e')
    assert [entry.data["subject"] for entry in received(mail)] == ["whole"]
    assert received(mail)[0].at == 1.0
    (tmp_path / "2.eml").write_bytes(b"Subject: torn\n\n")
    (tmp_path / "index.jsonl").write_text(line + line.replace("1.eml", "2.eml"))
    assert [entry.data["subject"] for entry in received(mail)] == ["whole", "torn"]
    assert mail.watermark() == 2 * len(line)


def test_a_mailbox_that_is_gone_is_said(tmp_path: Path) -> None:
    facts = {"maildir": str(tmp_path / "gone")}
    mail = MailChannel("mail", facts, Definition(kind="smtp"), Ledger(), context())
    with pytest.raises(EnvironmentProblem, match=r'mail service "mail": .*gone is gone'):
        mail.collect()
