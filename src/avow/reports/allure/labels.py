"""Tags as Allure's labels and links: the conventions of allure-behave, and what it leaves out.

    @critical                          severity (a scenario's goes before its feature's)
    @allure.epic:Shop @allure.story=X  epic, feature, story, suite, subSuite, owner, layer, ...
    @allure.label.layer:e2e            any label
    @allure.id:77                      the test case's id in Allure TestOps
    @allure.issue:SHOP-12              a link, by the patterns of `[reports] links`; also tms, link
    @allure.link.home:https://...      a link with a name
    anything else                      a tag

allure-behave does not know `@allure.owner`, and neither rules nor suites.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from avow.reports.allure.model import Label, Link

SEVERITIES = frozenset({"blocker", "critical", "normal", "minor", "trivial"})
_LABELS = {
    "epic": "epic",
    "feature": "feature",
    "story": "story",
    "parentSuite": "parentSuite",
    "suite": "suite",
    "subSuite": "subSuite",
    "severity": "severity",
    "thread": "thread",
    "host": "host",
    "tag": "tag",
    "as_id": "as_id",
    "id": "as_id",
    "framework": "framework",
    "language": "language",
    "ALLURE_MANUAL": "ALLURE_MANUAL",
    "owner": "owner",
    "layer": "layer",
}
_LINKS = frozenset({"issue", "link", "tms"})
#: Of these a result has one; the one said last is meant.
_UNIQUE = frozenset({"severity", "thread", "host", "as_id", "owner"})
_TAG = re.compile(r"allure\.(?P<kind>\w+)(?:\.(?P<name>[^:=]+))?[:=](?P<value>.+)", re.DOTALL)


class Marks:
    """Labels and links of one scenario, gathered from its tags and from user code."""

    def __init__(self, patterns: Mapping[str, str]) -> None:
        self._patterns = patterns
        self._labels: dict[tuple[str, str], Label] = {}
        self._unique: dict[str, Label] = {}
        self._links: dict[tuple[str, str], Link] = {}
        self._names: set[str] = set()

    def take(self, tags: Iterable[str]) -> None:
        for tag in tags:
            if tag in SEVERITIES:
                self.label("severity", tag)
                continue
            found = _TAG.fullmatch(tag) if tag.startswith("allure.") else None
            if found is None:
                self.label("tag", tag)
                continue
            kind, name, value = found["kind"], found["name"], found["value"]
            if kind in _LINKS:
                self.link(kind, value, name or "")
            elif kind in _LABELS:
                self.label(_LABELS[kind], value)
            elif kind == "label" and name:
                self.label(name, value)
            else:
                self.label("tag", tag)

    def label(self, name: str, value: str) -> None:
        self._names.add(name)
        if name in _UNIQUE:
            self._unique[name] = Label(name, value)
        else:
            self._labels.setdefault((name, value), Label(name, value))

    def default(self, name: str, value: str) -> None:
        """Set a label unless a tag or user code has set one of this name."""
        if value and name not in self._names:
            self.label(name, value)

    def link(self, kind: str, value: str, name: str = "") -> None:
        url = value
        pattern = self._patterns.get(kind, "")
        if pattern and not value.startswith(("http://", "https://")):
            # Not str.format: the value comes from a tag, and the pattern has one place.
            url = pattern.replace("{}", value)
        if ":" in url and not url.startswith(("http://", "https://", "mailto:")):
            # `javascript:` and its kind have no business in a report.
            self.label("tag", f"{kind}:{value}")
            return
        self._links.setdefault((kind, url), Link(kind, url, name or value))

    @property
    def labels(self) -> list[Label]:
        return [*self._unique.values(), *self._labels.values()]

    @property
    def links(self) -> list[Link]:
        return list(self._links.values())
