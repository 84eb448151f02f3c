"""Every phrase's example passes, and every counter-example fails as it promises."""

from __future__ import annotations

import pytest

from avow.gherkin import Phrase, check, install
from avow.steps import catalogue
from avow.steps.catalogue import CatalogueEntry

ENTRIES = catalogue.entries()
IDS = [f"{each.file}: {each.kind} {each.phrase}" for each in ENTRIES]


@pytest.mark.parametrize("entry", ENTRIES, ids=IDS)
def test_the_example_passes(phrasebook, entry: CatalogueEntry) -> None:
    outcome = phrasebook.run(entry.example)
    assert outcome.error is None, f"{outcome.step}\n{outcome.message}"
    again = phrasebook.replay(entry.example, outcome.world)
    assert again.error is None, f"replayed: {again.step}\n{again.message}"


@pytest.mark.parametrize("entry", ENTRIES, ids=IDS)
def test_the_counter_example_fails_as_it_says(phrasebook, entry: CatalogueEntry) -> None:
    outcome = phrasebook.run(entry.fails)
    assert outcome.error is not None, "it passed"
    for fragment in entry.fragments:
        assert fragment in outcome.message, f"{outcome.step}\n{outcome.message}"


def test_every_phrase_says_what_it_means_with_an_example_of_both_kinds() -> None:
    assert catalogue.missing() == []


def test_no_two_phrases_mean_the_same() -> None:
    assert [str(each) for each in check.phrases(shared=True)] == []


def test_every_phrase_can_be_read_and_fits_its_function() -> None:
    for kind in install().steps.values():
        for matcher in kind:
            if isinstance(matcher.func, Phrase):
                matcher.func.check_arity(len(matcher.parameters))
