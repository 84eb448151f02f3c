"""What holds for all tests."""

from __future__ import annotations

import contextlib
import signal

# A shell that starts its jobs in the background, and nohup, have them ignore signals. What is
# ignored is inherited by every process that a test starts; tests of signals would wait for ever.
for _number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(_number) == signal.SIG_IGN:
        _handler = signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL
        with contextlib.suppress(ValueError):  # not in the main thread
            signal.signal(_number, _handler)
