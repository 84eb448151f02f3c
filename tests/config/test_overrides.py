from datetime import timedelta

import pytest

TEXT = """
[services.shop-api]
kind = "http"
command = ["x"]
auth.customer = { scheme = "bearer", token = "0123456789" }
env.A = "1"

[services.orders]
kind = "kafka"

[timeouts]
step = "1s"
"""


def test_the_environment_overrides_the_file(suite):
    settings = suite(
        TEXT,
        environ={
            "AVOW_TIMEOUTS_STEP": "5s",
            "AVOW_REPORTS_BODY_LIMIT": "1KiB",
            "AVOW_RUNNER_INLINE": "true",
            "AVOW_RUNNER_JOBS": "3",
            "AVOW_GUARDS_HOSTS": "a.example, b.example",
            "AVOW_SERVICES_SHOP_API_URL": "http://127.0.0.1:9",
            "AVOW_SERVICES_SHOP_API_ENV_NEW_NAME": "2",
            "AVOW_SERVICES_SHOP_API_AUTH_CUSTOMER_TOKEN": "9876543210",
            "AVOW_SERVICES_ORDERS_TOPICS": "a,b",
            "PATH": "/bin",
        },
    )
    shop = settings.services["shop-api"]
    assert settings.timeouts.step == timedelta(seconds=5)
    assert settings.reports.body_limit == 1024
    assert settings.runner.inline is True
    assert settings.runner.jobs == 3
    assert settings.guards.hosts == ("a.example", "b.example")
    assert (shop.url, shop.provider) == ("http://127.0.0.1:9", "attached")
    assert shop.env == {"A": "1", "NEW_NAME": "2"}
    assert shop.settings.auth["customer"].token == "9876543210"
    assert settings.services["orders"].settings.topics == ("a", "b")


def test_defines_override_the_environment(suite):
    settings = suite(
        TEXT,
        environ={"AVOW_TIMEOUTS_STEP": "5s"},
        defines={
            "avow.timeouts.step": "7s",
            "avow.services.shop-api.env.B": "x",
            "avow.seed": "42",
            "avow.inline": "",
            "mine": "is not avow's",
        },
    )
    assert settings.timeouts.step == timedelta(seconds=7)
    assert settings.services["shop-api"].env == {"A": "1", "B": "x"}
    assert settings.runner.seed == 42
    assert settings.runner.inline is True


@pytest.mark.parametrize(
    ("defines", "message"),
    [
        ({"avow.timeouts.stepp": "1s"}, '-D avow.timeouts.stepp: "stepp" is not a setting\n'
         '  Did you mean "step"? Settings: call, run, scenario, start, step.'),
        ({"avow.timeout.step": "1s"}, '-D avow.timeout.step: "timeout" is not a setting\n'
         '  Did you mean "timeouts"?'),
        ({"avow.sed": "1"}, '"sed" is not a setting\n  Did you mean "seed"?'),
        ({"avow.timeouts.step": "soon"}, '-D avow.timeouts.step: "soon" is not a duration'),
        ({"avow.services.shop.url": "x"}, '"shop" is not a setting\n  Did you mean "shop-api"?'),
        ({"avow.seed": "x"}, '-D avow.seed: "x" is not a whole number'),
        ({"avow.timeouts": "5s"}, '-D avow.timeouts: "5s" is not a table'),
    ],
)  # fmt: skip
def test_a_wrong_define_is_told(mistakes, defines, message):
    assert message in mistakes(TEXT, defines=defines)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("AVOW_TIMEOUTS_STEPP", "1s", "environment variable AVOW_TIMEOUTS_STEPP: no setting has "
         'this name\n  Did you mean "AVOW_TIMEOUTS_STEP"?'),
        ("AVOW_TIMEOUT_STEP", "1s", 'Did you mean "AVOW_TIMEOUTS_STEP"?'),
        ("AVOW_TIMEOUTS_STEP", "soon",
         'environment variable AVOW_TIMEOUTS_STEP (timeouts.step): "soon" is not a duration'),
        ("AVOW_RUNNER_INLINE", "perhaps", '"perhaps" is not true or false'),
        ("AVOW_SERVICES_SHOP_API_SCOPE", "all", '"all" is not allowed'),
        ("AVOW_SERVICES_ORDERS_PROVIDER", "docker", 'cannot be provided as "docker"'),
    ],
)  # fmt: skip
def test_a_wrong_variable_is_told(mistakes, name, value, message):
    assert message in mistakes(TEXT, environ={name: value})


def test_variables_that_are_nobodys_setting_are_left_alone(suite):
    suite(TEXT, environ={"AVOW_SECRET_X": "y", "AVOW_CACHE": "z", "AVOW_DEBUG_ALL": "1"})
