import pickle

import pytest

from avow.config import Secrets
from avow.config.secrets import variable
from avow.core.errors import ConfigError

TEXT = """
[services.stripe]
kind = "stub"
webhooks = { scheme = "stripe", to = "http://x", secret = "${secret:STRIPE}" }

[services.api]
kind = "http"
url = "http://127.0.0.1"
auth.a = { scheme = "bearer", token = "written-out-token" }
auth.b = { scheme = "bearer", token = "short" }
auth.c = { scheme = "bearer", token = "Bearer ${secret:from-file}" }

[secrets]
from-file = { file = "token.txt" }
local = { value = "whsec_local_only" }
named = { env = "MY_TOKEN" }
"""
ENVIRON = {"AVOW_SECRET_STRIPE": "whsec_stripe_1", "MY_TOKEN": "named-token-1"}


@pytest.fixture
def token(tmp_path):
    (tmp_path / "token.txt").write_text("from-the-file\n")


def test_secrets_come_from_where_it_is_said(suite, token):
    secrets = Secrets(suite(TEXT), ENVIRON)
    assert secrets.reveal("STRIPE") == "whsec_stripe_1"
    assert secrets.reveal("from-file") == "from-the-file"
    assert secrets.reveal("local") == "whsec_local_only"
    assert secrets.reveal("named") == "named-token-1"
    assert secrets.names() == ["STRIPE", "from-file", "local", "named"]
    assert secrets.problems() == []


def test_the_redactor_learns_what_is_written_out_too(suite, token):
    known = {each.name: each.reveal() for each in Secrets(suite(TEXT), ENVIRON).all()}
    assert known["api.auth.a.token"] == "written-out-token"
    assert "short" not in known.values()
    assert len(known) == 5


def test_missing_secrets_are_told_together_when_loading(mistakes):
    assert mistakes(TEXT, secrets=True) == (
        "The settings have 3 mistakes:\n"
        'secret "STRIPE": the environment variable AVOW_SECRET_STRIPE is not set\n'
        "  Set it, or say where the secret is: [secrets] STRIPE = "
        '{ file = "..." } (or value = "..." for a worthless local one).\n'
        'secret "from-file": its file token.txt cannot be read: No such file or directory\n'
        'secret "named": the environment variable MY_TOKEN is not set\n'
        "  Set it, or say where the secret is: [secrets] named = "
        '{ file = "..." } (or value = "..." for a worthless local one).'
    )


def test_other_mistakes_and_missing_secrets_come_together(mistakes):
    text = TEXT + "[timeouts]\nstep = 'x'\n"
    told = mistakes(text, secrets=True)
    assert "is not a duration" in told


def test_a_secret_that_is_too_short_is_refused(suite, token):
    problems = Secrets(suite(TEXT), {**ENVIRON, "AVOW_SECRET_STRIPE": "abc"}).problems()
    assert [str(each) for each in problems] == [
        'secret "STRIPE" has 3 characters, too few to be kept out of reports safely\n'
        "  Use one of at least 8 characters; shorter text appears by accident."
    ]


def test_a_name_is_spelled_as_variables_are():
    assert variable("stripe-webhook.secret") == "STRIPE_WEBHOOK_SECRET"


def test_sources_do_not_show_their_value_and_secrets_do_not_pickle(suite, token):
    settings = suite(TEXT)
    assert "whsec_local_only" not in repr(settings.secrets)
    secrets = Secrets(settings, ENVIRON)
    secret = secrets.get("STRIPE")
    assert "whsec" not in f"{secret} {secret!r}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_a_file_that_is_not_text_is_told(suite, tmp_path):
    (tmp_path / "token.txt").write_bytes(b"\xff\xff")
    with pytest.raises(ConfigError, match="cannot be read: it is not UTF-8 text"):
        Secrets(suite(TEXT), ENVIRON).get("from-file")


def test_a_mistake_does_not_show_what_may_be_a_secret(mistakes):
    told = mistakes("""
        [secrets]
        A = "the-secret-itself"

        [services.api]
        kind = "http"
        url = "http://127.0.0.1"
        auth.a = { scheme = "bearer", token = 12345678901 }
        """)
    assert "the-secret-itself" not in told
    assert "12345678901" not in told
    assert "avow.toml:3: secrets.A: what it says is not a table" in told
