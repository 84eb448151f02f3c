import pickle
from datetime import timedelta
from pathlib import Path

import pytest

from avow import config
from avow.core.errors import ConfigError
from avow.services.kinds import PostgresSettings

SHOP = """
    [suite]
    name = "shop"

    [services.db]
    kind = "postgres"
    watch = ["ledger"]

    [services.orders]
    kind = "kafka"
    topics = ["orders", "orders.dead-letter"]

    [services.stripe]
    kind = "stub"
    webhooks = { scheme = "stripe", to = "{shop.url}/hooks", secret = "${secret:STRIPE}" }
    routes = [{ method = "GET", path = "/v1/charges/{id}", status = 200 }]

    [services.shop]
    kind = "http"
    command = ["python", "-m", "shop", "--port", "{port}"]
    health = { path = "/health", json = { status = "ok" }, within = "20s" }
    auth.customer = { scheme = "bearer", token = "${secret:TOKEN}" }
    env.DATABASE_URL = "{db.url}"
    env.STRIPE_URL = "{stripe.url}"
    env.JSON = '{{"a": 1}}'

    [profiles.staging.services]
    shop = { provider = "attached", url = "https://shop.staging.example" }
    orders = { provider = "attached", url = "kafka.staging.example:9092" }

    [profiles.staging.timeouts]
    step = "1m"

    [guards]
    hosts = ["*.staging.example"]

    [timeouts]
    call = "250ms"
    step = "30s"
    scenario = "1m30s"

    [reports]
    body_limit = "1MiB"
    links = { issue = "https://tracker.example/{}" }

    [effects]
    settle = "100ms"
    strict = true

    [runner]
    jobs = "auto"
"""


def test_a_whole_suite(suite, tmp_path):
    settings = suite(SHOP)
    assert settings.name == "shop"
    assert settings.root == str(tmp_path)
    assert settings.services["db"].settings == PostgresSettings(watch=("ledger",))
    shop = settings.services["shop"]
    assert shop.provider == "command"
    assert shop.needs == ("db", "stripe")
    assert shop.health.within == timedelta(seconds=20)
    assert shop.health.json == {"status": "ok"}
    assert shop.settings.auth["customer"].scheme == "bearer"
    assert settings.services["stripe"].needs == ()
    assert settings.timeouts.call == timedelta(milliseconds=250)
    assert settings.timeouts.scenario == timedelta(seconds=90)
    assert settings.timeouts.run is None
    assert settings.reports.body_limit == 1024 * 1024
    assert settings.effects.strict
    assert settings.runner.jobs == "auto"
    assert settings.guards.hosts == ("*.staging.example",)


def test_settings_cross_processes(suite):
    settings = suite(SHOP)
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_an_empty_file_is_a_suite_with_defaults(suite, tmp_path):
    settings = suite("")
    assert settings.name == tmp_path.name
    assert settings.services == {}
    assert settings.timeouts.step == timedelta(seconds=30)
    assert settings.reports.results == "reports/allure-results"


def test_no_file_names_the_command_that_makes_one(tmp_path):
    with pytest.raises(ConfigError) as error:
        config.load(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: there is no avow.toml, so this is not the root of a suite\n"
        "  Change to the suite's root, or start a new one: avow init NAME"
    )


def test_a_profile_changes_providers_and_settings(suite):
    settings = suite(SHOP, defines={"avow.profile": "staging"})
    assert settings.profile == "staging"
    assert settings.services["shop"].provider == "attached"
    assert settings.services["shop"].needs == ()
    assert settings.services["orders"].url == "kafka.staging.example:9092"
    assert settings.timeouts.step == timedelta(minutes=1)
    assert settings.timeouts.call == timedelta(milliseconds=250)
    assert suite(SHOP, environ={"AVOW_PROFILE": "staging"}).profile == "staging"


def test_a_suite_may_name_its_usual_profile(suite):
    text = '[suite]\nprofile = "slow"\n[profiles.slow.timeouts]\nstep = "9m"\n'
    assert suite(text).timeouts.step == timedelta(minutes=9)
    text += "[profiles.fast.timeouts]\nstep = '1s'\n"
    assert suite(text, environ={"AVOW_PROFILE": "fast"}).timeouts.step == timedelta(seconds=1)


def test_an_address_makes_a_service_attached(suite):
    settings = suite('[services.shop]\nkind = "http"\nurl = "http://127.0.0.1:8000"')
    assert settings.services["shop"].provider == "attached"


def test_all_mistakes_come_together_in_the_order_of_the_file(mistakes, tmp_path):
    here = Path(__file__).parent
    text = mistakes(here.joinpath("mistakes.toml").read_text(encoding="utf-8"))
    told = text.replace(str(tmp_path), "ROOT") + "\n"
    assert told == here.joinpath("mistakes.txt").read_text(encoding="utf-8")


def test_one_mistake_is_one(mistakes):
    assert mistakes("[timeouts]\nstep = 'x'").startswith(
        "The settings have a mistake:\navow.toml:2"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[services\n", "avow.toml:1:10: not valid TOML: Expected ']'"),
        ("a = \n", "avow.toml:1:5: not valid TOML: Invalid value"),
        ('a = "x', "avow.toml, at its end: not valid TOML: "),
        ("a = 1\na = 2\n", "avow.toml:2:6: not valid TOML: Cannot overwrite a value"),
        (b"[suite]\nname = '\xff'\n", "avow.toml:2: it is not UTF-8 text\n  Save it as UTF-8."),
        ("a = " + "[" * 5000, "nested too deeply"),
    ],
)
def test_a_file_that_is_not_toml_says_where(mistakes, content, message):
    assert message in mistakes(content)


def test_a_byte_order_mark_does_no_harm(suite):
    assert suite(b"\xef\xbb\xbf[suite]\nname = 'x'\n").name == "x"


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    (tmp_path / "avow.toml").mkdir()
    with pytest.raises(ConfigError, match="it cannot be read: Is a directory"):
        config.load(tmp_path, environ={})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("services = 5", "avow.toml:1: services: [services] must be a table"),
        ("[services]\ndb = 5", "avow.toml:2: services.db: a service must be a table"),
        ("[profiles]\nci = 5", "avow.toml:2: profiles.ci: a profile must be a table"),
        ("[profiles.ci.suite]\nname='x'", 'there is no section "suite"'),
        ("[profiles.ci]\ntimeouts = 5", "[timeouts] must be a table"),
        (
            "[services.db]\nkind='postgres'\n[profiles.ci.services]\nbd = { url = 'x' }",
            'avow.toml:4: profiles.ci.services.bd: there is no service "bd" that this '
            'profile could change\n  Did you mean "db"?',
        ),
        (
            "[suite]\nprofile = 'ic'\n[profiles.ci]",
            'avow.toml:2: suite.profile: there is no profile "ic"\n'
            '  Did you mean "ci"? Profiles: ci.',
        ),
        (
            "[services.db]\nkind='postgres'\nprovider = 'embeded'",
            "avow.toml:3: services.db.provider: a postgres service cannot be provided as "
            '"embeded"\n  Did you mean "embedded"?',
        ),
        (
            "[services.db]\nkind='postgres'\nprovider = 'attached'",
            "avow.toml:1: services.db: it is attached and does not say where\n"
            '  Add its address: url = "..." (or set AVOW_SERVICES_DB_URL).',
        ),
        (
            "[services.mail]\nkind='smtp'\nurl = 'smtp://mail.example'",
            'avow.toml:3: services.mail.url: kind "smtp" cannot be provided as "attached"\n'
            "  Leave it out. Providers: embedded.",
        ),
        (
            "[services.x]\nkind='s3'\ncommand = ['minio']",
            'avow.toml:3: services.x.command: kind "s3" cannot be provided as "command"\n'
            "  Leave it out. Providers: attached, embedded.",
        ),
        (
            "[services.shop]\nkind='http'",
            "avow.toml:1: services.shop: it does not say how it is started\n  Add the program and "
            'its arguments: command = ["...", "--port", "{port}"], or url = "..." where it is '
            "running already.",
        ),
        ("[secrets]\nA = { env = 'X', value = 'y' }", "needs exactly one of env, file and value"),
        ("[guards]\nhosts = 'a.example'", 'Write a list of texts: ["a.example"].'),
        ("[guards]\nhosts = ['a', 5]", "avow.toml:2: guards.hosts.1: 5 is not text"),
        ("[reports]\nlinks = 5", "avow.toml:2: reports.links: 5 is not a table"),
    ],
)
def test_a_mistake_says_where_what_and_what_to_do(mistakes, text, message):
    assert message in mistakes(text)


def test_an_unknown_profile_is_told_with_where_it_was_asked_for(mistakes):
    text = "[profiles.staging.timeouts]\nstep='1s'"
    assert mistakes(text, defines={"avow.profile": "stagin"}) == (
        'The settings have a mistake:\n-D avow.profile: there is no profile "stagin"\n'
        '  Did you mean "staging"? Profiles: staging.'
    )
    assert "environment variable AVOW_PROFILE: there is no" in mistakes(
        text, environ={"AVOW_PROFILE": "x"}
    )


def test_a_mistake_in_a_profile_is_where_the_profile_is(mistakes):
    text = "[timeouts]\nstep = '1s'\n[profiles.ci.timeouts]\nstep = 'x'\n"
    assert 'avow.toml:4: profiles.ci.timeouts.step: "x" is not a duration' in mistakes(
        text, defines={"avow.profile": "ci"}
    )
