import pytest

from avow.config import load, references, resolve, resolve_all, start_order
from avow.core.errors import ConfigError
from avow.services.kinds import StubSettings, Webhooks

FACTS = {"db": {"url": "postgresql://x"}, "shop": {"url": "http://127.0.0.1:1"}}

CYCLE = """
[services.a]
kind = "http"
command = ["a"]
env.B = "{b.url}"

[services.b]
kind = "http"
command = ["b"]
env.C = "{c.url}"

[services.c]
kind = "http"
command = ["c"]
env.A = "{a.url}"
"""


def test_text_is_resolved():
    assert resolve("{db.url}?x={port}", FACTS, {"port": "5"}) == "postgresql://x?x=5"
    assert resolve(
        "${env:A}-${secret:B}", {}, secret=lambda name: name * 2, environ={"A": "1"}
    ) == ("1-BB")


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ('{{"a": 1}}', '{"a": 1}'), ('{"a": 1}', '{"a": 1}'), ("{}", "{}"), ("${x}", "${x}"),
        ("{{db.url}}", "{db.url}"), ("a}b", "a}b"), ("{ db.url }", "{ db.url }"),
    ],
)  # fmt: skip
def test_braces_that_are_no_references_stay(text, resolved):
    assert resolve(text, FACTS) == resolved


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{bd.url}", '{bd.url} is not known: there is no "bd"\n  Did you mean "db"? '),
        ("{db.ulr}", '{db.ulr} is not known: there is no "ulr"\n  Did you mean "url"? '),
        ("{prt}", '{prt} is not known: there is no "prt"\n  Did you mean "port"? '),
        ("${env:NONE}", '${env:NONE} is not known: there is no "NONE"\n  Set NONE.'),
        ("${secret:X}", "${secret:X} cannot be used here: no secrets are at hand"),
    ],
)
def test_a_reference_that_is_not_known_offers_the_nearest(text, message):
    with pytest.raises(ConfigError) as error:
        resolve(text, FACTS, {"port": "1"}, environ={})
    assert str(error.value).startswith(message)


def test_references_are_found_in_any_data():
    value = {
        "a": ["{db.url}", ("${secret:S}",)],
        "b": StubSettings(webhooks=Webhooks("x", "{c.d}")),
    }
    assert [str(each) for each in references(value)] == ["{db.url}", "${secret:S}", "{c.d}"]


def test_structs_are_resolved_but_for_what_is_verbatim():
    settings = StubSettings(
        webhooks=Webhooks("stripe", "{shop.url}/hooks"), routes=({"path": "/{id}"},)
    )
    resolved = resolve_all(settings, lambda text: resolve(text, FACTS))
    assert resolved.webhooks.to == "http://127.0.0.1:1/hooks"
    assert resolved.routes == ({"path": "/{id}"},)


def test_a_circle_is_told_once(mistakes):
    assert mistakes(CYCLE) == (
        "The settings have a mistake:\n"
        "avow.toml:2: services.a: services need each other in a circle: a -> b -> c -> a\n"
        "  Give one of them the other's address when it runs, or leave the reference out."
    )


def test_a_service_may_refer_to_itself(suite):
    text = '[services.a]\nkind = "http"\ncommand = ["a", "{port}", "{a.url}"]\n'
    assert suite(text).services["a"].needs == ()


def test_what_a_stub_is_told_for_later_makes_no_circle(suite):
    settings = suite("""
        [services.pay]
        kind = "stub"
        webhooks = { scheme = "stripe", to = "{shop.url}/x" }

        [services.shop]
        kind = "http"
        command = ["shop"]
        env.PAY = "{pay.url}"
        """)
    assert start_order(settings.services) == [["pay"], ["shop"]]


def test_services_start_in_waves(suite):
    settings = suite("""
        services.db = { kind = "postgres" }
        services.bus = { kind = "kafka" }
        services.shop = { kind = "http", command = ["s", "{db.url}"], needs = ["bus"] }
        services.web = { kind = "http", command = ["w", "{shop.url}"] }
        """)
    assert settings.services["shop"].needs == ("bus", "db")
    assert start_order(settings.services) == [["db", "bus"], ["shop"], ["web"]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('env.A = "{bd.url}"',
         'avow.toml:6: services.shop.env: {bd.url}: there is no service "bd"\n'
         '  Did you mean "db"? Services: db, shop.'),
        ('env.A = "{db.ur}"', '{db.ur}: "db" has no fact "ur"\n  Did you mean "url"? Facts: '),
        ('env.A = "{db}"', "{db} does not say which fact of the service is meant\n"
         "  Write {db.<fact>}; facts: url, host, "),
        ('env.A = "{prot}"', '{prot} is not known\n  Did you mean "port"? Facts of its own: '),
        ('needs = ["dbb"]', '"dbb": there is no service "dbb"\n  Did you mean "db"?'),
        ('env.A = "${env:NOT_SET}"', "${env:NOT_SET}: this environment variable is not set\n"
         "  Set NOT_SET."),
    ],
)  # fmt: skip
def test_a_wrong_reference_is_a_mistake_of_the_settings(mistakes, line, message):
    before = '[services.db]\nkind = "postgres"\n[services.shop]\nkind = "http"\ncommand = ["x"]\n'
    assert message in mistakes(before + line)


def test_two_references_to_one_unknown_service_are_told_once_each(mistakes):
    text = '[services.s]\nkind = "http"\ncommand = ["{x.url}", "{x.url}", "{y.url}"]\n'
    assert mistakes(text).count("there is no service") == 2


def test_the_example_of_the_readme_loads(request):
    root = request.config.rootpath
    assert load(root, environ={}, secrets=False).services
