"""The signature schemes that avow brings; plug-ins add theirs by the same hook."""

from __future__ import annotations

from avow.plugins import SignatureScheme, hookimpl
from avow.stubs.webhooks.stripe import StripeScheme


@hookimpl
def avow_signature_schemes() -> list[SignatureScheme]:
    return [StripeScheme()]
