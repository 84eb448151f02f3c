"""Bytes as text: JSON indented, text as it is, anything else as size, digest and a hex head."""

from __future__ import annotations

import hashlib
import json
import re

import msgspec

from avow.core.entries import Body
from avow.core.text import plural

#: Characters of one body shown in a text; a viewer that folds (HTTP exchange) gets all of it.
SHOWN = 16 * 1024
#: Bytes of a binary body shown in hexadecimal.
HEX_HEAD = 256


def lines(body: Body, *, limit: int = SHOWN) -> list[str]:
    """Return the body as text, then a note about what is not shown.

    The text may hold any character; whoever puts a page together makes it printable, once.
    """
    if not body.raw and not body.length:
        return ["(empty)"]
    text = body.text()
    if text is None and body.capped:
        text = _cut_in_a_character(body.raw)
    if text is None or _is_binary(body.raw):
        return _binary(body)
    shown = text if body.capped else pretty(body.raw, text)
    notes = []
    if len(shown) > limit:
        notes.append(f"first {limit} of {len(shown)} characters")
        shown = shown[:limit]
    if body.capped:
        notes.append(f"{len(body.raw)} of {body.length} bytes were kept, sha256 {body.sha256}")
    found = [shown]
    if notes:
        found.append(f"... ({'; '.join(notes)})")
    return found


def pretty(raw: bytes, text: str) -> str:
    """Return JSON indented; whatever is not JSON (or too deep to be read) as it came."""
    if raw[:1] not in (b"{", b"[") and raw.lstrip()[:1] not in (b"{", b"["):
        return text
    try:
        shown = msgspec.json.format(raw, indent=2).decode("utf-8")
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return text
    return _ESCAPE.sub(_character, shown) if "\\u" in shown else shown


# Every escape is matched, so that the `u` after an escaped backslash is not taken for one.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)"
)


def _character(escape: re.Match[str]) -> str:
    """Return the character that an escape stands for, where it can stand as it is."""
    found = escape.group()
    if found[1] != "u":
        return found
    text: str = json.loads(f'"{found}"')
    return text if text.isprintable() and text not in '"\\' else found


def _cut_in_a_character(raw: bytes) -> str | None:
    # The cap may have cut a character of up to four bytes in two.
    for cut in (1, 2, 3):
        try:
            return raw[:-cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
    return None


def _is_binary(raw: bytes) -> bool:
    return b"\0" in raw[:1024]


def _binary(body: Body) -> list[str]:
    digest = body.sha256 or hashlib.sha256(body.raw).hexdigest()
    kind = f" of {body.content_type}" if body.content_type else ""
    found = [f"{plural(body.length, 'byte')}{kind}, sha256 {digest}"]
    head = body.raw[:HEX_HEAD]
    for start in range(0, len(head), 16):
        row = head[start : start + 16]
        hexadecimal = row.hex(" ")
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        found.append(f"{start:08x}  {hexadecimal:<47}  {text}")
    if body.length > len(head):
        found.append(f"... ({body.length - len(head)} more bytes)")
    return found
