import base64
import html
import json
import pickle
import random
import string
import urllib.parse

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.core.errors import ConfigError
from avow.core.secrets import SHORTEST, Redactor, Secret

RANDOM = random.Random(7)
ALPHABET = string.ascii_letters + string.digits + "+/=&%$#@! \"'\\<>:é€"
SECRETS = ["".join(RANDOM.choices(ALPHABET, k=RANDOM.randint(8, 60))) for _ in range(17)]
SECRETS += ["abcdefgh", "whsec_test_secret_0123456789abcdef", "пароль-пароль"]


def go_json(text):
    return json.dumps(text, ensure_ascii=False).replace("<", "\\u003c").replace(
        ">", "\\u003e").replace("&", "\\u0026")  # fmt: skip


FORMS = {
    "raw": lambda raw: raw,
    "base64, first alignment": lambda raw: base64.b64encode(raw),
    "base64, second alignment": lambda raw: base64.b64encode(b"a" + raw + b"tail"),
    "base64, third alignment": lambda raw: base64.b64encode(b"ab" + raw + b"x"),
    "base64 of basic authentication": lambda raw: base64.b64encode(b"user:" + raw),
    "base64 for URLs": lambda raw: base64.urlsafe_b64encode(b"ab" + raw),
    "URL-encoded": lambda raw: urllib.parse.quote(raw, safe="").encode(),
    "URL-encoded, lower case": lambda raw: "%".join(
        part[:2].lower() + part[2:] if at else part
        for at, part in enumerate(urllib.parse.quote(raw, safe="").split("%"))
    ).encode(),
    "form-encoded": lambda raw: urllib.parse.quote_plus(raw).encode(),
    "JSON": lambda raw: json.dumps(raw.decode()).encode(),
    "JSON, not ASCII": lambda raw: json.dumps(raw.decode(), ensure_ascii=False).encode(),
    "JSON in JSON": lambda raw: json.dumps(json.dumps({"a": raw.decode()})).encode(),
    "JSON in msgspec's JSON": lambda raw: msgspec.json.encode(json.dumps(raw.decode())),
    "JSON in JSON in JSON": lambda raw: json.dumps(
        json.dumps(json.dumps(raw.decode()), ensure_ascii=False)
    ).encode(),
    "Python shows it": lambda raw: repr(raw.decode()).encode(),
    "Python shows it in JSON": lambda raw: json.dumps(repr({"a": raw.decode()})).encode(),
    "JSON as PHP writes it": lambda raw: json.dumps(raw.decode()).replace("/", "\\/").encode(),
    "JSON as Go writes it": lambda raw: go_json(raw.decode()).encode(),
    "hex": lambda raw: raw.hex().encode(),
    "hex, upper case": lambda raw: raw.hex().upper().encode(),
    "HTML": lambda raw: html.escape(raw.decode()).encode(),
}


@pytest.fixture(scope="module")
def knowing():
    redactor = Redactor(b"k" * 16)
    for number, value in enumerate(SECRETS):
        redactor.add(Secret(f"s{number}", value))
    return redactor


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("number", range(len(SECRETS)))
def test_a_secret_is_found_in_every_form_at_every_place(knowing, form, number):
    text = FORMS[form](SECRETS[number].encode())
    for before in range(9):
        line = b"x" * before + b'{"a": "' + text + b'"} and more'
        redacted = knowing.raw(line)
        assert f"[secret:s{number}:".encode() in redacted
        assert FORMS["raw"](SECRETS[number].encode()) not in redacted
        assert knowing.finds_in(line)
        assert not knowing.finds_in(redacted)


def test_the_end_of_a_line_is_searched_too(knowing):
    for size in range(20):
        assert SECRETS[0].encode() not in knowing.raw(b"." * size + SECRETS[0].encode())


@given(st.binary(max_size=300), st.sampled_from(SECRETS), st.binary(max_size=50))
def test_no_surroundings_hide_a_secret(knowing, before, secret, after):
    assert secret.encode() not in knowing.raw(before + secret.encode() + after)


@given(st.binary(max_size=500))
def test_what_holds_no_secret_is_returned_as_it_is(knowing, data):
    assert knowing.raw(data) is data


def test_the_fast_search_agrees_with_a_plain_one(knowing):
    pieces = [secret.encode() for secret in SECRETS] + [b"x", b"yy", b"....."]
    for _ in range(300):
        data = b"".join(RANDOM.choices(pieces, k=RANDOM.randint(0, 6)))
        assert knowing.finds_in(data) is any(secret.encode() in data for secret in SECRETS)


def test_the_longer_of_two_secrets_is_replaced_first():
    redactor = Redactor()
    redactor.add(Secret("short", "abcdefgh"))
    redactor.add(Secret("long", "abcdefgh-and-more"))
    assert redactor.text("abcdefgh-and-more").startswith("[secret:long:")
    assert redactor.text("abcdefgh and").startswith("[secret:short:")


def test_the_marker_tells_secrets_apart_without_telling_them():
    redactor = Redactor(b"a" * 16)
    redactor.add(Secret("x", "value-number-1"))
    redactor.add(Secret("y", "value-number-2"))
    first, second = redactor.text("value-number-1 value-number-2").split()
    assert first.split(":")[2] != second.split(":")[2]
    other = Redactor(b"b" * 16)
    other.add(Secret("x", "value-number-1"))
    assert other.text("value-number-1") != first
    again = Redactor(b"a" * 16)
    again.add(Secret("x", "value-number-1"))
    assert again.text("value-number-1") == first


def test_a_marker_does_no_harm_inside_of_json():
    redactor = Redactor()
    redactor.add(Secret('a "b" \\ c', "value-number-1"))
    assert json.loads(redactor.text('{"k": "value-number-1"}'))["k"].startswith(
        "[secret:a__b____c:"
    )


def test_text_with_surrogates_passes(knowing):
    assert knowing.text("a\ud800b") == "a\ud800b"
    assert knowing.text("\ud800" + SECRETS[1]).startswith("\ud800[secret:s1:")


def test_a_short_secret_is_refused_with_advice():
    with pytest.raises(ConfigError) as error:
        Secret("pin", "1234")
    assert str(error.value) == (
        'secret "pin" has 4 characters, too few to be kept out of reports safely\n'
        "  Use one of at least 8 characters; shorter text appears by accident."
    )


def test_a_secret_does_not_show():
    secret = Secret("key", "value-number-1")
    assert "value" not in f"{secret} {secret!r} {secret!s} {[secret]}"
    with pytest.raises(TypeError, match="'key' does not cross processes by pickling"):
        pickle.dumps(secret)
    assert secret == Secret("other", "value-number-1")
    assert secret != Secret("key", "value-number-2")
    assert secret != "value-number-1"
    assert len({secret, Secret("other", "value-number-1")}) == 1
    assert secret.reveal() == "value-number-1"


def test_minted_values_are_known_from_then_on():
    redactor = Redactor()
    redactor.mint("token", "tok_12345678")
    redactor.mint("short", "abc")
    redactor.mint("number", 12345678901)
    assert redactor.text("tok_12345678 abc 12345678901").endswith("] abc 12345678901")


def test_a_token_with_half_of_a_surrogate_pair_is_kept_like_any_other():
    token = json.loads('"\\ud800abcdefgh"')
    redactor = Redactor()
    redactor.mint("token", token)
    assert "abcdefgh" not in redactor.text(f"was {token}") + redactor.text(json.dumps(token))
    assert Secret("a", token) == Secret("b", token)


def test_a_known_value_keeps_its_first_name():
    redactor = Redactor()
    redactor.add(Secret("first", "value-number-1"))
    redactor.mint("second", "value-number-1")
    assert redactor.text("value-number-1").startswith("[secret:first:")


def test_of_very_many_minted_values_the_unused_are_forgotten(monkeypatch):
    monkeypatch.setattr(Redactor, "MOST_MINTED", 10)
    redactor = Redactor()
    redactor.add(Secret("declared", "declared-value"))
    redactor.mint("session", "session-token-0")
    for number in range(100):
        redactor.mint("token", f"token-number-{number:04}")
        assert "session-token-0" not in redactor.text("uses session-token-0")
    assert "token-number-0099" not in redactor.text("token-number-0099")
    assert redactor.text("token-number-0000") == "token-number-0000"
    assert "declared-value" not in redactor.text("declared-value")
    assert len(redactor._markers) < 300
    assert sum(map(len, redactor._long.numbers.values())) < 3000


@given(st.text(min_size=SHORTEST, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_any_secret_is_found_in_any_text(value, before, after):
    redactor = Redactor()
    redactor.add(Secret("s", value))
    assert value not in redactor.text(before + value + after).replace("[secret:s:", "")
    data = json.dumps({"a": before + value + after})
    assert redactor.finds_in(data.encode())
