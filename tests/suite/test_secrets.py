"""What the suite knows and the shop hands out stays out of everything that a run leaves behind."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.suite.conftest import ROOT, Run

from avow.core.secrets import Redactor, Secret

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

#: What the shop hands out: keys of customers, tokens of staff.
HANDED_OUT = re.compile(rb"shop_key_[\w-]{16,}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}")


def test_no_secret_is_in_what_a_run_leaves_behind(run_suite: Callable[..., Run], tmp_path: Path):
    run = run_suite("features/payments/refunds.feature", "features/payments/paying.feature")
    assert run.code == 0, run.output
    redactor = Redactor()
    for name, source in tomllib.loads((ROOT / "avow.toml").read_text())["secrets"].items():
        redactor.add(Secret(name, source["value"]))
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert any(b"order.refunded" in file.read_bytes() for file in files)
    leaks = [
        str(file.relative_to(tmp_path))
        for file in files
        if redactor.finds_in(file.read_bytes()) or HANDED_OUT.search(file.read_bytes())
    ]
    assert leaks == []
    assert not redactor.finds_in(run.output.encode())
