"""What `avow init` writes: a suite in the shape of this repository's top level."""

from __future__ import annotations

import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from avow.core.errors import ConfigError

# Files that packaging tools would swallow under their real names.
_RENAMED = {"dot-gitignore": ".gitignore"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def create(name: str, into: Path) -> Path:
    """Write a suite to `into/name` and return that folder.

    Raises ConfigError where the name will not do or the folder holds something already; nothing is
    overwritten.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f'"{name}" cannot be the name of a suite',
            advice="Use letters, digits, - and _, beginning with a letter: avow init checkout",
        )
    folder = into / name
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(
            f"{folder} exists and is not empty", advice="Choose another name, or empty it first."
        )
    _copy(resources.files(__name__) / "template", folder, {"{{name}}": name})
    return folder


def _copy(source: Traversable, target: Path, words: dict[str, str]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for item in source.iterdir():
        if item.name == "__pycache__":
            continue
        place = target / _RENAMED.get(item.name, item.name)
        if item.is_dir():
            _copy(item, place, words)
            continue
        text = item.read_text("utf-8")
        for word, value in words.items():
            text = text.replace(word, value)
        place.write_text(text, "utf-8")
