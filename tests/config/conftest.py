import textwrap

import pytest

from avow import config
from avow.core.errors import AvowError


@pytest.fixture
def suite(tmp_path):
    """Return what loads an avow.toml of the given text, with nothing of this machine's settings."""

    def load(text, *, environ=None, defines=None, secrets=False):
        content = text if isinstance(text, bytes) else textwrap.dedent(text).encode()
        tmp_path.joinpath("avow.toml").write_bytes(content)
        return config.load(tmp_path, environ=environ or {}, defines=defines, secrets=secrets)

    return load


@pytest.fixture
def mistakes(suite):
    """Return what loads a text that has mistakes, and gives back the message."""

    def load(text, **options):
        with pytest.raises(AvowError) as error:
            suite(text, **options)
        assert error.value.exit_code == 4
        return str(error.value)

    return load
