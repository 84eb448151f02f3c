"""The report as a person sees it: built by the real Allure, opened in a real Chromium, offline."""

from __future__ import annotations

import hashlib
import html as markup
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.reports import stories
from tests.reports.conftest import START, Worker

from avow.config.values import Reports as ReportSettings
from avow.core import events
from avow.reports import html, plugin

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium on PATH"),
    # One report and one browser for all of these, wherever tests are spread out.
    pytest.mark.xdist_group("browser"),
]

# Opens every step, then every attachment, as a reader would.
OPEN_ALL = """
<script>
  const every = (testid) => [...document.querySelectorAll(`[data-testid=${testid}]`)];
  setTimeout(() => {
    every("test-result-step").forEach((step) => {
      const arrow = step.querySelector("[data-testid=test-result-step-arrow-button]");
      if (arrow && !step.querySelector("[data-testid=test-result-step-content]")) arrow.click();
    });
  }, 2000);
  setTimeout(() => {
    every("test-result-attachment-header").forEach((header) => {
      header.querySelector("button")?.click();
    });
  }, 3500);
</script>
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("browser")
    (root / "run").mkdir()

    def make(file: str, **info):
        return Worker(root / "run" / file, **info)

    reports = plugin.Reports(ReportSettings(results="allure-results"), root)
    reports.avow_event(
        events.RunStarted(at=START, run="run-1", suite="Espresso & Söhne", root=str(root), seed=99)
    )
    for tell in (stories.passed_payment, stories.failed_payment, stories.strange_bodies):
        reports.avow_scenario_recorded(*tell(make))
    it = make("hook.jsonl", name="A hook fails", id="hook").begin("Given a world")
    it.start(0).end()
    trouble = events.Trouble("broken", "KeyError: 'cart'")
    it.event(events.HookFailed(at=it.clock, hook="after_scenario", phase="after", trouble=trouble))
    reports.avow_scenario_recorded(it.path, it.finish("broken", trouble=trouble))
    before_all = events.Trouble("broken", "RuntimeError: no licence")
    reports.avow_event(events.RunTrouble(at=START, where="before_all", trouble=before_all))
    assert reports.problems == []

    built = html.build(reports.results, root / "allure-report")
    if isinstance(built, html.NotBuilt):
        assert built.harmless, built.message
        pytest.skip(built.message)
    return built.path


def opened(report: Path, name: str, tmp_path: Path) -> str:
    """Return the text of a scenario's page, everything opened."""
    address = ""
    for path in (report.parents[1] / "allure-results").glob("*-result.json"):
        result = json.loads(path.read_bytes())
        if name and name in result["name"]:
            address = hashlib.md5(result["uuid"].encode(), usedforsecurity=False).hexdigest()
    page = tmp_path / "page.html"
    page.write_text(report.read_text("utf-8").replace("</body>", f"{OPEN_ALL}</body>"), "utf-8")
    assert CHROMIUM is not None
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--window-size=1400,2000",
            "--virtual-time-budget=9000",
            "--dump-dom",
            f"{page.as_uri()}#{address}",
        ],
        capture_output=True,
        timeout=90,
        check=True,
    )
    dom = done.stdout.decode("utf-8", "replace")
    dom = re.sub(r"<(script|style)\b.*?</\1>", "", dom, flags=re.DOTALL)
    return markup.unescape(re.sub(r"<[^>]*>", "", dom))


def test_the_start_page_shows_the_tree_and_what_went_wrong_outside(report, tmp_path):
    text = opened(report, "", tmp_path)

    for wanted in (
        "Espresso & Söhne",
        "Nobody pays twice",
        "A declined card is told to the customer",
        "before_all (outside of any scenario)",
        "Global Errors",
    ):
        assert wanted in text


def test_a_failed_scenario_shows_message_steps_exchange_and_timeline(report, tmp_path):
    text = opened(report, "declined", tmp_path)

    for wanted in (
        # the message, first
        "the order is not declined within 2 seconds",
        "It looked 37 times; the row never changed.",
        "Category: Product defects: the system did something else",
        # the step tree
        "Given a customer with an order of 42.50 EUR",
        "choose a currency",
        'When I send "POST /orders/o-18/payment" to "shop":',
        "| espresso ☕ | 2     | no sugar |",
        "Then nothing else happened",
        # the exchange, drawn by Allure
        "http://127.0.0.1:8080/orders/o-18/payment",
        "502 Bad Gateway",
        '{"error": {"code": "provider_unavailable"',
        "Headers (2)",
        'closest route "charge declined": header Idempotency-Key',
        # the timeline
        "TIMELINE   -> avow did it   <- the system did it   ? avow looked",
        "<- stripe  POST /v1/charges, no route matched, answered 404",
        "(looked 37 times in 1.9 s)",
        # what was seen, and where, without the frames of behave and PyHamcrest
        "Seen last:",
        'File "steps/payments.py", line 31, in order_is',
    ):
        assert wanted in text
    assert "site-packages" not in text
    assert "No inline view" not in text
    assert "Failed to fetch" not in text


def test_a_passed_scenario_shows_its_evidence(report, tmp_path):
    text = opened(report, "Paying for an order", tmp_path)

    for wanted in (
        "? db: 1 row of orders: paid (looked 12 times in 464 ms; the answer changed once)",
        '"name": "Zoë 😀"',
        "| o-17 | paid   | 4250   |",
        "attached receipt.pdf (application/pdf, 3 bytes)",
    ):
        assert wanted in text


def test_strange_bodies_do_no_harm(report, tmp_path):
    text = opened(report, "Strange bodies", tmp_path)

    assert "<script>alert(2)</script>" in text
    assert "65536 of 10485760 bytes were kept" in text


def test_a_hook_that_failed_is_shown_in_the_tear_down(report, tmp_path):
    text = opened(report, "A hook fails", tmp_path)

    assert "after_scenario" in text
    assert "KeyError: 'cart'" in text


def test_the_page_loads_nothing_from_elsewhere(report):
    page = report.read_text("utf-8")

    assert re.findall(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=\"https?:[^>]*>", page) == []
    assert "googletagmanager" not in page
