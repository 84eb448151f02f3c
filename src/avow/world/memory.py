"""What a scenario remembers: values by name in one flat namespace, and the last of each subject.

the response, the message, the row, the webhook, the mail, the object, the call
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from avow.core.entries import Body, Entry
from avow.core.errors import SuiteError, did_you_mean

SUBJECTS = ("response", "message", "row", "webhook", "mail", "object", "call", "page")


class Memory:
    """Values that steps remember. A subject is what `the ...` means; its value is plain data."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._entries: dict[str, Entry] = {}
        self._subject = ""

    # -- values

    def remember(self, name: str, value: Any) -> None:
        """Remember a value; the same name again means the newer one."""
        self._values[name] = value

    def recall(self, name: str) -> Any:
        """Return a remembered value; raises SuiteError with the nearest name."""
        try:
            return self._values[name]
        except KeyError:
            raise SuiteError(
                f'nothing was remembered as "{name}"', advice=self.advice(name)
            ) from None

    def advice(self, name: str) -> str:
        return did_you_mean(name, self._values, what="remembered")

    @property
    def values(self) -> Mapping[str, Any]:
        return self._values

    # -- subjects

    def see(self, subject: str, entry: Entry, value: Any = ...) -> Any:
        """Make `entry` the subject (`the response`); return its value, that of `${response}`.

        Without a value it is what the entry's kind makes of its body.
        """
        if value is ...:
            value = plain_value(entry)
        self._entries[subject] = entry
        self._values[subject] = value
        self._subject = subject
        return value

    def entry(self, subject: str) -> Entry:
        """Return the entry of a subject; raises SuiteError where there was none yet."""
        try:
            return self._entries[subject]
        except KeyError:
            raise SuiteError(
                f"there is no {subject} yet",
                advice=f"An earlier step must make one: {_MAKERS.get(subject, '`avow steps`')}.",
            ) from None

    def keep(self, name: str, entry: Entry, value: Any) -> None:
        """Remember an entry and its value under a name of the scenario's own."""
        self._values[name] = value
        self._entries[name] = entry

    def has(self, subject: str) -> bool:
        return subject in self._entries

    def begin_step(self) -> None:
        """Forget which subject the last step made; `name_subject` is about this one."""
        self._subject = ""

    def name_subject(self, name: str, phrase: str) -> None:
        """Remember what the running step made or saw under a name (`as "first order"`)."""
        if not self._subject:
            raise SuiteError(
                f'there is nothing to call "{name}": "{phrase}" makes no response, message, row...',
                advice='Take `as "..."` away.',
            )
        self._values[name] = self._values[self._subject]
        self._entries[name] = self._entries[self._subject]


_MAKERS = {
    "response": 'When I send GET "/..." to "shop"',
    "message": 'Then a message on "orders" matches',
    "row": 'Then the table "orders" of "db" has a row',
    "webhook": 'When "stripe" sends a "..." webhook',
    "mail": 'Then "post" received a mail',
    "object": 'Then "receipts" holds a new object',
    "call": 'Then "stripe" received a "POST /..." call',
    "page": 'When I read all pages of "/..." from "shop"',
}


def json_of(body: Body | None) -> Any:
    """Return a body's JSON, else its text, else its bytes as text; None where it is empty."""
    if body is None or not body.raw:
        return None
    text = body.text()
    if text is None:
        return body.raw.decode("utf-8", "backslashreplace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


#: The part of an entry that is its value.
_PARTS = {
    "http.exchange": "response",
    "webhook.sent": "request",
    "message.sent": "value",
    "message.seen": "value",
    "stub.call": "request",
}


def plain_value(entry: Entry) -> Any:
    """Return what `${...}` and comparisons see of an entry: JSON where it is JSON."""
    part = _PARTS.get(entry.kind)
    if part is not None:
        return json_of(entry.bodies.get(part))
    if entry.kind.startswith("object."):
        return {**entry.data, "content": json_of(entry.bodies.get("content"))}
    if entry.kind.startswith("mail."):
        texts = {
            part: entry.bodies[part].text() for part in ("text", "html") if part in entry.bodies
        }
        return {**entry.data, **texts}
    if "rows" in entry.data:
        rows = entry.data["rows"]
        return rows[-1] if rows else None
    return entry.data
