"""The shop, running: its four processes against real servers and a fake payment provider."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any, Self

import httpx

from avow.core.waiting import until
from avow.processes.ports import HeldPort

ROOT = Path(__file__).parents[2] / "examples" / "shop"
WEBHOOK_SECRET = "whsec_" + "t" * 32
SECRETS = {
    "STRIPE_API_KEY": "sk_test_of_the_shop",
    "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "SHOP_JWT_SECRET": "j" * 32,
    "SHOP_ADMIN_SECRET": "admin-secret",
    "SHOP_AUDITOR_SECRET": "auditor-secret",
}


class ShopSystem:
    """Started in `with`; `http` talks to the API, `logs` are the processes' standard outputs."""

    def __init__(self, environment: dict[str, str], directory: Path, defects: str = "") -> None:
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "PAYMENT_TIMEOUT": "0.3",
            "SHOP_DEFECTS": defects,
            **SECRETS,
            **environment,
        }
        self._directory = directory
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ports: dict[str, int] = {}
        self._held: dict[str, HeldPort] = {}
        self.http = httpx.Client(timeout=15)
        self._token = ""

    def __enter__(self) -> Self:
        for name in ("api", "relay", "inventory", "receipts"):
            self.start(name)
        for name in self.processes:
            self.wait_for_health(name)
        self.http.base_url = httpx.URL(f"http://127.0.0.1:{self.ports['api']}")
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        for process in self.processes.values():
            process.terminate()
        for name, process in self.processes.items():
            process.wait(5)
            self._held[name].release()

    def start(self, name: str) -> None:
        if name in self._held:
            self._held[name].release()
        held = self._held[name] = HeldPort()
        port = self.ports[name] = held.port
        option = "--port" if name == "api" else "--health-port"
        held.hand_over()
        with (self._directory / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", f"shop.{name}", option, str(port)],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self, name: str, number: int = signal.SIGTERM) -> int:
        process = self.processes[name]
        process.send_signal(number)
        return process.wait(5)

    def health(self, name: str) -> httpx.Response:
        return self.http.get(f"http://127.0.0.1:{self.ports[name]}/health")

    def wait_for_health(self, name: str) -> None:
        def healthy() -> bool:
            if self.processes[name].poll() is not None:
                raise RuntimeError(self.log(name))
            try:
                return self.health(name).status_code == 200
            except httpx.TransportError:
                return False

        assert until(healthy, 20).holds, self.log(name)

    def log(self, name: str) -> str:
        return (self._directory / f"{name}.log").read_text()

    # -- what tests need again and again

    @property
    def admin(self) -> dict[str, str]:
        self._token = self._token or self.token("admin", "admin-secret")
        return {"Authorization": f"Bearer {self._token}"}

    def token(self, client: str, secret: str) -> str:
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
        return str(self.http.post("/token", data=form).raise_for_status().json()["access_token"])

    def customer(self) -> dict[str, Any]:
        """Return a new customer, with `headers` for requests of theirs."""
        person = {"name": "Ada", "email": f"{uuid.uuid4().hex}@example.com"}
        made = self.http.post("/admin/customers", json=person, headers=self.admin)
        found: dict[str, Any] = made.raise_for_status().json()
        return {**found, "headers": {"Authorization": f"Bearer {found['api_key']}"}}

    def product(self, price: int = 4250, stock: int = 10, currency: str = "EUR") -> str:
        sku = uuid.uuid4().hex[:12]
        document = {"name": "A lamp", "price": price, "currency": currency, "stock": stock}
        self.http.put(
            f"/admin/products/{sku}", json=document, headers=self.admin
        ).raise_for_status()
        return sku

    def order(self, customer: dict[str, Any], *, price: int = 4250, quantity: int = 1) -> Any:
        lines = [{"sku": self.product(price), "quantity": quantity}]
        return (
            self.http.post("/orders", json={"lines": lines}, headers=customer["headers"])
            .raise_for_status()
            .json()
        )

    def pay(self, order: Any, customer: dict[str, Any], card: str = "visa") -> httpx.Response:
        return self.http.post(
            f"/orders/{order['id']}/payments",
            json={"payment_method": f"pm_card_{card}"},
            headers=customer["headers"],
        )

    def show(self, order: Any, customer: dict[str, Any]) -> Any:
        return self.http.get(f"/orders/{order['id']}", headers=customer["headers"]).json()
