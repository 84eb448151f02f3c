"""Which databases a suite may change: its own, and those whose name says that they are for this."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

from avow.core.errors import GuardRefusal

_WORD = re.compile(r"[a-z]+")
_FOR_TESTS = {"test", "tests", "testing", "dev", "devel", "development", "avow"}
_FOR_REAL = {"prod", "production", "live"}


def check_database(name: str, *, owned: bool, allowed: Iterable[str], where: str) -> None:
    """Return quietly, or raise GuardRefusal before the first statement.

    `owned` databases were made by this run. `allowed` are patterns of [guards] databases; only
    a database listed there may have a name that says production.
    """
    if owned or any(fnmatch.fnmatchcase(name, pattern) for pattern in allowed):
        return
    words = set(_WORD.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))
    if words & _FOR_TESTS and not words & _FOR_REAL:
        return
    said = "says that it is for real" if words & _FOR_REAL else "does not say that it is for tests"
    raise GuardRefusal(
        f'the name of the database "{name}" {said}, so nothing is read or changed in it',
        where=where,
        advice='Use one with "test" or "dev" as a word of its name, or allow it in avow.toml: '
        f'[guards] databases = ["{name}"].',
    )
