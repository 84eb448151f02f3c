"""`avow.toml` into frozen values; every mistake reported at once, with the nearest right name."""

from avow.config.dependencies import start_order
from avow.config.loading import FILE, load
from avow.config.references import references, resolve, resolve_all
from avow.config.secrets import Secrets
from avow.config.values import (
    Effects,
    GuardSettings,
    Health,
    Reports,
    RunnerSettings,
    SecretSource,
    ServiceDefinition,
    Settings,
    Timeouts,
)

__all__ = [
    "FILE",
    "Effects",
    "GuardSettings",
    "Health",
    "Reports",
    "RunnerSettings",
    "SecretSource",
    "Secrets",
    "ServiceDefinition",
    "Settings",
    "Timeouts",
    "load",
    "references",
    "resolve",
    "resolve_all",
    "start_order",
]
