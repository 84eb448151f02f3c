"""What one scenario may touch: channels by name, what was remembered, values, the ledger."""

from avow.world.channels import Channels
from avow.world.memory import Memory
from avow.world.resources import Resources
from avow.world.values import UnknownValue, Values
from avow.world.world import RunningStep, World

__all__ = [
    "Channels",
    "Memory",
    "Resources",
    "RunningStep",
    "UnknownValue",
    "Values",
    "World",
]
