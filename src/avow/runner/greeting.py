"""The coordinator's first words to the template."""

from __future__ import annotations

import pickle
from typing import Any

import msgspec


class Greeting(msgspec.Struct, frozen=True):
    """What the coordinator hands over at the start; pickled, as behave's configuration is a plain
    object.
    """

    config: dict[str, Any]
    settings: Any
    root: str
    run: str
    #: Files and the lines of the scenarios that will run.
    selected: dict[str, list[int]]
    #: Whether the files are few enough to be kept as models.
    keep: bool


def plain_config(config: Any) -> dict[str, Any]:
    """Return what of behave's configuration can go to another process."""
    left_out = {"outputs", "reporters", "formatters", "tag_expression"}
    found = {}
    for name, value in vars(config).items():
        if name in left_out:
            continue
        try:
            pickle.dumps(value)
        except Exception:  # noqa: BLE001 - a plug-in may have put anything there
            continue
        found[name] = value
    return found


def configuration(values: dict[str, Any]) -> Any:
    from behave.configuration import Configuration
    from behave.tag_expression import make_tag_expression

    config = Configuration.__new__(Configuration)
    config.__dict__.update(values, outputs=[], reporters=[], formatters=[])
    config.setup_model()
    config.tag_expression = make_tag_expression(config.tags or "")
    return config
