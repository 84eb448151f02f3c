"""Allure's result files, field for field (`allure_commons.model2`; a test compares the names).

Own structs instead of that library's classes, because encoding them costs a twentieth.
"""

from __future__ import annotations

import msgspec


class Part(msgspec.Struct, omit_defaults=True):
    """Base of what is written: what says nothing is left out."""


class StatusDetails(Part):
    known: bool | None = None
    flaky: bool | None = None
    message: str | None = None
    trace: str | None = None


class GlobalError(StatusDetails):
    timestamp: int | None = None


class Attachment(Part):
    name: str | None = None
    source: str | None = None
    type: str | None = None


class GlobalAttachment(Attachment):
    timestamp: int | None = None


class Parameter(Part):
    name: str | None = None
    value: str | None = None
    excluded: bool | None = None
    mode: str | None = None


class Label(Part):
    name: str | None = None
    value: str | None = None


class Link(Part):
    type: str | None = None
    url: str | None = None
    name: str | None = None


class ExecutableItem(Part):
    name: str | None = None
    status: str | None = None
    statusDetails: StatusDetails | None = None
    stage: str | None = None
    description: str | None = None
    descriptionHtml: str | None = None
    steps: list[TestStepResult] = []
    attachments: list[Attachment] = []
    parameters: list[Parameter] = []
    start: int | None = None
    stop: int | None = None


class TestStepResult(ExecutableItem):
    id: str | None = None


class TestBeforeResult(ExecutableItem):
    pass


class TestAfterResult(ExecutableItem):
    pass


class TestResult(ExecutableItem):
    uuid: str | None = None
    historyId: str | None = None
    testCaseId: str | None = None
    fullName: str | None = None
    labels: list[Label] = []
    links: list[Link] = []
    titlePath: list[str] = []


class TestResultContainer(Part):
    uuid: str | None = None
    name: str | None = None
    children: list[str] = []
    description: str | None = None
    descriptionHtml: str | None = None
    befores: list[TestBeforeResult] = []
    afters: list[TestAfterResult] = []
    links: list[Link] = []
    start: int | None = None
    stop: int | None = None


class Globals(Part):
    attachments: list[GlobalAttachment] = []
    errors: list[GlobalError] = []


_encoder = msgspec.json.Encoder()


def encode(item: Part) -> bytes:
    return _encoder.encode(item)
