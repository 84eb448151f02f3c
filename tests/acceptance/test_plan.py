"""What is decided before anything runs: errors, empty selections, undefined steps."""

from __future__ import annotations

import pytest

GOOD = "Feature: Good\n  Scenario: good\n    Given a number 1\n"


def test_every_gherkin_error_of_every_file_is_told_and_nothing_runs(suite):
    suite.feature("good", GOOD)
    suite.feature("one", "Feature: One\n  Scenario: s\n    Given a number 1\n    Whn it ends\n")
    suite.feature(
        "two", "Feature: Two\n  Scenario: s\n    Given a number 1\n      | a | b |\n      | 1 |\n"
    )
    (suite.root / "features/three.feature").write_bytes(b"Feature: Three\n  Scenario: \xff\n")
    ran = suite.behave()
    assert ran.code == 4
    assert "features/one.feature:4:5: " in ran.err
    assert 'Did you mean "When"?' in ran.err
    assert "features/two.feature:5:7: " in ran.err
    assert "Every row of a table has as many cells as its heading." in ran.err
    assert "features/three.feature:2:13: byte 0xff is not UTF-8" in ran.err
    assert "good" not in ran.out
    assert not (suite.root / "reports/allure-results").exists()


@pytest.mark.parametrize(
    ("text", "args", "code", "words"),
    [
        (GOOD, ["-t", "@nothing"], 5, "none of 1 scenario is selected"),
        (GOOD, ["-n", "nothing"], 5, "none of 1 scenario is selected"),
        ("", [], 5, "features/a.feature holds no feature"),
        ("# only a comment\n", [], 5, "features/a.feature holds no feature"),
        ("Feature: F\n  Background:\n    Given a number 1\n", [], 5, "has no scenario"),
        (
            "Feature: F\n  Scenaro: typo\n    Given a number 1\n",
            [],
            4,
            'features/a.feature:2:3: "Scenaro:" looks like a keyword and is none',
        ),
        ("Feature: F\n  Scenario: empty\n", [], 4, 'the scenario "empty" has no steps'),
        (
            "Feature: F\n  Scenario: typo\n    Gven a number 1\n",
            [],
            4,
            '"Gven a number 1" is read as its description. Did you mean "Given"?',
        ),
        (
            "Feature: F\n  Scenario Outline: o\n    Given a number <n>\n",
            [],
            4,
            'the scenario outline "o" has no rows',
        ),
        (
            "Feature: F\n  Scenario Outline: o\n    Given a number <n>\n    Examples:\n    | n |\n",
            [],
            4,
            'the scenario outline "o" has no rows',
        ),
    ],
)
def test_a_run_that_would_test_nothing_is_not_green(suite, text, args, code, words):
    suite.feature("a", text)
    ran = suite.behave(*args)
    assert ran.code == code
    assert words in ran.err


def test_all_skipped_by_a_hook_is_nothing(suite):
    suite.feature("a", GOOD)
    suite.write("environment.py", "def before_scenario(c, s): s.skip('no')")
    assert suite.behave().code == 5


def test_undefined_steps_are_told_with_a_snippet_and_nothing_runs(suite):
    suite.feature("a", GOOD + '    When the customer "bob" pays 3 times\n    Then it is one\n')
    ran = suite.behave()
    assert ran.code == 4
    assert 'features/a.feature:4: no phrase says: When the customer "bob" pays 3 times' in ran.err
    assert '@when("the customer {string} pays {int} times")' in ran.err
    assert "features/a.feature:5" in ran.err
    assert "Given a number" not in ran.out


def test_steps_that_are_not_selected_may_be_undefined(suite):
    suite.feature("a", GOOD + "  @later\n  Scenario: later\n    When nobody knows\n")
    assert suite.behave("-t", "not @later").code == 0


def test_a_typo_in_the_settings_is_told(suite):
    suite.feature("a", GOOD)
    ran = suite.behave("-D", "avow.timeouts.stp=3s")
    assert ran.code == 4
    assert '"step"' in ran.err


def test_what_behave_refuses_itself_keeps_its_code(suite):
    suite.feature("a", GOOD)
    assert suite.behave("--no-such-option").code == 2
    assert suite.behave("features/missing.feature").code == 1


def test_a_dry_run_runs_nothing_and_is_green(suite):
    suite.feature("a", GOOD + "    When it exits with 3\n")
    ran = suite.behave("--dry-run")
    assert ran.code == 0
    assert "1 untested" in ran.out
    assert suite.behave("--dry-run", "-f", "steps.usage").code == 0


def test_no_noise_and_one_line_where_the_report_is(suite):
    suite.feature("a", GOOD)
    ran = suite.behave()
    assert ran.code == 0
    assert "USING RUNNER" not in ran.out
    assert "reports/allure-results" in ran.out.splitlines()[-1]


def test_from_another_directory(suite):
    suite.feature("a", GOOD)
    ran = suite.behave("--runner=avow.runner:Runner", "a.feature", cwd="features")
    assert ran.code == 0
    assert "1 scenario passed" in ran.out


def test_old_runs_are_removed(suite):
    suite.feature("a", GOOD)
    for _ in range(6):
        assert suite.behave().code == 0
    assert len(list((suite.root / "reports/run").iterdir())) == 4


def test_every_place_of_a_missing_table_is_told_and_an_undefined_text_once(suite):
    suite.write(
        "steps/more.py",
        """
        from avow.gherkin import Table, given
        @given("these")
        def these(world, *, table: Table): pass
        """,
    )
    for name in ("a", "b"):
        suite.feature(name, GOOD + "    Given these\n    And nobody knows\n")
    ran = suite.behave()
    assert ran.code == 4
    assert "features/a.feature:4: this phrase needs a table under it" in ran.err
    assert "features/b.feature:4: this phrase needs a table under it" in ran.err
    assert ran.err.count("no phrase says: And nobody knows") == 1
