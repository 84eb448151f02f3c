"""Everything: `from avow.steps.all import *` in a suite's steps/shared.py."""

from avow.steps import (
    calls,
    effects,
    mail,
    memory,
    messages,
    objects,
    parameters,
    requests,
    responses,
    rows,
    services,
    stubs,
    webhooks,
)

#: The phrases are in behave's registry; a step file needs none of these names.
__all__: list[str] = []

MODULES = (
    requests, responses, messages, rows, stubs, calls, webhooks, mail, objects, memory, effects,
    services, parameters,
)  # fmt: skip
