from __future__ import annotations

import gc
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from avow.services.embedded.postgresql.wire import Connection


def test_a_connection_that_the_server_closes_early_leaves_no_socket_behind():
    # A path of a Unix socket has at most 108 bytes: tmp_path may be longer.
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as server:
        path = Path(directory) / "s"
        server.bind(str(path))
        server.listen(1)
        server.settimeout(10)

        def refuse() -> None:
            taken, _ = server.accept()
            taken.recv(1)
            taken.close()

        refusing = threading.Thread(target=refuse)
        refusing.start()
        with pytest.raises(ConnectionError):
            Connection(path, patience=10)
        refusing.join()
        gc.collect()  # an unclosed socket is a warning here, and warnings are errors
