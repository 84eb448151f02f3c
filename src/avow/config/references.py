"""References in settings: text that is known only when a service is up, or that comes from outside.

{db.url}          a fact of another service
{port} {root}     a fact of its own
${secret:NAME}    a secret
${env:NAME}       an environment variable
{{ and }}         the braces themselves
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from avow.core.errors import ConfigError, did_you_mean

T = TypeVar("T")

_REFERENCE = re.compile(
    r"\$\{(?P<source>secret|env):(?P<key>[^{}\s]+)\}"
    r"|(?P<open>\{\{)|(?P<close>\}\})"
    r"|(?<!\$)\{(?P<name>[A-Za-z][\w-]*)(?:\.(?P<fact>[A-Za-z_]\w*))?\}"
)

#: What a service may say about itself before it is up.
OWN_FACTS = ("port", "fd", "host", "root", "name", "dir", "slot")


class Reference(msgspec.Struct, frozen=True):
    """`source` is "service", "own", "secret" or "env"; `fact` is set for "service"."""

    source: str
    name: str
    fact: str = ""

    def __str__(self) -> str:
        if self.source in ("secret", "env"):
            return f"${{{self.source}:{self.name}}}"
        return f"{{{self.name}.{self.fact}}}" if self.fact else f"{{{self.name}}}"


def references(value: Any) -> Iterator[Reference]:
    """Yield every reference in a text, or in the texts of lists, tables and Structs."""
    for text in texts(value):
        for found in _REFERENCE.finditer(text):
            if found["source"]:
                yield Reference(found["source"], found["key"])
            elif found["fact"]:
                yield Reference("service", found["name"], found["fact"])
            elif found["name"]:
                yield Reference("own", found["name"])


def texts(value: Any) -> Iterator[str]:
    """Yield every text in plain data or a Struct, but for what it names as `verbatim`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from texts(each)
    elif isinstance(value, msgspec.Struct):
        verbatim = getattr(value, "verbatim", ())
        for name in value.__struct_fields__:
            if name not in verbatim:
                yield from texts(getattr(value, name))


def resolve(
    text: str,
    facts: Mapping[str, Mapping[str, str]],
    own: Mapping[str, str] | None = None,
    *,
    secret: Callable[[str], str] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> str:
    """Return `text` with every reference replaced; raises ConfigError for one that is not known.

    `facts` are those of all services that are up, `own` those of the service that it belongs to;
    `secret` returns the value of a secret by name (avow.config.Secrets.reveal).
    """
    if "{" not in text and "}" not in text:
        return text

    def replace(found: re.Match[str]) -> str:
        if found["open"]:
            return "{"
        if found["close"]:
            return "}"
        if found["source"] == "env":
            return _known(found["key"], environ, found[0], "environment variables", show=False)
        if found["source"] == "secret":
            if secret is None:
                raise ConfigError(f"{found[0]} cannot be used here: no secrets are at hand")
            return secret(found["key"])
        if found["fact"]:
            service = _known(found["name"], facts, found[0], "services that are up")
            return _known(found["fact"], service, found[0], f'facts of "{found["name"]}"')
        return _known(found["name"], own or {}, found[0], "facts of its own")

    return _REFERENCE.sub(replace, text)


def _known(name: str, values: Mapping[str, T], reference: str, what: str, show: bool = True) -> T:
    try:
        return values[name]
    except KeyError:
        raise ConfigError(
            f'{reference} is not known: there is no "{name}"',
            advice=did_you_mean(name, values, what=what) if show else f"Set {name}.",
        ) from None


def resolve_all(value: Any, replace: Callable[[str], str]) -> Any:
    """Return plain data or a Struct with `replace` applied to every text in it."""
    if isinstance(value, str):
        return replace(value)
    if isinstance(value, Mapping):
        return {key: resolve_all(each, replace) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(resolve_all(each, replace) for each in value)
    if isinstance(value, msgspec.Struct):
        verbatim = getattr(value, "verbatim", ())
        changed = {
            name: resolve_all(getattr(value, name), replace)
            for name in value.__struct_fields__
            if name not in verbatim
        }
        return msgspec.structs.replace(value, **changed)
    return value
