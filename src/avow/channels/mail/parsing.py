"""A mail as it came, taken apart: nothing that anybody may send makes this raise."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from avow.core.entries import Body
from avow.core.text import printable


@dataclass(slots=True)
class Mail:
    """What a reader of the mail sees; `bodies` by part: text, html, attachment:NAME."""

    subject: str = ""
    headers: list[list[str]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    bodies: dict[str, Body] = field(default_factory=dict)


def parsed(raw: bytes) -> Mail:
    """Take a mail apart; what cannot be understood is kept as it came."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    mail = Mail()
    for name, value in message.raw_items():
        mail.headers.append([name, _header(message, name, value)])
    mail.subject = next((v for n, v in mail.headers if n.lower() == "subject"), "")
    for part in message.walk():
        if not part.is_multipart():
            _take(mail, part)
    return mail


def _header(message: EmailMessage, name: str, value: Any) -> str:
    try:
        # The policy decodes encoded words, and raises for some that are broken.
        return str(message.policy.header_fetch_parse(name, value))
    except Exception:  # noqa: BLE001 - the parser's own bugs included: a header is only evidence
        return printable(str(value))


def _take(mail: Mail, part: EmailMessage) -> None:
    kind = part.get_content_type()
    content = _content(part)
    try:
        name = part.get_filename() or ""
        is_attachment = part.get_content_disposition() == "attachment" or bool(name)
    except Exception:  # noqa: BLE001 - as above
        name, is_attachment = "", True
    plain = {"text/plain": "text", "text/html": "html"}.get(kind)
    if plain and not is_attachment and plain not in mail.bodies:
        mail.bodies[plain] = Body.of(_text(part, content), f"{kind}; charset=utf-8")
        return
    name = printable(name) or f"part {len(mail.attachments) + 1}"
    mail.attachments.append({"name": name, "type": kind, "size": len(content)})
    key, number = f"attachment:{name}", 2
    while key in mail.bodies:
        key, number = f"attachment:{name} ({number})", number + 1
    mail.bodies[key] = Body.of(content, kind)


def _content(part: EmailMessage) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except Exception:  # noqa: BLE001 - as above
        content = None
    if isinstance(content, bytes):
        return content
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def _text(part: EmailMessage, content: bytes) -> str:
    charset = part.get_content_charset() or "utf-8"
    try:
        text = content.decode(charset)
    except (LookupError, UnicodeDecodeError):
        text = content.decode("utf-8", "replace")
    return text.replace("\r\n", "\n")
