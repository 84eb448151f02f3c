"""What is private to a scenario: rows, offsets, stub state, mails, objects, keys, and what comes
late.
"""

from avow.isolation.isolation import Isolation, Off

__all__ = ["Isolation", "Off"]
