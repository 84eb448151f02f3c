"""Libraries that come with an extra of avow, imported where they are used."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from avow.core.errors import ConfigError, MissingExtra, did_you_mean


def require(module: str, extra: str, what: str) -> ModuleType:
    """Import and return `module`; raises MissingExtra, with the install line, where it is missing.

    `what` is the thing that needs it, in the words of the suite: 'the embedded postgres "db"'.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        raise MissingExtra.for_feature(what, extra, missing.partition(".")[0]) from error


def load(path: str, *, what: str, extra: str = "") -> Any:
    """Return what "module:Name" names. `what` is whose path it is; `extra` brings its libraries.

    Raises MissingExtra for a library that is not installed, ConfigError for a path that is wrong.
    """
    module_name, colon, name = path.partition(":")
    if not colon or not module_name or not name:
        raise ConfigError(
            f'"{path}" does not name code', where=what, advice='Write it as "package.module:Name".'
        )
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        if extra and not module_name.startswith(missing):
            raise MissingExtra.for_feature(what, extra, missing.partition(".")[0]) from error
        raise ConfigError(
            f'"{path}" cannot be imported: there is no module "{missing}"',
            where=what,
            advice="Is the package that holds it installed in this environment?",
        ) from error
    try:
        return getattr(module, name)
    except AttributeError:
        public = [each for each in vars(module) if not each.startswith("_")]
        raise ConfigError(
            f'module "{module_name}" has no "{name}"',
            where=what,
            advice=did_you_mean(name, public, what="there"),
        ) from None
