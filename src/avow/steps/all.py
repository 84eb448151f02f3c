"""Everything: `from avow.steps.all import *` in a suite's steps/shared.py."""

from avow.steps import (
    effects,
    http,
    mail,
    memory,
    messages,
    objects,
    parameters,
    rows,
    services,
    stubs,
    webhooks,
)

#: The phrases are in behave's registry; a step file needs none of these names.
__all__: list[str] = []

MODULES = (
    http, messages, rows, stubs, webhooks, mail, objects, memory, effects, services, parameters
)  # fmt: skip
