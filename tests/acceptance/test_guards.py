"""What a suite may not touch gets no byte from it, and the refusal names the setting to change."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

PARROT = Path(__file__).parents[1] / "apps/parrot/app.py"

SETTINGS = """
[suite]
name = "guarded"

[services.parrot]
kind = "http"
command = ["python", "{app}", "{{port}}"]
health = {{ path = "/health" }}

[services.bank]
kind = "stub"

"""


def outside() -> str:
    """Return an address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: this only asks which way it would go.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        address = str(probe.getsockname()[0])
    return "" if address.startswith("127.") else address


OUTSIDE = outside()
pytestmark = pytest.mark.skipif(not OUTSIDE, reason="this machine has no address but loopback")


class Listener:
    """Stands at an address that is not loopback, and answers nobody."""

    def __init__(self) -> None:
        self._socket = socket.create_server((OUTSIDE, 0))
        self.port = self._socket.getsockname()[1]

    @property
    def was_called(self) -> bool:
        self._socket.settimeout(0)
        try:
            connection, _ = self._socket.accept()
        except BlockingIOError:
            return False
        connection.close()
        return True

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def guarded(suite):
    suite.write("avow.toml", SETTINGS.format(app=PARROT))
    suite.write("steps/shared.py", "from avow.steps.all import *  # noqa: F403\n")
    return suite


def test_the_listener_hears_a_call(listener):
    with socket.create_connection((OUTSIDE, listener.port)):
        assert listener.was_called


def _number(address: str) -> str:
    return str(int.from_bytes(socket.inet_aton(address)))


SPELLINGS = {
    "plain": str,
    "number": _number,
    "hexadecimal": lambda address: hex(int(_number(address))),
    "mapped": lambda address: f"[::ffff:{address}]",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_another_host_in_a_step_gets_nothing(guarded, listener, spelling):
    host = SPELLINGS[spelling](OUTSIDE)
    guarded.feature(
        "a",
        f"""
        Feature: Outside
          Scenario: s
            When I send POST "http://{host}:{listener.port}/" to parrot with the text:
              \"\"\"
              do not send me
              \"\"\"
            Then the response status is 200
          Scenario: next
            When I send GET "/health" to parrot
            Then the response status is 200
        """,
    )
    ran = guarded.behave()
    assert not listener.was_called
    assert ran.code == 8, ran.text
    assert guarded.results() == {"s": "broken", "next": "passed"}


def test_an_address_in_octal_is_no_url_and_gets_nothing(guarded, listener):
    host = ".".join(f"0{int(part):o}" for part in OUTSIDE.split("."))
    guarded.feature(
        "a",
        f"""
        Feature: Outside
          Scenario: s
            When I send GET "http://{host}:{listener.port}/" to parrot
        """,
    )
    ran = guarded.behave()
    assert not listener.was_called
    assert ran.code == 1, ran.text
    assert "is not a URL: Invalid IPv4 address" in ran.text
    assert guarded.results() == {"s": "broken"}


@pytest.mark.parametrize("user", ["127.0.0.1", "a:127.0.0.1", "127.0.0.1\\\\"])
def test_a_url_that_readers_disagree_about_is_not_used(guarded, listener, user):
    guarded.feature(
        "a",
        f"""
        Feature: Outside
          Scenario: s
            When I send GET "http://{user}@{OUTSIDE}:{listener.port}/" to parrot
        """,
    )
    ran = guarded.behave()
    assert not listener.was_called
    assert ran.code == 1
    assert "holds a user name, a password or a backslash" in ran.out


def test_the_refusal_names_the_setting(guarded, listener):
    guarded.feature(
        "a",
        f"""
        Feature: Outside
          Scenario: s
            When I send GET "http://{OUTSIDE}:{listener.port}/" to parrot
        """,
    )
    ran = guarded.behave()
    assert f'[guards] hosts = ["{OUTSIDE}"]' in ran.out
    assert "guard" in ran.err


def test_an_allowed_host_is_reached(guarded, listener):
    guarded.write("avow.toml", SETTINGS.format(app=PARROT) + f'[guards]\nhosts = ["{OUTSIDE}"]\n')
    guarded.feature(
        "a",
        f"""
        Feature: Outside
          Scenario: s
            Given requests to parrot time out after 300 milliseconds
            When I send GET "http://{OUTSIDE}:{listener.port}/" to parrot
            Then the request timed out
        """,
    )
    ran = guarded.behave()
    assert ran.code == 0, ran.text
    assert listener.was_called


def test_a_redirect_does_not_lead_outside(guarded, listener):
    guarded.feature(
        "a",
        f"""
        Feature: Outside
          Scenario: s
            When I send GET "/to?url=http://{OUTSIDE}:{listener.port}/" to parrot
            Then the response status is 302
        """,
    )
    guarded.write(
        "steps/follows.py",
        """
        from avow.gherkin import when

        @when("I follow {string}")
        def follow(world, url):
            world.http["parrot"].send("GET", url, follow="anywhere")
        """,
    )
    assert guarded.behave().code == 0
    guarded.feature(
        "a",
        f"""
        Feature: Outside
          Scenario: s
            When I follow "/to?url=http://{OUTSIDE}:{listener.port}/"
        """,
    )
    ran = guarded.behave()
    assert ran.code == 8, ran.text
    assert not listener.was_called


ATTACHED = {
    "http": ('kind = "http"\nurl = "http://{at}"', "hosts"),
    "postgres": ('kind = "postgres"\nurl = "postgresql://u:p@{at}/shop_test"', "hosts"),
    "kafka": ('kind = "kafka"\nprovider = "attached"\nurl = "{at}"\ntopics = ["t"]', "hosts"),
    "s3": ('kind = "s3"\nurl = "http://{at}"', "hosts"),
    "redis": ('kind = "redis"\nurl = "redis://{at}"', "hosts"),
    "production": ('kind = "postgres"\nurl = "postgresql://u:p@127.0.0.1:1/shop"', "databases"),
}


@pytest.mark.parametrize("kind", ATTACHED)
def test_an_attached_service_elsewhere_gets_nothing(guarded, listener, kind):
    text, setting = ATTACHED[kind]
    text = text.format(at=f"{OUTSIDE}:{listener.port}")
    if "provider" not in text:
        text += '\nprovider = "attached"'
    guarded.write("avow.toml", f'[suite]\nname = "attached"\n\n[services.far]\n{text}\n')
    guarded.feature("a", "Feature: F\n  Scenario: s\n    Given a number 1\n")
    ran = guarded.behave()
    assert ran.code == 8, ran.text
    assert f"[guards] {setting} = [" in ran.err
    assert "far" in ran.err
    assert not listener.was_called
    assert "1 scenario passed" not in ran.out


def test_webhooks_do_not_go_elsewhere(guarded, listener):
    guarded.write(
        "avow.toml",
        f"""
        [services.bank]
        kind = "stub"
        [services.bank.webhooks]
        scheme = "stripe"
        to = "http://{OUTSIDE}:{listener.port}/"
        secret = "whsec_0123456789"
        """,
    )
    guarded.feature(
        "a",
        """
        Feature: Outside
          Scenario: s
            When bank sends a "charge.paid" webhook
        """,
    )
    ran = guarded.behave()
    assert ran.code == 8, ran.text
    assert f'[guards] hosts = ["{OUTSIDE}"]' in ran.out
    assert not listener.was_called


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/hosts", "link.txt"])
def test_files_outside_of_the_suite_are_not_read(guarded, path):
    (guarded.root.parent / "outside.txt").write_text("do not read me")
    (guarded.root / "link.txt").symlink_to("/etc/hosts")
    guarded.feature(
        "a",
        f"""
        Feature: Outside
          Scenario: s
            When I send POST "/say" to parrot with the file "{path}"
        """,
    )
    ran = guarded.behave()
    assert ran.code == 8, ran.text
    assert f'"{path}" lies outside of the suite' in ran.out
    assert f"Copy it to somewhere under {guarded.root}" in ran.out
