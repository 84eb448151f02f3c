"""Which service must be up before which, and whether everything referred to exists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from avow.config.references import OWN_FACTS, Reference, references
from avow.config.values import ServiceDefinition
from avow.core.errors import ConfigError, did_you_mean
from avow.plugins import ServiceKind

#: References here are needed to start a service; those in a kind's own settings when they are used.
STARTING = ("command", "cwd", "env", "url", "health")

_BRACES = "Braces themselves are {{ and }}."

Where = Callable[[tuple[str, ...]], str]


def check_references(
    services: dict[str, ServiceDefinition],
    kinds: Mapping[str, ServiceKind],
    environ: Mapping[str, str],
    where: Where,
) -> list[ConfigError]:
    """Fill in `needs` of every service, in place; return what is wrong with the references."""
    problems: list[ConfigError] = []
    for name, service in services.items():
        for field in (*STARTING, "settings", "needs"):
            at = ("services", name) if field == "settings" else ("services", name, field)
            value = getattr(service, field)
            if field == "needs":
                found: Iterable[Reference] = (Reference("service", each) for each in value)
            else:
                found = references(value)
            for reference in dict.fromkeys(found):
                problem = _problem(reference, name, services, kinds, environ)
                if problem:
                    problems.append(ConfigError(problem[0], where=where(at), advice=problem[1]))
        services[name] = msgspec.structs.replace(service, needs=_needs(service))
    return problems or _cycles(services, where)


def _needs(service: ServiceDefinition) -> tuple[str, ...]:
    # What is attached is not started, so nothing has to be up for it but what its address says.
    fields = ("url",) if service.provider == "attached" else STARTING
    found = [
        reference.name
        for field in fields
        for reference in references(getattr(service, field))
        if reference.source == "service" and reference.name != service.name
    ]
    return tuple(dict.fromkeys([*service.needs, *found]))


def _problem(
    reference: Reference,
    name: str,
    services: Mapping[str, ServiceDefinition],
    kinds: Mapping[str, ServiceKind],
    environ: Mapping[str, str],
) -> tuple[str, str] | None:
    if reference.source == "secret":
        return None
    if reference.source == "env":
        if reference.name in environ:
            return None
        return f"{reference}: this environment variable is not set", f"Set {reference.name}."
    if reference.source == "own":
        own = {*OWN_FACTS, *kinds[services[name].kind].facts}
        if reference.name in own:
            return None
        if reference.name in services:
            facts = ", ".join(kinds[services[reference.name].kind].facts)
            return (
                f"{reference} does not say which fact of the service is meant",
                f"Write {{{reference.name}.<fact>}}; facts: {facts}. {_BRACES}",
            )
        advice = did_you_mean(reference.name, own, what="facts of its own")
        return f"{reference} is not known", f"{advice} {_BRACES}"
    if reference.name not in services:
        shown = f"{reference}" if reference.fact else f'"{reference.name}"'
        advice = did_you_mean(reference.name, services, what="services")
        return f'{shown}: there is no service "{reference.name}"', advice
    facts_of = kinds[services[reference.name].kind].facts
    if reference.fact and facts_of and reference.fact not in facts_of:
        return (
            f'{reference}: "{reference.name}" has no fact "{reference.fact}"',
            did_you_mean(reference.fact, facts_of, what="facts"),
        )
    return None


def _cycles(services: Mapping[str, ServiceDefinition], where: Where) -> list[ConfigError]:
    done: set[str] = set()
    problems: list[ConfigError] = []

    def visit(name: str, way: list[str]) -> None:
        if name in way:
            circle = [*way[way.index(name) :], name]
            problems.append(
                ConfigError(
                    "services need each other in a circle: " + " -> ".join(circle),
                    where=where(("services", name)),
                    advice="Give one of them the other's address when it runs, "
                    "or leave the reference out.",
                )
            )
        elif name not in done:
            for need in services[name].needs:
                visit(need, [*way, name])
            done.add(name)

    for name in services:
        visit(name, [])
    return problems


def start_order(services: Mapping[str, ServiceDefinition]) -> list[list[str]]:
    """Return the services in waves: each needs only services of the waves before it."""
    left = dict(services)
    waves: list[list[str]] = []
    while left:
        wave = [name for name, service in left.items() if not set(service.needs) & set(left)]
        if not wave:
            raise ConfigError("services need each other in a circle: " + ", ".join(left))
        waves.append(wave)
        for name in wave:
            del left[name]
    return waves
