"""avow.toml, then the profile, then the environment, then `-D`: the later one wins.

text -> tables -> merged tables -> sections and services -> references -> Settings
every mistake of every stage is kept and told together
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

import msgspec

from avow import plugins
from avow.config import overrides
from avow.config.dependencies import check_references
from avow.config.lines import key_lines, line_of
from avow.config.reading import MISSING, Path, Reader
from avow.config.secrets import Secrets
from avow.config.values import (
    Effects,
    GuardSettings,
    Reports,
    RunnerSettings,
    SecretSource,
    ServiceDefinition,
    Settings,
    Suite,
    Timeouts,
)
from avow.core.errors import AvowError, ConfigError, Problems, did_you_mean
from avow.plugins import ServiceKind

FILE = "avow.toml"

_SECTIONS: dict[str, Any] = {
    "suite": Suite,
    "services": dict[str, Any],
    "profiles": dict[str, Any],
    "guards": GuardSettings,
    "timeouts": Timeouts,
    "reports": Reports,
    "effects": Effects,
    "runner": RunnerSettings,
    "secrets": dict[str, SecretSource],
}
_COMMON = tuple(
    field for field in ServiceDefinition.__struct_fields__ if field not in ("name", "settings")
)
_SERVICE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def load(
    root: FilePath,
    *,
    defines: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    secrets: bool = True,
    kinds: Mapping[str, ServiceKind] | None = None,
) -> Settings:
    """Return the settings of the suite at `root`; raises Problems that tell every mistake.

    `defines` are behave's `-D` settings; only those that begin with "avow." count. With `secrets`,
    a secret that cannot be read is a mistake; leave it out for what never runs a step.
    """
    return _Loading(
        root.absolute(),
        defines or {},
        os.environ if environ is None else environ,
        plugins.service_kinds() if kinds is None else kinds,
    ).settings(secrets)


class _Loading:
    def __init__(
        self,
        root: FilePath,
        defines: Mapping[str, str],
        environ: Mapping[str, str],
        kinds: Mapping[str, ServiceKind],
    ) -> None:
        self._root = root
        self._defines = defines
        self._environ = environ
        self._kinds = kinds
        self._lines: dict[Path, int] = {}
        self._profile = ""
        self._reader = Reader(self._where, root)

    def settings(self, with_secrets: bool) -> Settings:
        tables = self._tables()
        self._check_sections(tables)
        profile = self._choose_profile(tables)
        if profile:
            tables = overrides.merged(tables, tables["profiles"][profile])
            self._profile = profile
        tables = self._overridden(tables)
        made = self._sections(tables)
        services = self._services(tables.get("services", {}))
        if not self._reader.problems:
            self._reader.problems += check_references(
                services, self._kinds, self._environ, self._where
            )
        self._raise()
        suite: Suite = made.pop("suite")
        settings = Settings(
            root=str(self._root),
            name=suite.name or self._root.name,
            profile=profile,
            services=services,
            **made,
        )
        if with_secrets and (problems := Secrets(settings, self._environ).problems()):
            raise Problems(problems, heading=_heading(len(problems)))
        return settings

    # -- where things stand

    def _where(self, path: Path) -> str:
        dotted = ".".join(path)
        in_profile = ("profiles", self._profile, *path)
        if self._profile and in_profile in self._lines:
            return f"{FILE}:{self._lines[in_profile]}: profiles.{self._profile}.{dotted}"
        line = line_of(path, self._lines)
        return f"{FILE}:{line}: {dotted}" if line else f"{FILE}: {dotted}"

    def _raise(self) -> None:
        problems: list[AvowError] = sorted(self._reader.problems, key=_line)
        if problems:
            raise Problems(problems, heading=_heading(len(problems)))

    # -- stages

    def _tables(self) -> dict[str, Any]:
        file = self._root / FILE
        try:
            text = file.read_bytes().decode("utf-8-sig")
            tables = tomllib.loads(text)
        except FileNotFoundError:
            raise ConfigError(
                f"there is no {FILE}, so this is not the root of a suite",
                where=str(self._root),
                advice="Change to the suite's root, or start a new one: avow init NAME",
            ) from None
        except OSError as error:
            raise ConfigError(f"it cannot be read: {error.strerror}", where=str(file)) from None
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise ConfigError(
                "it is not UTF-8 text", where=f"{FILE}:{line}", advice="Save it as UTF-8."
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise _syntax_error(str(error)) from None
        except RecursionError:
            raise ConfigError("it is nested too deeply", where=FILE) from None
        self._lines = key_lines(text)
        return tables

    def _check_sections(self, tables: dict[str, Any]) -> None:
        for name in list(tables):
            if name not in _SECTIONS:
                self._unknown_section(name, (name,))
                del tables[name]
            elif not isinstance(tables[name], dict):
                self._reader.problem((name,), f"[{name}] must be a table")
                del tables[name]
        services = tables.get("services", {})
        for profile, over in list(tables.get("profiles", {}).items()):
            path: Path = ("profiles", profile)
            if not isinstance(over, dict):
                self._reader.problem(path, "a profile must be a table")
                del tables["profiles"][profile]
                continue
            for name, value in list(over.items()):
                if name not in _SECTIONS or name in ("profiles", "suite"):
                    self._unknown_section(name, (*path, name))
                elif not isinstance(value, dict):
                    self._reader.problem((*path, name), f"[{name}] must be a table")
                else:
                    if name == "services":
                        self._check_profile_services(value, services, (*path, name))
                    continue
                del over[name]

    def _check_profile_services(
        self, over: dict[str, Any], services: dict[str, Any], path: Path
    ) -> None:
        for name, value in over.items():
            if name not in services and not (isinstance(value, dict) and "kind" in value):
                self._reader.problem(
                    (*path, name),
                    f'there is no service "{name}" that this profile could change',
                    did_you_mean(name, services, what="services"),
                )

    def _unknown_section(self, name: str, path: Path) -> None:
        advice = did_you_mean(name, _SECTIONS, what="sections")
        self._reader.problem(path, f'there is no section "{name}"', advice)

    def _choose_profile(self, tables: dict[str, Any]) -> str:
        profiles = tables.get("profiles", {})
        suite = tables.get("suite", {})
        for name, origin in (
            (self._defines.get("avow.profile"), "-D avow.profile"),
            (self._environ.get("AVOW_PROFILE"), "environment variable AVOW_PROFILE"),
            (suite.get("profile"), self._where(("suite", "profile"))),
        ):
            if name:
                if isinstance(name, str) and name in profiles:
                    return name
                self._reader.problems.append(
                    ConfigError(
                        f'there is no profile "{name}"',
                        where=origin,
                        advice=did_you_mean(str(name), profiles, what="profiles"),
                    )
                )
                return ""
        return ""

    def _overridden(self, tables: dict[str, Any]) -> dict[str, Any]:
        def shape(path: Path) -> Mapping[str, Any]:
            return self._shape(tables, path)

        sections = set(_SECTIONS) - {"profiles"}
        for found, problems in (
            overrides.from_environment(self._environ, shape, sections),
            overrides.from_defines(self._defines, shape),
        ):
            self._reader.problems += problems
            for path, value in found:
                tables = overrides.merged(tables, overrides.placed(path, value))
        return tables

    def _shape(self, tables: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
        """Return the settings that may stand at `path`, for overrides from outside."""
        if not path:
            return {name: kind for name, kind in _SECTIONS.items() if name != "profiles"}
        value: Any = tables.get(path[0], {})
        inside: Mapping[str, Any]
        if path[0] == "services":
            if len(path) == 1:
                return dict.fromkeys(value, Any)
            value = value.get(path[1], {})
            inside, steps = self._service_fields(value), path[2:]
        else:
            inside, steps = overrides.shape_of(_SECTIONS[path[0]], value), path[1:]
        for word in steps:
            if word not in inside:
                return {}
            value = value.get(word) if isinstance(value, Mapping) else None
            inside = overrides.shape_of(inside[word], value)
        return inside

    def _service_fields(self, service: Any) -> dict[str, Any]:
        common = overrides.shape_of(ServiceDefinition, None)
        fields = {name: common[name] for name in _COMMON}
        kind = self._kinds.get(str(service.get("kind"))) if isinstance(service, dict) else None
        if kind is not None:
            fields |= overrides.shape_of(kind.settings, None)
        return fields

    def _sections(self, tables: dict[str, Any]) -> dict[str, Any]:
        made = {}
        for name, kind in _SECTIONS.items():
            if name not in ("services", "profiles"):
                made[name] = self._reader.read(kind, tables.get(name, {}), (name,))
        return made

    def _services(self, tables: dict[str, Any]) -> dict[str, ServiceDefinition]:
        made: dict[str, ServiceDefinition] = {}
        for name, table in tables.items():
            service = self._service(name, table)
            if service is not MISSING:
                made[name] = service
        return made

    def _service(self, name: str, table: Any) -> Any:
        path: Path = ("services", name)
        if not _SERVICE_NAME.fullmatch(name):
            return self._reader.problem(
                path,
                f'"{name}" cannot be the name of a service',
                "Begin with a letter and go on with letters, digits, - and _.",
            )
        if not isinstance(table, Mapping):
            return self._reader.problem(path, "a service must be a table")
        kind_name = str(table.get("kind", ""))
        if kind_name not in self._kinds:
            shown = f'"{kind_name}" is not a kind of service' if kind_name else 'it has no "kind"'
            where = (*path, "kind") if kind_name else path
            advice = did_you_mean(kind_name, self._kinds, what="kinds")
            return self._reader.problem(where, shown, advice)
        kind = self._kinds[kind_name]
        own = tuple(kind.settings.__struct_fields__)
        # Common settings and the kind's own stand in one table; each reads its part of it.
        settings = self._reader.struct(
            kind.settings, {key: value for key, value in table.items() if key in own}, path
        )
        common = {key: value for key, value in table.items() if key not in own}
        provider = self._provider(kind, table, path)
        definition = self._reader.struct(
            ServiceDefinition,
            {key: value for key, value in common.items() if key != "provider"},
            path,
            also=own,
            only=tuple(each for each in _COMMON if each not in own),
            extra={"name": name, "provider": provider},
        )
        if MISSING in (settings, definition, provider):
            return MISSING
        self._check_provider(definition, path, kind, table)
        return msgspec.structs.replace(definition, settings=settings)

    def _provider(self, kind: ServiceKind, table: Mapping[str, Any], path: Path) -> Any:
        wanted = table.get("provider")
        if wanted is None:
            if table.get("url") and "attached" in kind.providers:
                return "attached"
            if table.get("command") and "command" in kind.providers:
                return "command"
            return kind.default_provider
        if str(wanted) in kind.providers:
            return str(wanted)
        return self._reader.problem(
            (*path, "provider"),
            f'a {kind.name} service cannot be provided as "{wanted}"',
            did_you_mean(str(wanted), kind.providers, what="providers"),
            value=wanted,
        )

    def _check_provider(
        self,
        service: ServiceDefinition,
        path: Path,
        kind: ServiceKind,
        table: Mapping[str, Any],
    ) -> None:
        # A profile that says `provider` may leave aside what the services' own table says.
        for key, provider in (("url", "attached"), ("command", "command")):
            if service.provider == "embedded" and table.get(key) and "provider" not in table:
                self._reader.problem(
                    (*path, key),
                    f'kind "{kind.name}" cannot be provided as "{provider}"',
                    f"Leave it out. Providers: {', '.join(sorted(kind.providers))}.",
                )
        if service.provider == "attached" and not service.url:
            self._reader.problem(
                path,
                "it is attached and does not say where",
                f'Add its address: url = "..." (or set AVOW_SERVICES_{service.name.upper()}_URL).',
            )
        if service.provider == "command" and not service.command:
            self._reader.problem(
                path,
                "it does not say how it is started",
                'Add the program and its arguments: command = ["...", "--port", "{port}"], '
                'or url = "..." where it is running already.',
            )


def _heading(count: int) -> str:
    return "The settings have a mistake:" if count == 1 else f"The settings have {count} mistakes:"


def _line(problem: AvowError) -> int:
    found = re.match(rf"{FILE}:(\d+)", problem.where)
    return int(found[1]) if found else 1_000_000


def _syntax_error(text: str) -> ConfigError:
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", text)
    if found is None:
        return ConfigError(text, where=FILE)
    place = f"{FILE}:{found[2]}:{found[3]}" if found[2] else f"{FILE}, at its end"
    return ConfigError(f"not valid TOML: {found[1]}", where=place)
