"""Write the generated pages of docs/reference; with --check, say which are stale and exit 1."""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec

REFERENCE = Path(__file__).resolve().parent / "reference"


def steps() -> str:
    from avow.steps import catalogue

    return catalogue.markdown()


def settings() -> str:
    from avow.config import values
    from avow.plugins import manager

    page = [
        "# Settings: avow.toml",
        "",
        "Generated from the settings themselves. Durations are text with a unit (`250ms`, `30s`, "
        "`2m`), sizes too (`64KiB`, `10MB`). Each setting can be given by the environment "
        "(`AVOW_TIMEOUTS_STEP=5s`) and on the command line "
        "(`behave -D avow.timeouts.step=5s`), which wins.",
        "",
        "`{db.url}` in a command, an address or `env` stands for a fact of another service and "
        "makes it a dependency; `{port}` and `{host}` are the service's own; `{root}` is the "
        "suite's directory; `${env:NAME}` and `${secret:NAME}` come from outside.",
        "",
        "`[profiles.NAME.services]` holds services as they differ in an environment; "
        "`-D avow.profile=NAME` chooses it.",
        "",
        "Two variables are about the machine: `AVOW_CACHE` is where prepared data directories are "
        "kept between runs, `AVOW_MEMORY_DISK` a memory disk for the databases of a run.",
    ]
    for heading, struct in (
        ("[suite]", values.Suite),
        ("[services.NAME]", values.ServiceDefinition),
        ("[services.NAME.health]", values.Health),
        ("[guards]", values.GuardSettings),
        ("[timeouts]", values.Timeouts),
        ("[effects]", values.Effects),
        ("[reports]", values.Reports),
        ("[runner]", values.RunnerSettings),
        ("[secrets.NAME]", values.SecretSource),
    ):
        page += ["", f"## {heading}", "", *_struct(struct)]
    page += ["", "## Kinds of services", ""]
    kinds = [kind for found in manager().hook.avow_service_kinds() for kind in found]
    for kind in sorted(kinds, key=lambda kind: kind.name):
        page += [f"### {kind.name}", ""]
        facts = ", ".join(f"`{{{kind.name}.{fact}}}`" for fact in kind.facts)
        page += [
            f"Providers: {', '.join(kind.providers)}; by default {kind.default_provider}. "
            + (f"Facts (here of a service named {kind.name}): {facts}. " if facts else "")
            + (f"Needs `pip install 'avow[{kind.extra}]'`." if kind.extra else ""),
            "",
            *_struct(kind.settings),
            "",
        ]
    return "\n".join(page).rstrip() + "\n"


def exit_codes() -> str:
    from avow.core.exit_codes import MEANINGS

    page = [
        "# Exit codes",
        "",
        "Generated. What `behave` ends with in a suite of avow. Where several apply, the first in "
        "this table is the run's; `reports/run.json` lists all of them with their reasons.",
        "",
        "| code | meaning |",
        "|---|---|",
        *(f"| {code} | {meaning} |" for code, meaning in MEANINGS.items()),
        "",
        "What behave refuses before avow is loaded (an option it does not know, a formatter that "
        "does not exist) keeps behave's own 1 or 2. `--dry-run` runs nothing and ends with 0. The "
        "`avow` command ends with 0, with 4 where it was asked for something that cannot be, or "
        "with 1 where a report could not be made.",
    ]
    return "\n".join(page) + "\n"


def _struct(struct: type[msgspec.Struct]) -> list[str]:
    lines = []
    if struct.__doc__ and not struct.__doc__.startswith(struct.__name__ + "("):
        lines += [inspect.cleandoc(struct.__doc__), ""]
    fields = list(_fields(struct))
    if fields:
        lines += ["| key | value | default |", "|---|---|---|", *fields]
    return lines


def _fields(struct: type[msgspec.Struct]) -> Iterator[str]:
    hints = typing.get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        if field.name in ("settings", "name") and struct.__name__ == "ServiceDefinition":
            continue
        # Worked out where it is not said.
        default = "" if field.name == "provider" else _default(field)
        yield f"| `{field.encode_name}` | {_type(hints[field.name])} | {default} |"


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default
    if value is msgspec.NODEFAULT:
        factory = field.default_factory
        value = None if factory is msgspec.NODEFAULT else factory()
        if factory is msgspec.NODEFAULT:
            return "(needed)"
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        return f"`{seconds:g}s`" if seconds >= 1 or not seconds else f"`{seconds * 1000:g}ms`"
    if isinstance(value, msgspec.Struct) or value in (None, "", (), {}):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type(hint: object) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return str(arguments[1])
    if origin is typing.Literal:
        return " or ".join(f"`{item}`" for item in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(item) for item in arguments if item is not type(None))
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"table of {_type(arguments[1])}"
    named = {str: "text", int: "number", float: "number", bool: "true or false", date: "date"}
    if hint is timedelta:
        return "duration"
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        keys = ", ".join(f"`{field.encode_name}`" for field in msgspec.structs.fields(hint))
        return f"table: {keys}"
    return named.get(hint, "anything")  # type: ignore[call-overload]


PAGES: dict[str, Callable[[], str]] = {
    "exit-codes.md": exit_codes,
    "settings.md": settings,
    "steps.md": steps,
}


def main() -> None:
    check = "--check" in sys.argv[1:]
    stale = []
    for name, page in PAGES.items():
        path, text = REFERENCE / name, page()
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        if check:
            stale.append(name)
        else:
            REFERENCE.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    if stale:
        sys.exit(f"docs/reference is stale: {', '.join(stale)}. Run: make docs")


if __name__ == "__main__":
    main()
