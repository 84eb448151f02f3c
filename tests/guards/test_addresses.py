import pytest

from avow.config import GuardSettings
from avow.core.errors import EnvironmentProblem, GuardRefusal
from avow.guards import Guards
from avow.guards import addresses as module


def never(host: str, numeric: bool) -> list[str]:
    if numeric:
        raise OSError(-2, "Name or service not known")
    raise AssertionError(f"{host} was looked up")


@pytest.fixture
def guards(tmp_path):
    def make(*hosts, lookup=module.look_up):
        return Guards(GuardSettings(hosts=hosts), tmp_path, lookup=lookup)

    return make


@pytest.mark.parametrize(
    "spelling",
    ["127.0.0.1", "127.8.9.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1",
     "１２７.０.０.１", "①②⑦.⓪.⓪.①"],
)  # fmt: skip
def test_every_spelling_of_loopback_is_loopback(guards, spelling):
    assert guards().address(spelling, 80).startswith("127.")


def test_mapped_loopback_is_loopback_and_reached_as_ipv4(guards):
    assert guards().address("::ffff:127.0.0.1", 80) == "127.0.0.1"
    assert guards().address("::ffff:7f00:1", 80) == "127.0.0.1"
    assert guards().address("::1", 80) == "::1"


def test_the_unspecified_address_is_reached_as_loopback(guards):
    assert guards().address("0", 80) == "127.0.0.1"
    assert guards().address("0.0.0.0", 80) == "127.0.0.1"


def test_localhost_is_never_looked_up(guards):
    assert guards(lookup=never).address("localhost", 80) == "127.0.0.1"
    assert guards(lookup=never).address("Shop.Localhost.", 80) == "127.0.0.1"


def test_a_name_that_is_not_allowed_is_refused_without_a_query(guards):
    with pytest.raises(GuardRefusal) as refusal:
        guards(lookup=never).address("shop.example", 443, where="shop")
    assert str(refusal.value) == (
        'shop: "shop.example" is neither this machine nor in [guards] hosts\n'
        "  If this suite may touch it, allow it in avow.toml: "
        '[guards] hosts = ["shop.example"].'
    )
    assert refusal.value.exit_code == 8


def test_a_near_miss_in_the_list_is_offered(guards):
    with pytest.raises(GuardRefusal, match=r'Did you mean "shop\.staging\.example"'):
        guards("shop.staging.example", lookup=never).address("shop.stagin.example", 443)


@pytest.mark.parametrize("spelling", ["3232235777", "0xc0a80101", "192.168.257"])
def test_a_strange_spelling_of_another_machine_is_refused_by_its_address(guards, spelling):
    with pytest.raises(GuardRefusal, match=r"is 192\.168\.1\.1, which is neither"):
        guards("*").address(spelling, 80)


def test_an_address_in_an_allowed_network_is_allowed(guards):
    assert guards("10.0.0.0/8").address("10.1.2.3", 80) == "10.1.2.3"
    assert guards("10.1.2.3").address("10.1.2.3", 80) == "10.1.2.3"
    with pytest.raises(GuardRefusal):
        guards("10.0.0.0/8").address("11.1.2.3", 80)


def test_an_allowed_name_is_looked_up_once_and_its_address_returned(guards):
    answers = iter([["10.0.0.7"], ["8.8.8.8"]])

    def lookup(host, numeric):
        if numeric:
            raise OSError
        return next(answers)

    assert guards("*.staging.example", lookup=lookup).address("shop.staging.example", 1) == (
        "10.0.0.7"
    )


def test_an_allowed_name_never_leads_to_a_link_local_address(guards):
    def lookup(host, numeric):
        if numeric:
            raise OSError
        return ["169.254.169.254"]

    with pytest.raises(GuardRefusal, match=r"is 169\.254\.169\.254, which is neither"):
        guards("*.staging.example", lookup=lookup).address("a.staging.example", 80)


def test_an_allowed_name_that_cannot_be_looked_up_is_the_environments_fault(guards):
    with pytest.raises(EnvironmentProblem) as problem:
        guards("nowhere.invalid").address("nowhere.invalid", 80, where="shop")
    assert str(problem.value).startswith('shop: the name "nowhere.invalid" cannot be looked up: ')
    assert "does this machine reach the network" in str(problem.value)


def test_a_pattern_does_not_match_a_longer_name(guards):
    with pytest.raises(GuardRefusal):
        guards("*.staging.example", lookup=never).address("staging.example.evil.org", 80)
    with pytest.raises(GuardRefusal):
        guards("*.staging.example", lookup=never).address("staging.example", 80)


@pytest.mark.parametrize(
    "host", ["", "127.0.0.1\\@evil.example", "a b", "user@host", "[::1]", "host\0", "a/b"]
)
def test_what_is_not_a_host_is_refused(guards, host):
    with pytest.raises(GuardRefusal, match="is not a host"):
        guards("*").address(host, 80)


def test_an_address_of_its_own_is_allowed_on_its_port_only(guards):
    own = guards()
    own.own("172.17.0.2", 5432)
    assert own.address("172.17.0.2", 5432) == "172.17.0.2"
    with pytest.raises(GuardRefusal):
        own.address("172.17.0.2", 5433)


def test_the_hosts_file_may_name_loopback(guards, tmp_path, monkeypatch):
    hosts = tmp_path / "hosts"
    hosts.write_text("# c\n127.0.0.9 Shop.local alias # x\n10.0.0.1 other.local\nbroken shop2\n")
    monkeypatch.setattr(module, "_HOSTS_FILE", hosts)
    assert guards(lookup=never).address("shop.local", 80) == "127.0.0.9"
    for refused in ("other.local", "shop2"):
        with pytest.raises(GuardRefusal):
            guards(lookup=never).address(refused, 80)
    monkeypatch.setattr(module, "_HOSTS_FILE", tmp_path / "none")
    with pytest.raises(GuardRefusal):
        guards(lookup=never).address("shop.local", 80)
