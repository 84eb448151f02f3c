"""avow's shared phrases: `avow steps` lists them."""

from avow.steps.all import *  # noqa: F403
