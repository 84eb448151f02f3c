"""TLS goes to the address that the guard named, and is checked for the name that was asked for."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.channels.helpers import Definition, context
from tests.channels.misbehaving import Misbehaving, answering

from avow.channels.base import ChannelContext
from avow.channels.http import HttpChannel
from avow.core.ledger import Ledger
from avow.core.secrets import Redactor

x509 = pytest.importorskip("cryptography.x509")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEM file with a key and a certificate of `shop.example` that signs itself."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "shop.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


class ToLoopback:
    """A guard that leads every name to this machine."""

    def address(self, host: str, port: int, *, where: str = "") -> str:
        return "127.0.0.1"

    def database(self, name: str, owned: bool = False, *, where: str = "") -> None: ...

    def path(self, text: str, *, exists: bool = False, where: str = "") -> Path:
        return Path(text)


@pytest.fixture
def tls(certificate: Path, server: Callable[..., Misbehaving]) -> Iterator[Any]:
    names: list[str | None] = []
    given = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    given.load_cert_chain(certificate)
    given.sni_callback = lambda connection, name, _: names.append(name)
    channels: list[HttpChannel] = []

    def start(**settings: Any) -> tuple[HttpChannel, Misbehaving, list[str | None]]:
        system = server(answering(), tls=given)
        url = f"https://shop.example:{system.port}"
        guarded = ChannelContext(ToLoopback(), context().timeouts, Redactor())
        definition = Definition(settings=settings)
        channels.append(HttpChannel("shop", {"url": url}, definition, Ledger(), guarded))
        return channels[-1], system, names

    yield start
    for each in channels:
        each.close()


def test_the_name_is_the_one_asked_for_and_connections_are_kept(
    tls: Any, certificate: Path
) -> None:
    channel, system, names = tls(ca=str(certificate))
    for _ in range(3):
        entry = channel.send("GET", "/")
        assert entry.data["response"]["status"] == 200
    assert set(names) == {"shop.example"}
    assert entry.data["address"] == f"127.0.0.1:{system.port}"
    assert f"Host: shop.example:{system.port}".encode() in system.requests[0]
    # The tickets of TLS 1.3 may come at any time and make one connection look busy.
    assert system.connections <= 2


def test_a_certificate_that_nobody_vouches_for(tls: Any) -> None:
    channel, _, _ = tls()
    error = channel.send("GET", "/").data["error"]
    assert error["kind"] == "tls"
    assert error["message"].startswith("the certificate is not accepted: self-signed certificate")


def test_a_certificate_of_another_name(tls: Any, certificate: Path) -> None:
    channel, system, _ = tls(ca=str(certificate))
    error = channel.send("GET", f"https://other.example:{system.port}/").data["error"]
    assert error["kind"] == "tls"
    assert "Hostname mismatch" in error["message"]
