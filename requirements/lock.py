"""Write requirements/suite.txt and dev.txt: what a fresh set-up installs, to the version.

Resolves pyproject.toml's extras and groups in throw-away environments; names no index.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITE_EXTRAS = "postgres,kafka,redis,aws,mail,speed"

SUITE_HEAD = """\
# What `make demo` installs: avow with the extras its suite uses, and the shop that the suite tests.
# Written by `make lock`; works for Python 3.11 and newer.
"""
DEV_HEAD = """\
# What `make test`, `make check` and `make bench` install beside suite.txt. Written by `make lock`.
-r suite.txt
"""


def resolve(*arguments: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = f"{folder}/bin/python"
        pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--upgrade", "pip"], check=True)
        subprocess.run([*pip, "install", *arguments], check=True, cwd=ROOT)
        frozen = subprocess.run(
            [*pip, "freeze", "--exclude-editable", "--exclude", "avow"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    return sorted((line for line in frozen.splitlines() if "==" in line), key=str.lower)


def main() -> None:
    suite = resolve(f".[{SUITE_EXTRAS}]", "--group", "shop")
    constraints = ROOT / "requirements" / "suite.txt"
    constraints.write_text(SUITE_HEAD + "\n".join(suite) + "\n")
    dev = resolve(f".[{SUITE_EXTRAS}]", "--group", "shop", "--group", "dev", "-c", str(constraints))
    extra = [line for line in dev if line not in suite]
    (ROOT / "requirements" / "dev.txt").write_text(DEV_HEAD + "\n".join(extra) + "\n")


if __name__ == "__main__":
    main()
