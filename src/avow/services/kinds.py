"""The kinds of services that avow brings: what each can be told, and who provides it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Literal

import msgspec

from avow.config.types import ExistingPath, SchemeName, Size
from avow.plugins import ServiceKind, hookimpl


class PostgresSettings(msgspec.Struct, frozen=True):
    """`migrations`: a directory of *.sql, applied in order of name before anything needs the
    database.

    `watch` are tables whose changes count as effects. `database` is the name to create or to use.
    `parameters` are the server's own: { wal_level = "logical" }. `isolate` also restores the rows
    of an attached database between scenarios, which puts triggers and copies into it.
    """

    migrations: ExistingPath = ""
    watch: tuple[str, ...] = ()
    database: str = ""
    extensions: tuple[str, ...] = ()
    parameters: dict[str, str] = {}
    isolate: bool = False


class KafkaSettings(msgspec.Struct, frozen=True):
    """The first topic is the one meant where a phrase names only the service."""

    topics: tuple[str, ...] = ()
    partitions: int = 1


class RedisSettings(msgspec.Struct, frozen=True):
    database: int = 0


class S3Settings(msgspec.Struct, frozen=True):
    buckets: tuple[str, ...] = ()
    region: str = "us-east-1"


class SqsSettings(msgspec.Struct, frozen=True):
    queues: tuple[str, ...] = ()
    region: str = "us-east-1"


class SnsSettings(msgspec.Struct, frozen=True):
    topics: tuple[str, ...] = ()
    region: str = "us-east-1"


class SsmSettings(msgspec.Struct, frozen=True):
    parameters: dict[str, str] = {}
    region: str = "us-east-1"


class SmtpSettings(msgspec.Struct, frozen=True):
    """`refuse` are patterns of addresses that get a 550: "*@bounce.example"."""

    refuse: tuple[str, ...] = ()


class Webhooks(msgspec.Struct, frozen=True):
    """How a stand-in signs and where it sends; `tolerance` is how old a signature may be."""

    scheme: SchemeName
    to: str
    secret: str = ""
    tolerance: timedelta = timedelta(minutes=5)
    headers: dict[str, str] = {}


class StubSettings(msgspec.Struct, frozen=True):
    """`routes`, or the file that holds them, are what it answers at the start of every scenario,
    before the scenario's own. `unmatched` is the status for calls that no route answers. Longer
    requests than `largest_body` are refused; of bodies, `body_limit` bytes are kept.
    """

    #: Braces in routes are theirs: /v1/charges/{id}, ${request.body.amount}.
    verbatim: ClassVar[tuple[str, ...]] = ("routes",)

    webhooks: Webhooks | None = None
    routes: ExistingPath | tuple[dict[str, Any], ...] = ()
    unmatched: int = 404
    largest_body: Size = 16 * 1024 * 1024
    body_limit: Size = 256 * 1024


class Auth(msgspec.Struct, frozen=True):
    """How a caller proves who it is. `header` is the header's name (scheme "header")."""

    scheme: Literal["bearer", "basic", "header", "query", "cookie", "oauth2"]
    token: str = ""
    header: str = ""
    name: str = ""
    user: str = ""
    password: str = ""
    flow: Literal["client_credentials", "password"] = "client_credentials"
    token_url: str = ""
    client: str = ""
    secret: str = ""
    audience: str = ""
    scopes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        missing = [name for name in _NEEDED[self.scheme] if not getattr(self, name)]
        if missing:
            raise ValueError(f'scheme "{self.scheme}" also needs {" and ".join(missing)}')


_NEEDED: dict[str, tuple[str, ...]] = {
    "bearer": ("token",),
    "basic": ("user", "password"),
    "header": ("header", "token"),
    "query": ("name", "token"),
    "cookie": ("name", "token"),
    "oauth2": ("token_url", "client", "secret"),
}


class HttpSettings(msgspec.Struct, frozen=True):
    """`auth.NAME` is what `as NAME` means in a phrase; `headers` go with every request.

    `timeout` is for a whole call, `body_limit` for a decoded answer. `ca` is a PEM file of whoever
    vouches for the service's certificate, beside those that the machine trusts.
    """

    auth: dict[str, Auth] = {}
    headers: dict[str, str] = {}
    timeout: timedelta | None = None
    body_limit: Size = 10 * 1024 * 1024
    ca: ExistingPath = ""


class ProcessSettings(msgspec.Struct, frozen=True):
    pass


_AWS_FACTS = ("url", "host", "port", "region", "access_key", "secret_key")
_MOTO = "avow.services.embedded.aws:EmbeddedAws"
_ATTACHED = "avow.services.attached:Attached"
_COMMAND = "avow.services.command:Command"


@hookimpl
def avow_service_kinds() -> list[ServiceKind]:
    return [
        ServiceKind(
            name="postgres",
            settings=PostgresSettings,
            providers={
                "embedded": "avow.services.embedded.postgres:EmbeddedPostgres",
                "command": _COMMAND,
                "attached": _ATTACHED,
            },
            default_provider="embedded",
            facts=("url", "host", "port", "name", "user", "password", "socket"),
            extra="postgres",
            channel="avow.channels.database:PostgresChannel",
        ),
        ServiceKind(
            name="kafka",
            settings=KafkaSettings,
            providers={
                "embedded": "avow.services.embedded.kafka:EmbeddedKafka",
                "command": _COMMAND,
                "attached": _ATTACHED,
            },
            default_provider="embedded",
            facts=("bootstrap", "host", "port", "url"),
            extra="kafka",
            channel="avow.channels.messaging:KafkaChannel",
        ),
        ServiceKind(
            name="redis",
            settings=RedisSettings,
            providers={
                "embedded": "avow.services.embedded.redis:EmbeddedRedis",
                "command": _COMMAND,
                "attached": _ATTACHED,
            },
            default_provider="embedded",
            facts=("url", "host", "port"),
            extra="redis",
            channel="avow.channels.cache:RedisChannel",
        ),
        _aws("s3", S3Settings, "avow.channels.objects:S3Channel"),
        _aws("sqs", SqsSettings),
        _aws("sns", SnsSettings),
        _aws("ssm", SsmSettings),
        ServiceKind(
            name="smtp",
            settings=SmtpSettings,
            providers={"embedded": "avow.services.embedded.smtp:EmbeddedSmtp"},
            default_provider="embedded",
            facts=("address", "url", "host", "port", "maildir"),
            extra="mail",
            channel="avow.channels.mail:MailChannel",
        ),
        ServiceKind(
            name="stub",
            settings=StubSettings,
            providers={"embedded": "avow.stubs.provider:StubProvider"},
            default_provider="embedded",
            facts=("url", "host", "port", "admin", "token"),
            channel="avow.stubs.client:StubChannel",
        ),
        ServiceKind(
            name="http",
            settings=HttpSettings,
            providers={"command": _COMMAND, "attached": _ATTACHED},
            default_provider="command",
            facts=("url", "host", "port"),
            channel="avow.channels.http:HttpChannel",
        ),
        ServiceKind(
            name="process",
            settings=ProcessSettings,
            providers={"command": _COMMAND},
            default_provider="command",
            facts=("host", "port", "url"),
        ),
    ]


def _aws(name: str, settings: type[msgspec.Struct], channel: str = "") -> ServiceKind:
    return ServiceKind(
        name=name,
        settings=settings,
        providers={"embedded": _MOTO, "attached": _ATTACHED},
        default_provider="embedded",
        facts=_AWS_FACTS,
        extra="aws",
        channel=channel,
    )
