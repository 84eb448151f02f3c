"""Webhooks as a provider sends them: signed its way, or deliberately not.

sender.send(event, data) --envelope--> bytes --scheme.sign--> headers --HTTP--> the system under
test
"""

from avow.stubs.webhooks.sender import SIGNATURES, WebhookSender
from avow.stubs.webhooks.stripe import StripeScheme

__all__ = ["SIGNATURES", "StripeScheme", "WebhookSender"]
