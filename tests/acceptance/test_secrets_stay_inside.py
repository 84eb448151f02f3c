"""Whatever a suite does with its secrets: no form of one is in the reports or on the console."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from avow.core.secrets import Redactor
from avow.core.waiting import until

PARROT = Path(__file__).parents[1] / "apps/parrot/app.py"

#: Every secret that is known before the run. The first holds whatever is escaped somewhere.
KNOWN = {
    "CONFIG": 'Kx9/+<é"\\&>z8 Q%7',
    "OUTSIDE": "from-the-environment-8Zq",
    "FILED": "from-a-file-5tR2",
    "SIGNING": "whsec_77aaTTbb88ccDD",
    "CLIENT": "client-of-oauth-3kW9",
    "STUB_KEY": "sk_live_of_the_system_4mB",
}
#: Not declared anywhere; only ever sent as a credential.
UNDECLARED = "nobody-declared-this-6vYc"

SETTINGS = """
[suite]
name = "leaky"

[services.db]
kind = "postgres"

[services.bank]
kind = "stub"
webhooks = {{ scheme = "stripe", to = "{{parrot.url}}/hook", secret = "${{secret:SIGNING}}" }}
routes = [{{ on = "POST /v1/{{path}}", answer = {{ status = 201, body = {{ id = "ch_1" }} }} }}]

[services.parrot]
kind = "http"
command = ["python", "{app}", "{{port}}"]
health = {{ path = "/health" }}
secrets = ["data.session.key"]
auth.basic = {{ scheme = "basic", user = "ann", password = "${{secret:CONFIG}}" }}

[services.parrot.auth.partner]
scheme = "oauth2"
token_url = "{{parrot.url}}/token"
client = "c"
secret = "${{secret:CLIENT}}"

[services.parrot.env]
MINTED = "{minted}"
STUB = "{{bank.url}}"
STUB_KEY = "${{secret:STUB_KEY}}"
DATABASE = "{{db.url}}"

[secrets]
CONFIG = {{ value = '{config}' }}
OUTSIDE = {{ env = "LEAKY_OUTSIDE" }}
FILED = {{ file = "secret.txt" }}
SIGNING = {{ value = "{signing}" }}
CLIENT = {{ value = "{client}" }}
STUB_KEY = {{ value = "{stub_key}" }}
"""

STEPS = """
import base64, json, logging, os, subprocess, sys, urllib.parse, warnings
import allure
from avow.gherkin import given, when, then, step
from avow.steps.all import *  # noqa: F403

NAMES = ["CONFIG", "OUTSIDE", "FILED", "SIGNING", "CLIENT", "STUB_KEY"]

def everything(world):
    known = [world.secret(name).reveal() for name in NAMES]
    known.append(world.facts["db"]["password"])
    with open(os.environ["MINTED"], "a") as out:
        out.write(known[-1] + "\\n")
    known += [str(value) for value in world.memory.values.values() if isinstance(value, str)]
    return known

def forms(value):
    raw = value.encode()
    yield value
    yield json.dumps(value)
    yield json.dumps([json.dumps(value)])
    yield urllib.parse.quote(value, safe="")
    yield urllib.parse.quote_plus(value)
    for before in (b"", b"u", b"us", b"user:"):
        yield base64.b64encode(before + raw + b"more").decode()
        yield base64.urlsafe_b64encode(before + raw).decode()
    yield raw.hex()
    yield repr(value)
    quoted = urllib.parse.quote(value, safe="")
    yield f"https://ann:{quoted}@example.com/?key={urllib.parse.quote(value)}"

def all_forms(world):
    return [form for value in everything(world) for form in forms(value)]

@when("everything is printed")
def printed(world):
    for form in all_forms(world):
        print(form)
        print(form, file=sys.stderr)
        logging.getLogger("leak").warning("known: %s", form)
        os.write(1, f"{form}\\n".encode())
        os.write(2, f"{form}\\n".encode())
    subprocess.run(["echo", *all_forms(world)])
    warnings.warn(all_forms(world)[0])

@when("everything is attached")
def attached(world):
    for number, form in enumerate(all_forms(world)):
        allure.attach(form, name=f"attached {form}", attachment_type=allure.attachment_type.TEXT)
        with allure.step(f"with {form}"):
            pass
    with open("attached.bin", "w") as out:
        out.write("\\n".join(all_forms(world)))
    allure.attach.file("attached.bin", name="file")
    allure.dynamic.title(f"title {everything(world)[0]}")
    allure.dynamic.description("\\n".join(everything(world)))
    allure.dynamic.parameter("key", everything(world)[1])
    allure.dynamic.link(f"https://example.com/{everything(world)[2]}", name="link")

@then("it is asserted")
def asserted(world):
    text = "\\n".join(all_forms(world))
    assert not text, f"it should not be {text}"

@then("it is raised")
def raised(world):
    try:
        {everything(world)[0]: 1}["no"]
    except KeyError as error:
        raise RuntimeError(" ".join(all_forms(world))) from error

@then("the process dies of it")
def dies(world):
    print(all_forms(world))
    os.write(2, "\\n".join(all_forms(world)).encode())
    os._exit(1)

@then("it is too late")
def late(world):
    import time
    print(all_forms(world))
    time.sleep(60)

@step("a credential that nobody declared")
def undeclared(world):
    world.memory.remember("undeclared", os.environ["LEAKY_UNDECLARED"])
"""

ENVIRONMENT = """
import os

def _all():
    return " ".join(os.environ[name] for name in ("LEAKY_OUTSIDE", "LEAKY_CONFIG"))

def before_all(context):
    print("before all", _all())

def before_feature(context, feature):
    print("before feature", _all())
    if "bad-feature" in feature.tags:
        raise RuntimeError(_all())

def before_scenario(context, scenario):
    print("before", _all())
    if "skipped" in scenario.tags:
        scenario.skip(_all())
    if "bad" in scenario.tags:
        raise RuntimeError(_all())

def after_scenario(context, scenario):
    print("after", _all())
    context.add_cleanup(lambda: 1 / 0 if not _all() else None)
    if "bad" in scenario.tags:
        context.add_cleanup(_raise)

def _raise():
    raise RuntimeError("cleanup " + _all())

def after_feature(context, feature):
    print("after feature", _all())

def after_all(context):
    print("after all", _all())
    raise RuntimeError("at the end " + _all())
"""

FEATURES = {
    "system": """
        Feature: What goes over the wire
          Scenario: in requests
            When I send POST "/say?key=${secret:CONFIG}" to parrot with JSON:
              | a                | b                                   |
              | ${secret:CONFIG} | ${secret:OUTSIDE} ${secret:FILED}   |
            Then the response status is 500
          Scenario: in a docstring and in headers
            When I send POST "/say" to parrot with the headers:
              | name     | value             |
              | X-Secret | ${secret:OUTSIDE} |
            Then the response body matches:
              \"\"\"
              {"said": "${secret:CONFIG}", "headers": {"X-Secret": "not ${secret:OUTSIDE}"}}
              \"\"\"
          Scenario: tokens
            When I send POST "/say" to parrot signed in as "partner"
            Then the response status is 200
            When I send POST "/say" to parrot signed in as "basic"
            Then the response status is 200
            When I send POST "/login" to parrot
            And the response body at "data.session.key" is remembered as "key"
            And I send POST "/say?${key}" to parrot with the text:
              \"\"\"
              ${key}
              \"\"\"
            Then the response body at "said" is "other"
          Scenario: webhooks and stubs
            When bank sends a "charge.paid" webhook
            Then the webhook is accepted
            When I send POST "/call/charges" to parrot with the text:
              \"\"\"
              paid with ${secret:STUB_KEY}
              \"\"\"
            Then bank received exactly 2 "POST /v1/charges" calls
          Scenario: rows
            Given this SQL was run on db:
              \"\"\"
              create table keys (id int, value text);
              insert into keys values (1, '${secret:FILED}');
              \"\"\"
            Then the table "keys" of db has the row:
              | value             |
              | ${secret:OUTSIDE} |
          Scenario: what nobody declared
            Given a credential that nobody declared
            When I send GET "/say" to parrot with the headers:
              | name          | value                                 |
              | Authorization | Token ${undeclared}-a                 |
              | X-Api-Key     | ${undeclared}-b                       |
              | Cookie        | theme=dark; session=${undeclared}-c   |
            Then the response status is 500
        """,
    "code": """
        Feature: What steps do
          Scenario: prints
            When everything is printed
            Then it is asserted
          Scenario: attaches
            When everything is attached
            Then it is raised
          Scenario: dies
            When everything is printed
            Then the process dies of it
          Scenario: comes too late
            Then it is too late
          @bad
          Scenario: bad hooks
            When everything is printed
          @skipped
          Scenario: skipped
            When everything is printed
        """,
    "bad": """
        @bad-feature
        Feature: Bad hooks
          Scenario: never
            When everything is printed
        """,
}


@pytest.fixture
def leaky(suite):
    minted = suite.root.parent / f"{suite.root.name}-minted.txt"
    minted.write_text("")
    suite.write(
        "avow.toml",
        SETTINGS.format(
            app=PARROT,
            minted=minted,
            config=KNOWN["CONFIG"],
            signing=KNOWN["SIGNING"],
            client=KNOWN["CLIENT"],
            stub_key=KNOWN["STUB_KEY"],
        ),
    )
    suite.write("secret.txt", KNOWN["FILED"] + "\n")
    suite.write("steps/steps.py", STEPS)
    suite.env = {
        "LEAKY_OUTSIDE": KNOWN["OUTSIDE"],
        "LEAKY_CONFIG": KNOWN["CONFIG"],
        "LEAKY_UNDECLARED": UNDECLARED,
        "MINTED": str(minted),
    }
    suite.minted = minted
    return suite


def knowing(*values: str) -> Redactor:
    redactor = Redactor()
    for number, value in enumerate(values):
        redactor.mint(f"leak-{number}", value)
    return redactor


def leaks(suite, ran, *values: str) -> list[str]:
    """Return where any form of any of the values is."""
    redactor = knowing(*values)
    found = []
    for name, text in (("stdout", ran.out), ("stderr", ran.err)):
        found += [
            f"{name}: {line}"
            for line in redactor.text(text).splitlines()
            if "[secret:leak-" in line
        ]
    for directory, _, files in os.walk(suite.root / "reports"):
        for name in files:
            path = Path(directory, name)
            redacted = redactor.raw(f"{name}\n".encode() + path.read_bytes())
            at = redacted.find(b"[secret:leak-")
            if at >= 0:
                place = path.relative_to(suite.root)
                found.append(f"{place}: {redacted[max(at - 80, 0) : at + 60]!r}")
    return sorted(found)


def outputs() -> list[str]:
    return [
        "--format=json", "--outfile=reports/out.json", "--format=pretty", "--outfile=reports/p.txt",
        "--format=progress3", "--junit", "--junit-directory=reports/junit",
    ]  # fmt: skip


def test_no_secret_leaves(leaky):
    for name, text in FEATURES.items():
        leaky.feature(name, text)
    leaky.write("environment.py", ENVIRONMENT)
    leaky.env["AVOW_TIMEOUTS_STEP"] = "3s"
    ran = leaky.behave(*outputs(), timeout=120)
    minted = leaky.minted.read_text().split()
    assert len(set(minted)) >= 4
    assert ran.code == 1, ran.text
    found = leaks(leaky, ran, *KNOWN.values(), UNDECLARED, *minted)
    assert not found, "\n".join(found)


def test_no_secret_leaves_from_steps_in_place(leaky):
    leaky.feature("system", FEATURES["system"])
    leaky.feature("code", FEATURES["code"].partition("Scenario: dies")[0])
    leaky.write("environment.py", ENVIRONMENT)
    # What a step's children write goes past avow, to the terminal of the person who debugs.
    past = ("        os.write(", "    subprocess.run(")
    steps = "\n".join(line for line in STEPS.splitlines() if not line.startswith(past))
    leaky.write("steps/steps.py", steps)
    ran = leaky.behave("-D", "avow.inline", *outputs(), timeout=120)
    minted = leaky.minted.read_text().split()
    assert ran.code == 1, ran.text
    found = leaks(leaky, ran, *KNOWN.values(), UNDECLARED, *minted)
    assert not found, "\n".join(found)


def test_a_step_file_that_tells_is_silenced(leaky):
    leaky.feature("one", "Feature: F\n  Scenario: s\n    Given a credential that nobody declared\n")
    leaky.write(
        "steps/tells.py",
        """
        import os
        print(os.environ["LEAKY_OUTSIDE"])
        os.write(1, os.environ["LEAKY_OUTSIDE"].encode())
        """,
    )
    ran = leaky.behave()
    assert ran.code == 0, ran.text
    assert not leaks(leaky, ran, *KNOWN.values())


def test_a_secret_on_the_command_line_is_not_written_down(leaky):
    leaky.feature("one", "Feature: F\n  Scenario: s\n    Given a credential that nobody declared\n")
    ran = leaky.behave("-D", f"anything={KNOWN['OUTSIDE']}", *outputs())
    assert ran.code == 0, ran.text
    assert not leaks(leaky, ran, *KNOWN.values())


def test_a_service_that_does_not_start_tells_no_secret(leaky):
    leaky.write(
        "bad.py", "import os; print(dict(os.environ)); raise SystemExit(os.environ['DATABASE'])"
    )
    settings = (leaky.root / "avow.toml").read_text().replace(str(PARROT), "{root}/bad.py")
    leaky.write("avow.toml", settings.replace("{root}", "{{root}}").replace("{{root}}", "{root}"))
    leaky.feature("one", FEATURES["system"])
    ran = leaky.behave()
    assert ran.code == 6, ran.text
    assert not leaks(leaky, ran, *KNOWN.values())


def test_names_of_headers_stay_and_the_worker_can_use_their_values(leaky):
    leaky.feature(
        "one",
        """
        Feature: F
          Scenario: s
            When I send POST "/login" to parrot
            And the response header "Set-Cookie" is remembered as "cookie"
            And I send POST "/say" to parrot with the headers:
              | name   | value     |
              | Cookie | ${cookie} |
            Then the response body at "headers.Cookie" is "${cookie}"
        """,
    )
    ran = leaky.behave()
    assert ran.code == 0, ran.text
    record = next((leaky.root / "reports/run").glob("*/scenario-1.jsonl")).read_text()
    assert '["Set-Cookie","sid=[secret:' in record
    assert not leaks(leaky, ran, *leaky.minted.read_text().split())


def test_a_run_that_is_killed_leaves_secrets_in_private_logs_at_most(leaky):
    leaky.feature(
        "one",
        """
        Feature: F
          Scenario: s
            When I send POST "/call/charges" to parrot with the text:
              \"\"\"
              ${secret:STUB_KEY}
              \"\"\"
            And everything is printed
            And it is there for all to see
        """,
    )
    steps = """
@when("it is there for all to see")
def there(world):
    import time
    open("here", "w").write(str(os.getpid()))
    time.sleep(60)
"""
    leaky.write("steps/steps.py", STEPS + steps)
    process = leaky.start()
    worker = int(leaky.seen("here"))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)
    assert until(lambda: not leaky.is_alive(worker), 10).holds
    logs = list((leaky.root / "reports/run").rglob("*.log"))
    assert logs
    assert {log.stat().st_mode & 0o077 for log in logs} == {0}
    known = knowing(*KNOWN.values())
    others = [each for each in (leaky.root / "reports").rglob("*") if each.is_file()]
    assert not [each for each in others if each not in logs and known.finds_in(each.read_bytes())]
