from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors
from tests.channels.helpers import Definition, context

from avow.channels.database import PostgresChannel
from avow.channels.database.trouble import translated
from avow.core.errors import (
    AvowError,
    ConfigError,
    EnvironmentProblem,
    GuardRefusal,
    SuiteError,
    ThenCannotAct,
)
from avow.core.ledger import Ledger

DDL = """
CREATE TABLE {0}.orders (
  id serial PRIMARY KEY, customer text NOT NULL, amount numeric(10,2) DEFAULT 1.50, paid boolean,
  placed timestamptz DEFAULT '2026-11-20T09:54:00.120+00', due date, took interval, reference uuid,
  raw bytea, meta jsonb, old json, tags text[], place vector(3), doubled int GENERATED ALWAYS AS
  (length(customer) * 2) STORED);
CREATE TABLE {0}."Odd Name" (a int, "B c" text);
"""


@pytest.fixture
def system(running: Any) -> Iterator[psycopg.Connection[Any]]:
    """A connection as the system has one; its tables are in a schema of this test."""
    with psycopg.connect(running.facts["db"]["url"], autocommit=True) as connection:
        schema = f"test_{uuid4().hex[:8]}"
        connection.execute(f"CREATE SCHEMA {schema}".encode())
        connection.execute(f"SET search_path = {schema}, public".encode())
        connection.execute(DDL.format(schema).encode())
        yield connection
        connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())


@pytest.fixture
def schema(system: psycopg.Connection[Any]) -> str:
    row = system.execute("SELECT current_schema()").fetchone()
    assert row is not None
    return str(row[0])


@pytest.fixture
def db(channel: Callable[..., Any], system: Any) -> PostgresChannel:
    made: PostgresChannel = channel("db", PostgresChannel)
    return made


def test_rows_are_json_whatever_they_are(
    db: PostgresChannel, system: psycopg.Connection[Any], schema: str
) -> None:
    reference = uuid4()
    system.execute(
        "INSERT INTO orders (customer, paid, due, took, reference, raw, meta, old, tags, place)"
        " VALUES ('Ünal', true, '2026-01-02', '1 mon 2 h', %s, '\\x00ff', '{\"a\": [1, 2.5]}',"
        " '{\"b\":1}', '{x,y}', '[1,2,3.5]')",
        [reference],
    )
    entry = db.rows(f"{schema}.orders")
    assert entry.kind == "rows.seen"
    assert entry.role == "look"
    (row,) = entry.data["rows"]
    assert row == {
        "id": 1,
        "customer": "Ünal",
        "amount": 1.5,
        "paid": True,
        "placed": "2026-11-20T09:54:00.12+00:00",
        "due": "2026-01-02",
        "took": "P1MT2H",
        "reference": str(reference),
        "raw": "\\x00ff",
        "meta": {"a": [1, 2.5]},
        "old": {"b": 1},
        "tags": ["x", "y"],
        "place": [1, 2, 3.5],
        "doubled": 8,
    }
    assert entry.data["columns"][:2] == ["id", "customer"]
    json.dumps(entry.to_plain())


def test_money_does_not_change_on_its_way(db: PostgresChannel) -> None:
    (row,) = db.query(
        "SELECT 12345678901234567890.12::numeric AS long, 0.1::numeric AS short, 'NaN'::numeric AS"
        " none, 5::numeric AS whole, 'Infinity'::float8 AS float, 9007199254740993::int8 AS big"
    ).data["rows"]
    assert row == {
        "long": "12345678901234567890.12",
        "short": 0.1,
        "none": "NaN",
        "whole": 5,
        "float": "inf",
        "big": 9007199254740993,
    }


def test_values_are_read_by_the_type_of_their_column(db: PostgresChannel, schema: str) -> None:
    table = f"{schema}.orders"
    inserted = db.insert(
        table,
        [
            {"customer": "a", "amount": "42.50", "paid": "true", "meta": {"k": 1}, "tags": ["t"]},
            {"customer": "b", "amount": 7, "paid": False, "placed": "2026-01-01T00:00:00Z"},
        ],
    )
    assert inserted.kind == "rows.changed"
    assert inserted.role == "act"
    assert inserted.data["before"] == []
    assert [row["id"] for row in inserted.data["after"]] == [1, 2]
    assert inserted.data["after"][0]["amount"] == 42.5
    for where in (
        {"amount": "42.5"},
        {"amount": 42.5},
        {"paid": True},
        {"paid": "true"},
        {"meta": {"k": 1}},
        {"customer": "a", "id": "1"},
        {"due": None, "customer": "a"},
        {"CUSTOMER": "a"},
    ):
        assert [row["id"] for row in db.rows(table, where).data["rows"]] == [1], where
    db.insert(table, [{"customer": "c", "old": {"x": 1}}])
    assert db.count(table, {"old": {"x": 1}}).data["count"] == 1


def test_rows_come_by_key_or_by_a_column(db: PostgresChannel, schema: str) -> None:
    table = f"{schema}.orders"
    db.insert(table, [{"customer": name} for name in "cab"])
    assert [row["customer"] for row in db.rows(table).data["rows"]] == ["c", "a", "b"]
    ordered = db.rows(table, order="customer").data["rows"]
    assert [row["customer"] for row in ordered] == ["a", "b", "c"]
    assert db.count(table).data["count"] == 3


def test_names_that_need_quotes(db: PostgresChannel, schema: str) -> None:
    db.insert(f"{schema}.Odd Name", [{"a": 1, "B c": "x"}])
    assert db.rows("Odd Name", {"B c": "x"}).data["rows"] == [{"a": 1, "B c": "x"}]


def test_insert_is_all_or_nothing(db: PostgresChannel, schema: str) -> None:
    table = f"{schema}.orders"
    with pytest.raises(SuiteError, match='null value in column "customer"'):
        db.insert(table, [{"customer": "a"}, {"amount": 1}])
    assert db.count(table).data["count"] == 0
    assert db.ledger.find("rows.changed") == []


def test_update_delete_and_execute(db: PostgresChannel, schema: str) -> None:
    table = f"{schema}.orders"
    db.insert(table, [{"customer": "a"}, {"customer": "b"}])
    updated = db.update(table, {"amount": "9"}, {"customer": "a"})
    assert updated.data["after"][0]["amount"] == 9
    assert db.delete(table, {"customer": "b"}).data["before"][0]["customer"] == "b"
    done = db.execute(f"UPDATE {table} SET paid = true; SELECT 1")
    assert done.role == "act"
    with_values = db.execute(f"DELETE FROM {table} WHERE customer = %s", ["a"])
    assert with_values.data["count"] == 1
    assert with_values.data["parameters"] == ["a"]


def test_a_like_needs_no_doubled_percent_sign(db: PostgresChannel) -> None:
    assert db.query("SELECT 'abc' LIKE 'a%' AS yes").data["rows"] == [{"yes": True}]


def test_an_unknown_table_gets_the_nearest(db: PostgresChannel, schema: str) -> None:
    with pytest.raises(SuiteError, match='"db" has no table "order"') as raised:
        db.rows("order")
    assert 'Did you mean "orders"?' in str(raised.value)
    assert "avow_" not in str(raised.value)


def test_an_unknown_column_gets_the_nearest(db: PostgresChannel, schema: str) -> None:
    for ask in (
        lambda: db.rows(f"{schema}.orders", {"custmer": "x"}),
        lambda: db.insert(f"{schema}.orders", [{"custmer": "x"}]),
        lambda: db.rows(f"{schema}.orders", order="custmer"),
    ):
        with pytest.raises(SuiteError, match='table "orders" has no column "custmer"') as raised:
            ask()
        assert 'Did you mean "customer"?' in str(raised.value)


def test_a_value_that_is_not_of_the_columns_type(db: PostgresChannel, schema: str) -> None:
    with pytest.raises(SuiteError, match='invalid input syntax for type numeric: "much"'):
        db.rows(f"{schema}.orders", {"amount": "much"})


def test_a_table_that_appears_is_found(
    db: PostgresChannel, system: psycopg.Connection[Any], schema: str
) -> None:
    db.rows(f"{schema}.orders")
    system.execute("CREATE TABLE later (a int)")
    assert db.rows(f"{schema}.later").data["rows"] == []


def test_a_changed_table_is_read_anew(
    db: PostgresChannel, system: psycopg.Connection[Any], schema: str
) -> None:
    table = f"{schema}.orders"
    for _ in range(3):
        db.rows(table)
    system.execute("ALTER TABLE orders DROP COLUMN due, ADD COLUMN note text")
    assert "note" in db.rows(table).data["columns"]
    with pytest.raises(SuiteError):
        db.rows(table, {"due": "2026-01-01"})
    assert db.rows(table, {"note": "x"}).data["rows"] == []


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM orders",
        "CREATE TABLE x (a int)",
        "SELECT nextval('s')",
        "SELECT 1; DELETE FROM orders",
        "SET default_transaction_read_only = off; DROP TABLE orders",
        "VACUUM",
    ],
)
def test_a_query_cannot_change_anything(
    sql: str, db: PostgresChannel, system: psycopg.Connection[Any], schema: str
) -> None:
    system.execute("CREATE SEQUENCE s")
    system.execute("INSERT INTO orders (customer) VALUES ('a')")
    qualified = sql.replace("orders", f"{schema}.orders").replace("'s'", f"'{schema}.s'")
    with pytest.raises(SuiteError):
        db.query(qualified)
    assert db.count(f"{schema}.orders").data["count"] == 1


def test_a_query_without_rows_is_said(db: PostgresChannel) -> None:
    with pytest.raises(SuiteError, match=r'"db": this returns no rows: SET TimeZone'):
        db.query("SET TimeZone = 'UTC'")


def test_a_mistake_in_sql_is_shown_where_it_is(db: PostgresChannel) -> None:
    with pytest.raises(SuiteError, match='syntax error at or near "FORM", at: FORM orders'):
        db.query("SELECT * FORM orders")


def test_a_then_looks_and_cannot_act(db: PostgresChannel, schema: str) -> None:
    table = f"{schema}.orders"
    with db.ledger.observing("the order is paid"):
        db.rows(table)
        for act in (
            lambda: db.insert(table, [{"customer": "x"}]),
            lambda: db.update(table, {"customer": "x"}),
            lambda: db.delete(table),
            lambda: db.execute("SELECT 1"),
        ):
            with pytest.raises(ThenCannotAct):
                act()


def test_a_statement_that_takes_too_long(channel: Callable[..., Any]) -> None:
    slow = channel("db", PostgresChannel, call=0.2)
    with pytest.raises(EnvironmentProblem, match=r"took longer than 0.2 s: SELECT pg_sleep\(30\)"):
        slow.query("SELECT pg_sleep(30)")


def test_a_look_survives_a_lost_connection(db: PostgresChannel, system: Any, schema: str) -> None:
    db.rows(f"{schema}.orders")
    system.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'avow'"
    )
    assert db.rows(f"{schema}.orders").data["rows"] == []


def test_no_server(channel: Callable[..., Any]) -> None:
    facts = {"url": "postgresql://postgres@127.0.0.1:9/shop_test"}
    dead = PostgresChannel("db", facts, Definition(kind="postgres"), Ledger(), context())
    with pytest.raises(EnvironmentProblem, match=r"the database could not answer: .*refused"):
        dead.rows("orders")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://u@127.0.0.1/production", "says that it is for real"),
        ("postgresql://u@127.0.0.1/shop", "does not say that it is for tests"),
        ("postgresql://u@db.prod.example/shop_test", "is neither this machine nor"),
    ],
)
def test_databases_that_are_not_for_tests_are_refused(url: str, message: str) -> None:
    attached = Definition(kind="postgres", provider="attached")
    channel = PostgresChannel("db", {"url": url}, attached, Ledger(), context())
    with pytest.raises(GuardRefusal, match=message):
        channel.rows("orders")


def test_every_error_of_the_driver_has_a_family() -> None:
    every = [each for each in vars(errors).values() if isinstance(each, type)]
    every += [psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError]
    for kind in every:
        if issubclass(kind, psycopg.Error):
            error = translated(kind("said"), where="here", sql="SELECT 1", seconds=1)
            assert isinstance(error, AvowError)
            assert str(error).startswith("here: ")
    blocked = translated(errors.LockNotAvailable("no"), where="here")
    assert "another transaction is in the way" in str(blocked)


# -- watched tables


@pytest.fixture
def watching(channel: Callable[..., Any], schema: str) -> PostgresChannel:
    made: PostgresChannel = channel("db", PostgresChannel, watch=(f"{schema}.orders",))
    made.start_scenario()
    return made


def changes(db: PostgresChannel) -> list[dict[str, Any]]:
    db.collect()
    return [entry.data for entry in db.ledger.find("rows.changed", role="effect")]


def test_what_the_system_changed_is_an_effect(watching: PostgresChannel, system: Any) -> None:
    system.execute("INSERT INTO orders (customer) VALUES ('a'), ('b')")
    system.execute("UPDATE orders SET paid = true WHERE id = 1")
    system.execute("DELETE FROM orders WHERE id = 2")
    inserted, updated, deleted = changes(watching)
    assert inserted["table"] == "orders"
    assert inserted["before"] == []
    assert [row["customer"] for row in inserted["after"]] == ["a", "b"]
    assert inserted["after"][0]["placed"] == "2026-11-20T09:54:00.12+00:00"
    assert (updated["before"][0]["paid"], updated["after"][0]["paid"]) == (None, True)
    assert deleted["after"] == []
    summaries = [entry.summary for entry in watching.ledger.find("rows.changed")]
    assert summaries == ["orders: 2 inserted", "orders: 1 updated", "orders: 1 deleted"]
    assert len(changes(watching)) == 3


def test_what_is_not_committed_is_no_effect_until_it_is(
    watching: PostgresChannel, system: Any, running: Any, schema: str
) -> None:
    with psycopg.connect(running.facts["db"]["url"]) as slow:
        slow.execute(f"INSERT INTO {schema}.orders (customer) VALUES ('slow')".encode())
        system.execute("INSERT INTO orders (customer) VALUES ('quick')")
        assert [each["after"][0]["customer"] for each in changes(watching)] == ["quick"]
        slow.commit()
    assert [each["after"][0]["customer"] for each in changes(watching)] == ["quick", "slow"]


def test_rows_that_avow_puts_there_are_no_effects(watching: PostgresChannel, schema: str) -> None:
    watching.insert(f"{schema}.orders", [{"customer": "given"}])
    assert changes(watching) == []


def test_changes_before_the_scenario_do_not_count(watching: PostgresChannel, system: Any) -> None:
    system.execute("INSERT INTO orders (customer) VALUES ('before')")
    watching.start_scenario()
    assert changes(watching) == []


def test_watching_an_attached_database_is_refused(channel: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match=r"\[services.db\] watch: watch needs triggers"):
        channel("db", PostgresChannel, provider="attached", watch=("orders",))


def test_a_watched_table_that_is_not_there(channel: Callable[..., Any], schema: str) -> None:
    with pytest.raises(SuiteError, match='has no table "order"'):
        channel("db", PostgresChannel, watch=("order",))
