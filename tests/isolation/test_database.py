"""Whatever a scenario does to the database, the next one finds it as the first one did."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from tests.isolation.conftest import Database, Definition, context

from avow.channels.database import PostgresChannel
from avow.core.errors import EnvironmentProblem
from avow.core.ledger import Ledger
from avow.isolation import database as subject
from avow.isolation.database import DatabasePart

SHOP = """
CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE orders (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer int NOT NULL REFERENCES customers ON DELETE CASCADE,
  total numeric, doubled numeric GENERATED ALWAYS AS (total * 2) STORED,
  meta json DEFAULT '{}');
CREATE TABLE lines (order_id int REFERENCES orders ON DELETE CASCADE, sku text);
CREATE TABLE log (line text);
INSERT INTO customers (name) VALUES ('Ada'), ('Grace');
INSERT INTO orders (customer, total) VALUES (1, 10), (2, 20);
INSERT INTO lines VALUES (1, 'a'), (1, 'b'), (2, 'c');
INSERT INTO log VALUES ('same'), ('same');
"""

EVERYTHING = """
SELECT 'customers', count(*), md5(string_agg(c::text, '|' ORDER BY c::text)) FROM customers c
UNION ALL SELECT 'orders', count(*), md5(string_agg(o::text, '|' ORDER BY o::text)) FROM orders o
UNION ALL SELECT 'lines', count(*), md5(string_agg(l::text, '|' ORDER BY l::text)) FROM lines l
UNION ALL SELECT 'log', count(*), md5(string_agg(g::text, '|' ORDER BY g::text)) FROM log g
"""


@pytest.fixture
def shop(database: Database) -> Database:
    database.run(SHOP)
    assert database.part.prepare() == ""
    return database


@pytest.mark.parametrize(
    "scenario",
    [
        "INSERT INTO orders (customer, total) VALUES (1, 5)",
        "UPDATE orders SET total = 99 WHERE id = 1",
        "UPDATE orders SET meta = '{ }' WHERE id = 1",
        "DELETE FROM customers WHERE id = 1",
        "DELETE FROM customers; INSERT INTO customers (name) VALUES ('Ada')",
        "TRUNCATE customers CASCADE",
        "TRUNCATE log",
        "INSERT INTO log VALUES ('same'); DELETE FROM log WHERE ctid = (SELECT min(ctid) FROM log)",
        "DELETE FROM log WHERE ctid = (SELECT min(ctid) FROM log)",
        "DELETE FROM orders WHERE customer = 2; UPDATE customers SET id = 12 WHERE id = 2",
        "UPDATE customers SET name = CASE name WHEN 'Ada' THEN 'x' ELSE 'Ada' END",
        "COPY log FROM PROGRAM 'echo copied'",
        "MERGE INTO log USING (SELECT 1) s ON false WHEN NOT MATCHED THEN INSERT VALUES ('m')",
        "WITH gone AS (DELETE FROM lines RETURNING *) INSERT INTO log SELECT sku FROM gone",
        "ALTER TABLE lines DISABLE TRIGGER USER; ALTER TABLE lines ENABLE TRIGGER USER",
        "SELECT 1",
    ],
)
def test_what_a_scenario_did_is_undone(scenario: str, shop: Database) -> None:
    before = shop.rows(EVERYTHING)
    shop.run(scenario)
    shop.part.restore()
    assert shop.rows(EVERYTHING) == before
    # And again: the mark of the first restore must not be taken for the second's.
    shop.run("INSERT INTO log VALUES ('next')")
    shop.part.restore()
    assert shop.rows(EVERYTHING) == before


def test_rows_that_nobody_touched_are_not_written(shop: Database) -> None:
    place = "SELECT ctid, xmin, id FROM orders UNION ALL SELECT ctid, xmin, id FROM customers"
    before = shop.rows(place)
    shop.run("INSERT INTO orders (customer, total) VALUES (1, 5)")
    shop.part.restore()
    assert shop.rows(place) == before


def test_ids_do_not_come_twice(shop: Database) -> None:
    insert = "INSERT INTO orders (customer, total) VALUES (1, 5) RETURNING id"
    first = shop.rows(insert)
    shop.part.restore()
    assert shop.rows(insert)[0][0] == first[0][0] + 1


def test_constraints_hold_as_before(shop: Database) -> None:
    shop.run("DELETE FROM customers WHERE id = 1")
    shop.part.restore()
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        shop.run("INSERT INTO orders (customer) VALUES (999)")
    shop.run("DELETE FROM customers WHERE id = 1")
    assert shop.rows("SELECT count(*) FROM lines") == [(1,)]


def test_triggers_of_the_system_do_not_act_on_a_restore(database: Database) -> None:
    database.run(
        SHOP + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO log VALUES ('audit'); RETURN NULL; END $$;"
        " CREATE TRIGGER audit AFTER INSERT OR DELETE ON lines FOR EACH ROW EXECUTE FUNCTION f();"
    )
    database.part.prepare()
    before = database.rows(EVERYTHING)
    database.run("DELETE FROM lines")
    database.part.restore()
    assert database.rows(EVERYTHING) == before


def test_partitions_and_heirs_are_restored_however_they_were_written(database: Database) -> None:
    database.run(
        """
        CREATE TABLE events (at int, what text) PARTITION BY RANGE (at);
        CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10);
        CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20);
        INSERT INTO events VALUES (1, 'a'), (11, 'b');
        CREATE TABLE animals (name text);
        CREATE TABLE dogs (breed text) INHERITS (animals);
        INSERT INTO animals VALUES ('cat');
        INSERT INTO dogs VALUES ('rex', 'x');
        """
    )
    database.part.prepare()
    whole = "SELECT tableoid::regclass::text, e::text FROM events e UNION ALL "
    whole += "SELECT tableoid::regclass::text, name FROM animals ORDER BY 1, 2"
    before = database.rows(whole)
    for scenario in (
        "INSERT INTO events VALUES (2, 'c')",
        "DELETE FROM events_2",
        "INSERT INTO events_1 VALUES (3, 'd')",
        "UPDATE animals SET name = name || '!'",
        "DELETE FROM dogs",
        "CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM (20) TO (30);"
        " INSERT INTO events VALUES (25, 'z')",
    ):
        database.run(scenario)
        database.part.restore()
        assert database.rows(whole) == before, scenario


def test_tables_that_a_scenario_made_are_gone(shop: Database) -> None:
    shop.run("CREATE TABLE extra (a int); INSERT INTO extra VALUES (1)")
    shop.run("CREATE TABLE more AS SELECT * FROM orders")
    shop.part.restore()
    assert shop.rows("SELECT relname FROM pg_class WHERE relname IN ('extra', 'more')") == []
    shop.part.restore()


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        ("DROP TABLE lines", 'table "lines" was dropped during the scenario'),
        ("ALTER TABLE log ADD COLUMN x int", 'table "log" was changed during the scenario'),
    ],
)
def test_a_table_of_the_baseline_cannot_be_brought_back(
    scenario: str, message: str, shop: Database
) -> None:
    shop.run(scenario)
    with pytest.raises(EnvironmentProblem, match=message) as raised:
        shop.part.restore()
    assert "Change tables in migrations" in str(raised.value)


def test_schemas_and_odd_names(database: Database) -> None:
    database.run(
        'CREATE SCHEMA "Stock"; CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES;'
        'CREATE TABLE "Stock"."My ""Items" ("Id" int PRIMARY KEY, "a b" text);'
        'INSERT INTO "Stock"."My ""Items" VALUES (1, \'x\')'
    )
    database.part.prepare()
    database.run(
        'UPDATE "Stock"."My ""Items" SET "a b" = \'y\'; INSERT INTO nothing DEFAULT VALUES'
    )
    database.part.restore()
    assert database.rows('SELECT * FROM "Stock"."My ""Items"') == [(1, "x")]
    assert database.rows("SELECT count(*) FROM nothing") == [(1,)]


def test_what_is_rolled_back_costs_nothing_and_harms_nothing(shop: Database) -> None:
    before = shop.rows(EVERYTHING)
    with psycopg.connect(shop.url) as other:
        other.execute("DELETE FROM lines")
        other.rollback()
    shop.part.restore()
    assert shop.rows(EVERYTHING) == before


def test_marking_makes_no_transaction_wait_for_another(shop: Database) -> None:
    with psycopg.connect(shop.url) as one, psycopg.connect(shop.url) as two:
        for connection in (one, two):
            connection.execute("SET statement_timeout = '5s'")
            connection.execute("INSERT INTO log VALUES ('x')")
        one.commit()
        two.commit()


def test_marking_makes_no_serializable_transaction_fail(shop: Database) -> None:
    with psycopg.connect(shop.url) as one, psycopg.connect(shop.url) as two:
        for number, connection in enumerate((one, two), 1):
            connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
            connection.execute("UPDATE orders SET total = 1 WHERE id = %s", [number])
        one.commit()
        two.commit()


def test_a_role_without_rights_can_still_write(shop: Database) -> None:
    shop.run("CREATE ROLE clerk; GRANT INSERT ON log TO clerk")
    try:
        shop.run("SET ROLE clerk; INSERT INTO log VALUES ('clerk'); RESET ROLE")
        shop.part.restore()
        assert shop.rows("SELECT count(*) FROM log") == [(2,)]
    finally:
        shop.run("REVOKE ALL ON log FROM clerk; DROP ROLE clerk")


def test_a_restore_waits_for_a_transaction_that_is_about_to_end(shop: Database) -> None:
    before = shop.rows(EVERYTHING)
    with psycopg.connect(shop.url) as slow:
        slow.execute("INSERT INTO log VALUES ('slow')")
        restoring = threading.Thread(target=shop.part.restore)
        restoring.start()
        # Until the restore stands in the queue behind us.
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while shop.rows(waits) == [(0,)]:
            assert restoring.is_alive()
        slow.commit()
        restoring.join(10)
    assert shop.rows(EVERYTHING) == before


def test_a_transaction_that_does_not_end_is_named(
    shop: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subject, "_PATIENCE", 0.5)
    before = shop.rows(EVERYTHING)
    with psycopg.connect(shop.url, application_name="shop-worker") as stuck:
        stuck.execute("UPDATE log SET line = 'forgotten'")
        with pytest.raises(EnvironmentProblem) as raised:
            shop.part.restore()
        text = str(raised.value)
        assert text.startswith(
            'isolation of database "db": the rows of "log" could not be restored in 0.5 s: '
            '"shop-worker" (pid '
        )
        assert "idle in transaction) has had a transaction open for " in text
        assert "its last statement: UPDATE log SET line = 'forgotten'" in text
        assert "neither committed nor rolled back" in text
        stuck.commit()
    # It is not forgotten: the next scenario starts clean.
    shop.part.start()
    assert shop.rows(EVERYTHING) == before


def test_the_systems_transaction_never_loses_a_deadlock(shop: Database) -> None:
    with psycopg.connect(shop.url) as system:
        system.execute("UPDATE orders SET total = 0")
        shop.run("INSERT INTO customers (name) VALUES ('New')")
        # avow locks customers and then waits for orders; the system wants customers.
        restoring = threading.Thread(target=shop.part.restore)
        restoring.start()
        while shop.rows("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
            assert restoring.is_alive()
        system.execute("SET lock_timeout = '10s'")
        system.execute("UPDATE customers SET name = name || '?' WHERE id = 1")
        system.commit()
        restoring.join(10)
    assert shop.rows("SELECT name FROM customers ORDER BY id") == [("Ada",), ("Grace",)]


def test_what_is_written_between_scenarios_is_undone_at_the_start(shop: Database) -> None:
    before = shop.rows(EVERYTHING)
    shop.part.restore()
    shop.run("INSERT INTO log VALUES ('late')")
    shop.part.start()
    assert shop.rows(EVERYTHING) == before


def test_many_rows_are_compared_and_not_rewritten(shop: Database) -> None:
    shop.run("INSERT INTO customers (name) SELECT 'c' || n FROM generate_series(1, 3000) n")
    assert shop.part.prepare() == ""  # preparing twice is preparing anew
    before = shop.rows(EVERYTHING)
    unchanged = "SELECT count(*) FROM customers WHERE id > 100 AND xmin::text = '{}'"
    xmin = shop.rows("SELECT xmin::text FROM customers WHERE id = 200")[0][0]
    count = shop.rows(unchanged.format(xmin))
    shop.run("UPDATE customers SET name = 'x' WHERE id = 7; DELETE FROM customers WHERE id = 9")
    shop.part.restore()
    assert shop.rows(EVERYTHING) == before
    assert shop.rows(unchanged.format(xmin)) == count


def test_an_attached_database_is_left_alone_unless_allowed(database: Database) -> None:
    def part(**settings: Any) -> DatabasePart:
        definition = Definition("db", "postgres", "attached", (), settings)
        return DatabasePart(
            PostgresChannel("db", {"url": database.url}, definition, Ledger(), context())
        )

    assert part().prepare() == (
        "it is attached, not the suite's own: its rows stay as scenarios leave them"
    )
    assert database.rows("SELECT nspname FROM pg_namespace WHERE nspname ~ '^avow'") == []
    allowed = part(isolate=True)
    assert allowed.prepare() == ""
    allowed.close()


def test_a_user_who_is_no_superuser_is_said(database: Database) -> None:
    database.run("CREATE ROLE plain LOGIN PASSWORD 'plain'")
    try:
        url = database.url.replace("postgres:", "plain:", 1)
        head, _, rest = url.partition("//")
        url = f"{head}//plain:plain@{rest.partition('@')[2]}"
        channel = PostgresChannel(
            "db", {"url": url}, Definition("db", "postgres"), Ledger(), context()
        )
        part = DatabasePart(channel)
        assert "its user is no superuser" in part.prepare()
        part.restore()
        part.close()
    finally:
        database.run("DROP ROLE plain")


def test_a_lost_connection_is_made_again(shop: Database) -> None:
    before = shop.rows(EVERYTHING)
    shop.run("INSERT INTO log VALUES ('x')")
    shop.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'avow' AND datname = current_database()"
    )
    shop.part.restore()
    assert shop.rows(EVERYTHING) == before
