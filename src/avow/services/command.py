"""Any program as a service: the system under test, or a server installed on this machine."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from avow.config.references import references
from avow.core.errors import ConfigError
from avow.processes import HeldPort, ports
from avow.services.addresses import facts_from_url, secrets_in
from avow.services.provider import Facts, NotUp, Provider
from avow.services.readiness import look_at

#: How long a program that cannot be asked must stay alive to count as started, in seconds.
_FIRST_MOMENTS = 0.1

_WITH_PORT = ("http", "postgres", "kafka", "redis", "smtp", "s3", "sqs", "sns", "ssm")


class Command(Provider):
    """Starts a program with its environment; its port is held for it, or its socket inherited.

    `{port}` in command, env, url or health is a port that is free; a kind that is talked to has one
    anyway, told in PORT too. `{fd}` is a descriptor of a socket that listens already.
    """

    def start(self) -> Facts:
        definition = self.definition
        if not definition.command:
            raise ConfigError(
                "a command is needed to start it",
                where=f"services.{definition.name}",
                advice='Set command = ["..."], or url = "..." where it runs already.',
            )
        own = {each.name for each in references(definition) if each.source == "own"}
        if "fd" in own:
            return self._inheriting()
        if definition.kind not in _WITH_PORT and "port" not in own:
            self._run({}, ())
            self._wait({})
            return {}
        for attempt in range(1, ports.ATTEMPTS + 1):
            held = ports.hold()
            try:
                held.hand_over(strictly=attempt > 1)
                return self._on(held)
            except NotUp:
                if self.child is None or not self._clashed():
                    raise
                self.child.terminate(0.5)
                self.at.progress("port taken, trying another")
            finally:
                held.release()
        raise NotUp(f"found its port taken {ports.ATTEMPTS} times")

    def _clashed(self) -> bool:
        child = self.child
        return child is not None and child.poll() is not None and ports.clashed(child.output())

    def _on(self, held: HeldPort) -> Facts:
        own = {"port": str(held.port)}
        self._run(own, ())
        facts = self._facts(own)
        self._wait(facts)
        return facts

    def _inheriting(self) -> Facts:
        with ports.listening() as listening:
            own = {
                "port": str(listening.getsockname()[1]),
                "fd": str(listening.fileno()),
            }
            self._run(own, (listening,))
            facts = self._facts(own)
            self._wait(facts)
            return facts

    def _facts(self, own: Facts) -> Facts:
        definition = self.definition
        url = self.at.resolve(definition.url, own) or _url(definition.kind, own["port"])
        facts = facts_from_url(definition, url, self.at.environ)
        self.secrets = secrets_in(facts, url)
        return facts

    def _run(self, own: Facts, sockets: Sequence[socket.socket]) -> None:
        definition = self.definition
        root = self.at.root
        argv = [self.at.resolve(word, own) for word in definition.command]
        if argv[0] in ("python", "python3"):
            # The environment that runs the suite is the one that the suite's author means.
            argv[0] = sys.executable
        self.child = self.at.start(
            argv,
            cwd=root / self.at.resolve(definition.cwd, own) if definition.cwd else root,
            env=self._environment(own),
            pass_fds=[each.fileno() for each in sockets],
        )

    def _environment(self, own: Facts) -> dict[str, str]:
        # A suite's secrets are given to a program by name, in its env, or not at all.
        environment = {
            name: value
            for name, value in self.at.environ.items()
            if not name.startswith("AVOW_SECRET_")
        }
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment.get('PATH', '')}"
        # What a program said before it was killed is in its log.
        environment.setdefault("PYTHONUNBUFFERED", "1")
        for name in ("NO_PROXY", "no_proxy"):
            # A proxy of the network cannot reach this machine's loopback.
            known = environment.get(name, "")
            environment[name] = f"{known},127.0.0.1,localhost".lstrip(",")
        if own:
            environment["PORT"] = own["port"]
        for name, value in self.definition.env.items():
            environment[name] = self.at.resolve(value, own)
        return environment

    def _wait(self, facts: Facts) -> None:
        child = self.child
        assert child is not None
        if text := self.definition.health.log:
            self.at.wait(lambda: text in child.output(), f'write "{text}" to its log', child)
        elif look := look_at(self.definition, facts):
            self.at.wait(*look, child=child)
        elif (ended := child.wait(_FIRST_MOMENTS)) is not None:
            raise NotUp(f"{ended} in its first moments")


def _url(kind: str, port: str) -> str:
    scheme = {"postgres": "postgresql", "kafka": "kafka", "redis": "redis", "smtp": "smtp"}
    return f"{scheme.get(kind, 'http')}://127.0.0.1:{port}"
