from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.stubs.forms import decode_form


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b"", {}),
        (b"amount=2000&currency=usd", {"amount": "2000", "currency": "usd"}),
        (b"a[enabled]=true", {"a": {"enabled": "true"}}),
        (b"m[0]=card&m[1]=link", {"m": ["card", "link"]}),
        (b"m[1]=link&m[0]=card", {"m": ["card", "link"]}),
        (b"m[]=card&m[]=link", {"m": ["card", "link"]}),
        (b"items[0][price]=p&items[0][n]=2", {"items": [{"price": "p", "n": "2"}]}),
        (b"a%5Bb%5D=x", {"a": {"b": "x"}}),
        (b"name=Zo%C3%AB+W", {"name": "Zoë W"}),
        (b"n=1&n=2&n=3", {"n": ["1", "2", "3"]}),
        (b"empty=", {"empty": ""}),
        (b"a[b=x", {"a[b": "x"}),
        (b"[b]=x", {"[b]": "x"}),
        (b"a[b]c=x", {"a[b]c": "x"}),
        (b"a=1&a[b]=2", {"a": {"": "1", "b": "2"}}),
        (b"\xff=\xfe", {"�": "�"}),
    ],
)
def test_decodes(raw: bytes, wanted: object) -> None:
    assert decode_form(raw) == wanted


def test_what_nobody_nests_so_deeply_stays_flat() -> None:
    name = "a" + "[b]" * 5000
    assert decode_form(f"{name}=x") == {name: "x"}


@given(st.binary(max_size=200))
def test_never_raises(raw: bytes) -> None:
    assert isinstance(decode_form(raw), dict)


def test_decodes_what_the_stripe_client_sends() -> None:
    raw = (
        b"amount=2000&currency=usd&automatic_payment_methods[enabled]=true&metadata[order]=1"
        b"&payment_method_types[0]=card&payment_method_types[1]=link&expand[0]=customer"
    )
    assert decode_form(raw) == {
        "amount": "2000",
        "currency": "usd",
        "automatic_payment_methods": {"enabled": "true"},
        "metadata": {"order": "1"},
        "payment_method_types": ["card", "link"],
        "expand": ["customer"],
    }
