"""Content codings undone under a cap: a few kilobytes may claim to be gigabytes.

RFC 9110 section 8.4. The cap is on decoded bytes; no more than it is ever held.

Not httpx's decoders: they inflate whatever they are given at once, so that one read of 64 KiB is
64 MiB and with two codings 64 GiB before anybody could count; and they take a gzip body that ends
in the middle, or the first of its members, for the whole.
"""

from __future__ import annotations

import zlib

from avow.channels.http.trouble import Kind, Trouble

#: What requests offer. Others (br, zstd) would come uninvited and stay as they are.
ACCEPT = "gzip, deflate"
_KNOWN = frozenset({"gzip", "x-gzip", "deflate"})
#: More codings than anybody applies; each multiplies the size of a bomb.
_MOST_CODINGS = 2
#: Text of one repeated word packs 1:300; beyond, and beyond a size that matters, it is a bomb.
_RATIO = 500
_RATIO_COUNTS_FROM = 1024 * 1024


def decoded(raw: bytes, codings: str, limit: int) -> tuple[bytes, Trouble | None]:
    """Return the body without its content codings, or its head and what is wrong with it."""
    names = [name.strip().lower() for name in codings.split(",") if name.strip()]
    names = [name for name in names if name != "identity"]
    if len(names) > _MOST_CODINGS:
        message = f"the body has {len(names)} content codings, more than {_MOST_CODINGS}"
        return raw, Trouble(Kind.UNDECODABLE, message)
    body = raw
    for name in reversed(names):
        if name not in _KNOWN:
            return body, None
        body, trouble = _inflated(body, name, limit)
        if trouble is not None:
            return body, trouble
        if len(body) > _RATIO_COUNTS_FROM and len(body) > _RATIO * len(raw):
            message = (
                f"{len(raw)} bytes of body decode to {len(body)}, more than {_RATIO} times as many"
            )
            return body[:_RATIO_COUNTS_FROM], Trouble(Kind.TOO_LARGE, message)
    return body, None


def _inflated(raw: bytes, name: str, limit: int) -> tuple[bytes, Trouble | None]:
    if not raw:
        return raw, None
    pieces: list[bytes] = []
    size = 0
    rest = raw
    try:
        while rest:
            # A gzip body may have several members; each starts anew.
            inflater = _inflater(name, rest)
            piece = inflater.decompress(rest, limit + 1 - size)
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                message = f"{len(raw)} bytes of body decode to more than {limit}; the rest was left"
                return b"".join(pieces)[:limit], Trouble(Kind.TOO_LARGE, message)
            if not inflater.eof:
                message = f"the {name} body ends in the middle"
                return b"".join(pieces), Trouble(Kind.UNDECODABLE, message)
            rest = inflater.unused_data if name != "deflate" else b""
    except zlib.error as error:
        message = f"the body is not {name} as its Content-Encoding says ({error})"
        return b"".join(pieces) or raw, Trouble(Kind.UNDECODABLE, message)
    return b"".join(pieces), None


def _inflater(name: str, raw: bytes) -> zlib._Decompress:
    if name != "deflate":
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    # RFC 9110 section 8.4.1.2: deflate means zlib, yet some send it bare; the first byte tells.
    is_zlib = raw[0] & 0x0F == 8 and (len(raw) < 2 or (raw[0] << 8 | raw[1]) % 31 == 0)
    return zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
