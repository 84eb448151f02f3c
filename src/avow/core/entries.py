"""What is written in a ledger: plain, frozen data that round-trips through JSON."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Literal

import msgspec

from avow.core.errors import AvowError

#: Who made it happen: avow (`act`), the system under test (`effect`), or nobody: avow looked
#: (`look`).
Role = Literal["act", "effect", "look"]


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """Bytes that were exchanged.

    `size` is the length before any capping; where `capped`, `raw` holds only the head. `sha256`
    (hex, of the whole) is set on capped bodies.
    """

    raw: bytes
    content_type: str = ""
    size: int = -1
    sha256: str = ""
    capped: bool = False

    @classmethod
    def of(cls, raw: bytes | str, content_type: str = "") -> Body:
        data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
        return cls(data, content_type, len(data))

    @property
    def length(self) -> int:
        return len(self.raw) if self.size < 0 else self.size

    def text(self) -> str | None:
        """Return the body as text, or None where it is not UTF-8."""
        try:
            return self.raw.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def whole(self) -> bytes:
        """Return all bytes; raises AvowError where only the head was kept, as in a recording."""
        if self.capped:
            raise AvowError(
                f"only the first {len(self.raw)} of {self.length} bytes of the body were kept",
                advice="Assert on its size or digest, or keep more: [reports] body_limit.",
            )
        return self.raw

    def cap(self, limit: int) -> Body:
        """Return a body that holds at most `limit` bytes and remembers its real size and digest."""
        if len(self.raw) <= limit:
            return self
        return Body(
            self.raw[:limit],
            self.content_type,
            self.length,
            self.sha256 or hashlib.sha256(self.raw).hexdigest(),
            True,
        )

    def to_plain(self) -> dict[str, Any]:
        """Return JSON-ready data; readable text stays text."""
        plain: dict[str, Any] = {}
        text = self.text()
        if text is None:
            plain["base64"] = base64.b64encode(self.raw).decode("ascii")
        else:
            plain["text"] = text
        if self.content_type:
            plain["type"] = self.content_type
        if self.capped:
            plain.update(size=self.size, sha256=self.sha256, capped=True)
        return plain

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Body:
        raw = (
            plain["text"].encode("utf-8")
            if "text" in plain
            else base64.b64decode(plain.get("base64", ""))
        )
        size = plain.get("size", len(raw))
        return cls(
            raw, plain.get("type", ""), size, plain.get("sha256", ""), plain.get("capped", False)
        )


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that crossed the border between a scenario and the outside world.

    `kind` is dotted (`http.exchange`, `stub.call`, `message.seen`); `resource` is the name in
    avow.toml; `step` is the position of the step in which it was written (-1: outside of any step);
    `started` and `ended` are monotonic seconds, `at` is UTC seconds since the epoch. `data` is
    plain JSON, its shape a matter of the kind; `bodies` are the bytes exchanged, by part.
    `question` is what was asked for, so that a replay finds the answer again.
    """

    id: int
    kind: str
    resource: str
    role: Role
    step: int
    started: float
    ended: float
    at: float
    summary: str
    data: dict[str, Any] = {}
    bodies: dict[str, Body] = {}
    question: dict[str, Any] = {}

    def to_plain(self) -> dict[str, Any]:
        """Return JSON-ready data, the same that `from_plain` reads."""
        plain: dict[str, Any] = {
            "id": self.id,
            "kind": self.kind,
            "resource": self.resource,
            "role": self.role,
            "step": self.step,
            "started": self.started,
            "ended": self.ended,
            "at": self.at,
            "summary": self.summary,
        }
        if self.data:
            plain["data"] = self.data
        if self.bodies:
            plain["bodies"] = {part: body.to_plain() for part, body in self.bodies.items()}
        if self.question:
            plain["question"] = self.question
        return plain

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Entry:
        fields = dict(plain)
        if "bodies" in fields:
            fields["bodies"] = {
                part: Body.from_plain(body) for part, body in fields["bodies"].items()
            }
        return cls(**fields)

    @property
    def channel(self) -> str:
        """The first word of the kind: `http`, `stub`, `message`, `rows`, `mail`, `object`."""
        return self.kind.partition(".")[0]


class Claim(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step's statement about an entry: it asserted on it, or answers for it (`expected`)."""

    step: int
    entry: int
    note: str = ""
