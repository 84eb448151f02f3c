"""Text made safe: any bytes become printable text, and nothing raises."""

from __future__ import annotations

import re

# Control characters other than tab and newline, and lone surrogates: terminals, XML and JSON
# readers choke on them. Bidirectional controls (Unicode TR 9) show a name as what it is not.
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def printable(value: object) -> str:
    """Return `value` as text that every terminal and file accepts; unsafe characters are
    escaped.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        text = bytes(value).decode("utf-8", "backslashreplace")
    elif isinstance(value, str):
        text = value
    else:
        try:
            text = str(value)
        except Exception as error:  # noqa: BLE001 - a broken __str__ must not end a run
            text = f"<{type(value).__name__} whose text raised {type(error).__name__}>"
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_escape, text.replace("\r\n", "\n"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def shortened(text: str, limit: int = 200) -> str:
    """Return one line of at most `limit` characters, its middle left out if need be."""
    line = " ".join(printable(text).split())
    if len(line) <= limit:
        return line
    keep = max(limit - 3, 2)
    return f"{line[: keep - keep // 3]}...{line[-(keep // 3) :]}"


def plural(count: int, one: str, many: str = "") -> str:
    """Return `1 call`, `2 calls`."""
    return f"{count} {one}" if count == 1 else f"{count} {many or one + 's'}"
