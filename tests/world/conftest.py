from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from avow.config import Settings
from avow.config.values import SecretSource
from avow.core.ledger import Ledger
from avow.world import Channels, World

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    secrets = {"TOKEN": SecretSource(value="t0k3n-of-the-suite")}
    return Settings(root=str(tmp_path), name="test", secrets=secrets)


@pytest.fixture
def world(settings: Settings) -> World:
    return World(
        settings,
        Channels({}, {}),
        Ledger(),
        seed=7,
        scenario="a.feature: one",
        environ={"HOME": "/home/ada"},
        clock=lambda: NOON,
    )
