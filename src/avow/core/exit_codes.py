"""What the exit code of a run says: CI reads it, so a code never changes its meaning."""

from __future__ import annotations

#: Gravest first; where several apply, the first of them is the run's.
MEANINGS: dict[int, str] = {
    130: "interrupted (SIGINT, Ctrl-C)",
    143: "ended from outside (SIGTERM)",
    129: "the terminal went away (SIGHUP)",
    8: "refused for safety: a guard stopped something the suite may not touch",
    4: "usage, settings, a feature or a step definition is wrong",
    3: "avow's own fault, or a worker was lost where no scenario can be blamed",
    6: "a service could not be provided, or was lost",
    1: "a scenario failed or broke",
    7: "all passed, but not clean: a cleanup, a hook after the steps or the evidence failed",
    9: "a quality gate was not met",
    5: "nothing ran",
    0: "at least one scenario ran, and all that were selected passed",
}
