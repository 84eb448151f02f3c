"""A Kafka of one broker: librdkafka's mock cluster, in a process of its own.

It speaks the real protocol (produce, fetch, groups, transactions, idempotence) and keeps everything
in memory. It is reached through librdkafka's own C functions, because two things that matter are
not to be had otherwise: topics with a number of partitions, and a group that need not wait three
seconds for its first members.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from avow.services.servers import ready

_PRODUCER = 0
#: A real broker waits 3000 ms for more members before a new group's first assignment.
_FIRST_REBALANCE_MS = 20


def _library() -> Any:
    spec = importlib.util.find_spec("confluent_kafka")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("confluent_kafka")
    folder = Path(next(iter(spec.submodule_search_locations)))
    # The extension module is not imported, only loaded: its symbols are those of the librdkafka
    # that it is linked with, wherever that lies.
    library = ctypes.CDLL(str(next(folder.glob("cimpl*.so"))))
    pointer = ctypes.c_void_p
    for name, result, arguments in (
        ("rd_kafka_conf_new", pointer, []),
        (
            "rd_kafka_conf_set",
            ctypes.c_int,
            [pointer, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t],
        ),
        ("rd_kafka_new", pointer, [ctypes.c_int, pointer, ctypes.c_char_p, ctypes.c_size_t]),
        ("rd_kafka_mock_cluster_new", pointer, [pointer, ctypes.c_int]),
        ("rd_kafka_mock_cluster_bootstraps", ctypes.c_char_p, [pointer]),
        (
            "rd_kafka_mock_topic_create",
            ctypes.c_int,
            [pointer, ctypes.c_char_p, ctypes.c_int, ctypes.c_int],
        ),
        ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, [pointer, ctypes.c_int32]),
    ):
        function = getattr(library, name, None)
        if function is None and name.endswith("_delay_ms"):
            continue  # an older librdkafka: groups take three seconds to form
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


@contextlib.contextmanager
def _kept_awake(bootstrap: str) -> Iterator[None]:
    """Wake the cluster's thread every few milliseconds.

    It misses now and then that something was asked of it, and then looks only after a second; a
    connection wakes it for certain.
    """
    done = threading.Event()
    host, _, port = bootstrap.rpartition(":")

    def knock() -> None:
        while not done.wait(0.004):
            with contextlib.suppress(OSError):
                socket.create_connection((host, int(port)), timeout=1.0).close()

    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def main() -> None:
    descriptor, settings = ready.settings()
    ready.end_at_once()
    library = _library()
    reason = ctypes.create_string_buffer(512)
    configuration = library.rd_kafka_conf_new()
    # Warnings and worse (syslog's levels): without it every log begins with a notice.
    library.rd_kafka_conf_set(configuration, b"log_level", b"4", reason, len(reason))
    client = library.rd_kafka_new(_PRODUCER, configuration, reason, len(reason))
    if not client:
        raise SystemExit(f"librdkafka: {reason.value.decode()}")
    cluster = library.rd_kafka_mock_cluster_new(client, 1)
    if not cluster:
        raise SystemExit("librdkafka could not make its mock cluster")
    bootstrap: str = library.rd_kafka_mock_cluster_bootstraps(cluster).decode()
    with _kept_awake(bootstrap):
        if hasattr(library, "rd_kafka_mock_group_initial_rebalance_delay_ms"):
            library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, _FIRST_REBALANCE_MS)
        for topic, partitions in settings["topics"].items():
            error = library.rd_kafka_mock_topic_create(cluster, topic.encode(), partitions, 1)
            if error:
                raise SystemExit(f'librdkafka could not create topic "{topic}" (error {error})')
    ready.tell(descriptor, {"bootstrap": bootstrap})
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
