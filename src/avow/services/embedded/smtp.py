"""The embedded mail server: aiosmtpd in a process of its own, mails as files."""

from __future__ import annotations

import importlib.util

from avow.core.errors import MissingExtra
from avow.services.embedded import server
from avow.services.provider import Facts, Provider


class EmbeddedSmtp(Provider):
    def start(self) -> Facts:
        if importlib.util.find_spec("aiosmtpd") is None:
            raise MissingExtra.for_feature(
                f'the embedded smtp "{self.definition.name}"', "mail", "aiosmtpd"
            )
        maildir = self.at.directory / "mails"
        maildir.mkdir(parents=True, exist_ok=True)
        settings = {"maildir": str(maildir), "refuse": list(self.definition.settings.refuse)}
        return server.start(self, "avow.services.servers.smtp", settings)
