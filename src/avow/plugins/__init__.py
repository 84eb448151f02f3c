"""The door for services, channels, signature schemes and reports; avow's own use it too."""

from avow.plugins.builtin import hookimpl
from avow.plugins.extras import load, require
from avow.plugins.manager import (
    PluginManager,
    channels,
    manager,
    new_manager,
    service_kinds,
    signature_schemes,
)
from avow.plugins.values import ServiceKind, SignatureScheme, Unsigned

__all__ = [
    "PluginManager",
    "ServiceKind",
    "SignatureScheme",
    "Unsigned",
    "channels",
    "hookimpl",
    "load",
    "manager",
    "new_manager",
    "require",
    "service_kinds",
    "signature_schemes",
]
