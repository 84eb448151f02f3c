"""behave's formatters print what they print under behave itself, though scenarios ran elsewhere."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest

FEATURES = {
    "a": """
        @f
        Feature: A
          Some words.

          Background:
            Given a number 1

          Scenario: passes
            When I add 2
            Then it is 3

          @bad
          Scenario: fails
            When I add 2
            Then it is 4
            And it is 3

          Scenario Outline: many <n>
            When I add <n>
            Then it is <sum>

            Examples: good
              | n | sum |
              | 1 | 2   |
              | 5 | 6   |

          Rule: ruled
            Background:
              Given a number 10

            Scenario: errors
              When it explodes
              Then it is 3

            @other
            Scenario: in the rule
              Then it is 10
        """,
    "b": """
        Feature: B
          @wip
          Scenario: one
            Given a number 1
            Then it is 1
            # a comment

          Scenario: two
            Given a number 2
              \"\"\"
              text
              \"\"\"
            Then it is 3
              | a | b |
              | 1 | 2 |
        """,
    "skipped": """
        @never
        Feature: Never
          Scenario: not here
            Given a number 1
        """,
}

FORMATS = ["pretty", "plain", "progress", "progress2", "progress3", "rerun", "null"]


@pytest.fixture
def written(suite):
    for name, text in FEATURES.items():
        suite.feature(name, text)
    return suite


@pytest.mark.parametrize("name", FORMATS)
def test_a_format(written, normal, name):
    plain = written.plain("-f", name, "--tags=not @never")
    ours = written.behave("-f", name, "--tags=not @never")
    assert normal(ours.out) == normal(plain.out)
    assert ours.err == ""
    assert ours.code == plain.code == 1


@pytest.mark.parametrize(
    "args",
    [
        ["features/a.feature:9"],
        ["features/a.feature:25", "features/b.feature"],
        ["-n", "many 5"],
        ["-n", "one", "--show-skipped"],
        ["-t", "@bad"],
        ["-t", "@bad", "--show-skipped"],
        ["-t", "@other", "-t", "@f"],
        ["-i", "b.feature"],
        ["-e", "a.feature"],
        ["--stop"],
        ["--no-capture", "features/b.feature"],
        ["--no-summary", "features/b.feature"],
        ["-k", "--no-source", "--no-timings"],
    ],
    ids=" ".join,
)
def test_an_option(written, normal, args):
    args = ["-f", "plain", *args]
    plain, ours = written.plain(*args), written.behave(*args)
    assert normal(ours.out) == normal(plain.out)
    assert ours.code == plain.code


def test_json(written):
    written.plain("-f", "json", "-o", "plain.json", "--tags=not @never")
    written.behave("-f", "json", "-o", "ours.json", "--tags=not @never")

    def read(name):
        text = (written.root / name).read_text()
        return json.loads(re.sub(r'"duration": [^,}]*', '"duration": 0', text))

    assert read("ours.json") == read("plain.json")


def test_junit(written):
    written.plain("--junit", "--junit-directory", "plain", "--tags=not @never")
    written.behave("--junit", "--junit-directory", "ours", "--tags=not @never")

    def read(directory):
        found = {}
        for file in sorted((written.root / directory).glob("*.xml")):
            for case in ET.parse(file).iter("testcase"):
                found[file.name, case.get("name")] = (
                    case.get("status"),
                    case.get("classname"),
                    [(each.tag, each.get("type"), each.get("message")) for each in case],
                )
        return found

    assert read("ours") == read("plain")
    assert len(read("ours")) == 8


def test_several_formats_at_once(written, normal):
    args = ["-f", "plain", "-f", "json", "-f", "progress", "-o", "-", "-o", "x.json"]
    ours, plain = written.behave(*args), written.plain(*args)
    assert normal(ours.out) == normal(plain.out)
    assert json.loads((written.root / "x.json").read_text())


def test_hooks_print_where_behave_prints_them(written, normal):
    written.write(
        "environment.py",
        """
        def before_all(context): print("before_all")
        def before_feature(context, feature): print("before_feature", feature.name)
        def before_rule(context, rule): print("before_rule", rule.name)
        def before_scenario(context, scenario): print("before_scenario", scenario.name)
        def before_tag(context, tag): print("before_tag", tag)
        def after_tag(context, tag): print("after_tag", tag)
        def after_scenario(context, scenario): print("after_scenario", scenario.status.name)
        def after_rule(context, rule): print("after_rule", rule.status.name)
        def after_feature(context, feature): print("after_feature", feature.status.name)
        def after_all(context): print("after_all")
        """,
    )
    plain = written.plain("--tags=not @never")
    ours = written.behave("--tags=not @never")
    assert normal(ours.out) == normal(plain.out)


@pytest.mark.parametrize("hook", ["scenario", "feature", "rule", "tag", "step"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_failing_hook_is_told_as_behave_tells_it(written, normal, hook, when):
    written.write(
        "environment.py",
        f"""
        def {when}_{hook}(context, it):
            raise RuntimeError("hook trouble")
        """,
    )
    plain = written.plain("--tags=not @never")
    ours = written.behave("--tags=not @never")
    assert normal(ours.out) == normal(plain.out)
    assert ours.code == 1


def test_a_hook_may_skip(written, normal):
    written.write(
        "environment.py",
        """
        def before_scenario(context, scenario):
            if scenario.name == "passes":
                scenario.skip("not today")
        def before_feature(context, feature):
            if feature.name == "B":
                feature.skip("nor this")
        """,
    )
    for show in ("--show-skipped", "--no-skipped"):
        plain = written.plain("--tags=not @never", show)
        ours = written.behave("--tags=not @never", show)
        assert normal(ours.out) == normal(plain.out)


def test_a_formatter_that_raises_costs_the_run_its_cleanliness_only(written):
    written.write(
        "broken_format.py",
        """
        from behave.formatter.base import Formatter
        class Broken(Formatter):
            name = "broken"
            def scenario(self, scenario): raise RuntimeError("no paper")
        """,
    )
    written.env["PYTHONPATH"] = str(written.root)
    ran = written.behave("-f", "broken_format:Broken", "-f", "plain", "-n", "passes")
    assert ran.code == 7
    assert "Then it is 3 ... passed" in ran.out
