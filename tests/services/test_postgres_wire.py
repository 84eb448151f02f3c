from __future__ import annotations

import socket
import tempfile
import threading
from pathlib import Path

import psutil
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
        before = psutil.Process().num_fds()
        with pytest.raises(ConnectionError) as caught:
            Connection(path, patience=10)
        refusing.join()
        # The traceback is still held, as it is where the failure is told later.
        assert caught.tb is not None
        assert psutil.Process().num_fds() == before
