from __future__ import annotations

import socket

import pytest

from avow.processes import ports


def test_a_held_port_is_nobody_elses() -> None:
    held = ports.hold()
    try:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", held.port))
    finally:
        held.release()


def test_our_own_child_can_listen_on_it() -> None:
    held = ports.hold()
    held.hand_over()
    # What servers do: say SO_REUSEADDR, bind, listen.
    with (
        socket.create_server(("127.0.0.1", held.port)) as server,
        socket.create_connection(("127.0.0.1", held.port), timeout=5) as client,
    ):
        accepted, _ = server.accept()
        accepted.close()
        assert client.recv(1) == b""
    held.release()


def test_a_program_that_shares_nothing_gets_it_strictly() -> None:
    held = ports.hold()
    held.hand_over(strictly=True)
    with socket.socket() as server:
        server.bind(("127.0.0.1", held.port))


def test_many_at_once_are_all_different() -> None:
    held = [ports.hold() for _ in range(200)]
    assert len({each.port for each in held}) == 200
    for each in held:
        each.release()


def test_a_socket_that_listens_already_answers_before_its_program_is_up() -> None:
    with ports.listening() as server, socket.create_connection(server.getsockname(), timeout=5):
        pass


@pytest.mark.parametrize(
    "output",
    [
        "OSError: [Errno 98] Address already in use",
        "Error: listen EADDRINUSE: address already in use 127.0.0.1:80",
        "java.net.BindException: Address already in use (Bind failed)",
        "listen tcp 127.0.0.1:80: bind: address already in use",
        'could not bind IPv4 address "127.0.0.1": Address already in use',
        "Port 8080 is already in use",
        "[Errno 48] error while attempting to bind on address ('127.0.0.1', 80): address in use",
    ],
)
def test_words_of_a_program_whose_port_was_taken(output: str) -> None:
    assert ports.clashed(f"starting\n{output}\nbye")


@pytest.mark.parametrize("output", ["", "the address book is in use by nobody", "Port 80 is open"])
def test_other_words(output: str) -> None:
    assert not ports.clashed(output)
