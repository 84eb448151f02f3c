"""Where secrets come from. A name without an entry in [secrets] is read from AVOW_SECRET_<NAME>."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from avow.config.reading import SECRET_KEYS
from avow.config.references import references
from avow.config.values import SecretSource, Settings
from avow.core.errors import AvowError, ConfigError
from avow.core.secrets import SHORTEST, Secret

_VARIABLE = "AVOW_SECRET_"


class Secrets:
    """The secrets of a suite, read when first asked for. Not picklable, by intent."""

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._read: dict[str, Secret] = {}

    def get(self, name: str) -> Secret:
        """Return a secret; raises ConfigError that says where it was looked for."""
        if name not in self._read:
            self._read[name] = Secret(name, self._value(name))
        return self._read[name]

    def reveal(self, name: str) -> str:
        """Return the value itself; what `references.resolve` asks for."""
        return self.get(name).reveal()

    def names(self) -> list[str]:
        """Return every name that the settings declare or refer to."""
        mentioned = {
            each.name
            for service in self._settings.services.values()
            for each in references(service)
            if each.source == "secret"
        }
        return sorted(mentioned | set(self._settings.secrets))

    def all(self) -> list[Secret]:
        """Return every secret that the redactor must know, those written out in settings too."""
        known = [self.get(name) for name in self.names()]
        values = {secret.reveal() for secret in known}
        for name, text in written_out(self._settings):
            if len(text) >= SHORTEST and text not in values:
                values.add(text)
                known.append(Secret(name, text))
        return known

    def problems(self) -> list[AvowError]:
        """Return what is wrong with the secrets that the settings need."""
        found: list[AvowError] = []
        for name in self.names():
            try:
                self.get(name)
            except AvowError as error:
                found.append(error)
        return found

    def _value(self, name: str) -> str:
        source = self._settings.secrets.get(name) or SecretSource(env=_VARIABLE + variable(name))
        where = f'secret "{name}"'
        if source.value:
            return source.value
        if source.file:
            path = Path(self._settings.root, source.file)
            try:
                return path.read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
                raise ConfigError(
                    f"its file {source.file} cannot be read: {reason}", where=where
                ) from None
        if not self._environ.get(source.env):
            raise ConfigError(
                f"the environment variable {source.env} is not set",
                where=where,
                advice=f"Set it, or say where the secret is: [secrets] {name} = "
                '{ file = "..." } (or value = "..." for a worthless local one).',
            )
        return self._environ[source.env]


def variable(name: str) -> str:
    """Return the name of a secret as it stands in environment variables."""
    return name.upper().replace("-", "_").replace(".", "_")


def written_out(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield name and text of secrets that stand in the settings of services as they are."""
    for service in settings.services.values():
        yield from _written_out(service.settings, service.name)


def _written_out(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, msgspec.Struct):
        value = {key: getattr(value, key) for key in value.__struct_fields__}
    if not isinstance(value, Mapping):
        return
    for key, each in value.items():
        if isinstance(each, str):
            if key in SECRET_KEYS and each and not any(references(each)):
                yield f"{name}.{key}", each
        else:
            yield from _written_out(each, f"{name}.{key}")
