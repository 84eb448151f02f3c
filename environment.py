"""Hooks of this suite; behave reads this file. avow's own come with the import."""

from avow.environment import *  # noqa: F403
