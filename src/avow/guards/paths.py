"""Which files a suite may read and write: those under its root, symbolic links followed."""

from __future__ import annotations

from pathlib import Path

from avow.core.errors import GuardRefusal, SuiteError, did_you_mean
from avow.core.text import shortened


def check_path(text: str, root: Path, *, exists: bool, where: str) -> Path:
    """Return the real path of `text` under `root`.

    Raises GuardRefusal for one that lies outside or is no regular file or directory, SuiteError for
    one that is not there though it `exists` should be.
    """
    shown = f'"{shortened(text, 120)}"'
    if not text or "\0" in text:
        raise GuardRefusal(f"{shown} is not a path", where=where)
    real_root = root.resolve()
    try:
        path = (real_root / text).resolve()
        there = path.exists()
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it is a link to itself"
        raise GuardRefusal(f"{shown} cannot be followed: {reason}", where=where) from None
    if not path.is_relative_to(real_root):
        linked = "" if ".." in text or Path(text).is_absolute() else ", where a link leads"
        raise GuardRefusal(
            f"{shown} lies outside of the suite ({path}{linked})",
            where=where,
            advice=f"Copy it to somewhere under {real_root}.",
        )
    if there and not (path.is_file() or path.is_dir()):
        # Reading a pipe or a device may never end.
        raise GuardRefusal(f"{shown} is neither a file nor a directory", where=where)
    if exists and not there:
        names = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        raise SuiteError(
            f"there is no file {shown}",
            where=where,
            advice=did_you_mean(path.name, names[:200], what="there")
            if names
            else f"Paths are relative to {real_root}.",
        )
    return path
