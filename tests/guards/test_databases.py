import pytest

from avow.config import GuardSettings
from avow.core.errors import GuardRefusal
from avow.guards import Guards


@pytest.fixture
def guards(tmp_path):
    return Guards(GuardSettings(databases=("billing_prod_copy", "scratch_*")), tmp_path)


@pytest.mark.parametrize("name", ["shop_test", "test", "shop-dev", "shopTest", "TEST_2", "dev"])
def test_a_name_that_says_test_or_dev_is_allowed(guards, name):
    guards.database(name)


@pytest.mark.parametrize("name", ["shop", "contest", "latest", "devices", "", "shoptest"])
def test_other_names_are_refused(guards, name):
    with pytest.raises(GuardRefusal):
        guards.database(name)


def test_the_refusal_names_the_setting(guards):
    with pytest.raises(GuardRefusal) as refusal:
        guards.database("shop", where="db")
    assert str(refusal.value) == (
        'db: the name of the database "shop" does not say that it is for tests, so nothing is '
        'read or changed in it\n  Use one with "test" or "dev" as a word of its name, or allow '
        'it in avow.toml: [guards] databases = ["shop"].'
    )


def test_a_name_that_says_production_is_refused_whatever_else_it_says(guards):
    with pytest.raises(GuardRefusal, match="says that it is for real"):
        guards.database("test_production")


def test_an_owned_or_listed_database_is_allowed(guards):
    guards.database("shop", owned=True)
    guards.database("billing_prod_copy")
    guards.database("scratch_7")
