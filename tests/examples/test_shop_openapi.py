from __future__ import annotations

import ast

import yaml
from openapi_spec_validator import validate
from tests.examples.shop_system import ROOT, ShopSystem

DOCUMENT = yaml.safe_load((ROOT / "openapi.yaml").read_text())


def routes() -> set[tuple[str, str]]:
    """Return what the code says it answers: method and path of its table."""
    tree = ast.parse((ROOT / "shop" / "api.py").read_text())
    rows = [node.elts[:2] for node in ast.walk(tree) if isinstance(node, ast.Tuple)]
    texts = [[each.value for each in row if isinstance(each, ast.Constant)] for row in rows]
    return {(row[0], row[1]) for row in texts if len(row) == 2 and str(row[1]).startswith("/")}


def test_the_contract_is_one_and_names_every_route():
    validate(DOCUMENT)
    told = {
        (method.upper(), path)
        for path, item in DOCUMENT["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert told == routes()


def test_an_order_has_what_the_contract_says(system: ShopSystem):
    customer = system.customer()
    order = system.order(customer)
    summary = set(DOCUMENT["components"]["schemas"]["OrderSummary"]["required"])
    assert set(order) == summary | {"lines"}
    page = system.http.get("/orders", headers=customer["headers"]).json()
    assert set(page["data"][0]) == summary
