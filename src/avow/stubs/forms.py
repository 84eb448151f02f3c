"""Form bodies as JSON: `a[b][0]=x` is `{"a": {"b": ["x"]}}`, the way Stripe's clients encode."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

#: A nesting that no client sends; deeper keys stay flat instead of exhausting the stack.
_DEEPEST = 32


def decode_form(raw: bytes | str) -> dict[str, Any]:
    """Return the fields of a form body or a query, nested by their brackets; never raises.

    Every leaf is text. `a[]=x` appends, `a[0]=x` puts in order of the index, a name that comes
    twice is a list of both. Bytes that are not UTF-8 become U+FFFD.
    """
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        _put(tree, _keys(name), value)
    return {name: _lists(value) for name, value in tree.items()}


def _keys(name: str) -> list[str]:
    """Return `a[b][0]` as its parts; a name whose brackets do not close is one part."""
    head, bracket, rest = name.partition("[")
    if not bracket or not head or not rest.endswith("]"):
        return [name]
    keys = [head, *rest[:-1].split("][")]
    if len(keys) > _DEEPEST or any("[" in key or "]" in key for key in keys):
        return [name]
    return keys


class _Several(list[Any]):
    """Values of one name that came more than once."""


def _put(tree: dict[str, Any], keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        inner = tree.get(key)
        if not isinstance(inner, dict):
            inner = tree[key] = {} if inner is None else {"": inner}
        tree = inner
    key = keys[-1]
    if key not in tree:
        tree[key] = _Several([value]) if key == "" else value
    elif isinstance(tree[key], _Several):
        tree[key].append(value)
    else:
        tree[key] = _Several([tree[key], value])


def _lists(value: Any) -> Any:
    if isinstance(value, _Several):
        return [_lists(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {""}:
        inner = value[""]
        return [_lists(item) for item in inner] if isinstance(inner, _Several) else [_lists(inner)]
    if value and all(key.isdecimal() and key.isascii() for key in value):
        return [_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _lists(inner) for key, inner in value.items()}
