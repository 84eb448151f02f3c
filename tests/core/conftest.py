import pytest

from avow.core.record import Recorder, read
from avow.core.secrets import Redactor


@pytest.fixture
def redactor():
    return Redactor(b"k" * 16)


@pytest.fixture
def recorder(tmp_path, redactor):
    made = Recorder(tmp_path / "scenario.jsonl", redactor)
    yield made
    made.close()


@pytest.fixture
def written(tmp_path):
    """Return what reads the scenario's file back."""
    return lambda: list(read(tmp_path / "scenario.jsonl"))
