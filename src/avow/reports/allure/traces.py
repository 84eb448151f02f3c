"""Tracebacks without the frames that explain nothing: behave's, PyHamcrest's, avow's."""

from __future__ import annotations

import re

_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line \d+')
_MACHINERY = re.compile(
    r"(?:^|[/\\])(?:behave|hamcrest|avow|pluggy|allure_commons)[/\\](?!.*[/\\]features[/\\])[^\"]*$"
)
_INSTALLED = re.compile(r"[/\\](?:site-packages|dist-packages|src)[/\\](?P<inside>.*)$")


def without_machinery(trace: str) -> str:
    """Return the traceback without such frames; all of it where nothing else would be left."""
    kept: list[str] = []
    dropping = False
    seen_frame = frames_left = False
    for line in trace.split("\n"):
        frame = _FRAME.match(line)
        if frame is not None:
            seen_frame = True
            dropping = is_machinery(frame["file"])
            frames_left = frames_left or not dropping
        elif dropping and not line.startswith("    "):
            dropping = False
        if not dropping:
            kept.append(line)
    return "\n".join(kept) if frames_left or not seen_frame else trace


def is_machinery(file: str) -> bool:
    """Say whether a file is behave's, PyHamcrest's or avow's, installed or in a checkout."""
    inside = _INSTALLED.search(file)
    return inside is not None and _MACHINERY.search(inside["inside"]) is not None
