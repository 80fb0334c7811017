"""Strings that would run if a page let them: typed into every form, sent in a file and as its name, then looked at in a real browser."""

import json
import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page

from tests.attack.crawling import crawl
from tests.attack.door import open_door
from tests.attack.nation import Nation
from tests.attack.naughty import SCRIPTS
from tests.attack.test_forms import STARTS
from tests.journeys.browsing import chromium
from tests.make import csv_bytes, valid_case, valid_rca
from tests.registry.web.visitors import token_of

pytestmark = pytest.mark.slow

PAGES = 60
WALKERS = ("rjz.lead", "analyst.one", "moderator", "administrator")
KEEPING = ("then", "wants", "confirmed", "base_version", "organisation", "kind", "mode", "form_token")
"""Fields that decide whether a form is kept at all."""


def plant(nation: Nation) -> None:
    """Each string wherever somebody may write: forms first, field by field; then files with their names."""
    for name in WALKERS:
        browser = nation.browser(name)
        _, forms = crawl(browser, STARTS, pages=PAGES)
        for number, form in enumerate(forms):
            script = SCRIPTS[number % len(SCRIPTS)]
            fields = {field: value if value or field in KEEPING else script for field, value in form.fields}
            fields["form_token"] = token_of(browser.get(form.page))
            if not re.search("disable|shut-out|end$|revoke|discard|withdraw|take-down", form.action):
                assert browser.post(form.action, data=fields).status_code < 500, form.action
    sender = nation.program("rjz.uploader")
    for number, script in enumerate(SCRIPTS):
        local = f"XSS-{number}"
        files = {
            "case": valid_case(local_case_id=local, ward=script, sex=script if number % 3 == 0 else "female"),
            "rca": valid_rca(local_case_id=local, learning_point=script, notable_practice=script, dose=script),
        }
        for kind, row in files.items():
            sent = sender.post(
                "/api/submissions",
                params={"kind": kind, "opt_out_screened": "true", "mode": "accept-good-rows"},
                files={
                    "file": (
                        f"{script}.csv".replace("/", "_").replace('"', ""),
                        csv_bytes([row | {script: script}]),
                        "text/csv",
                    )
                },
                headers={"Idempotency-Key": uuid4().hex},
            )
            assert sent.status_code < 500


def looked_at(nation: Nation, browser: Browser, name: str) -> Iterator[tuple[str, str]]:
    """Every page that holds one of the strings, opened; gives what ran or was refused by the policy."""
    walker = nation.browser(name)
    pages, _ = crawl(walker, STARTS, pages=PAGES)
    with open_door(nation.house, "") as door, browser.new_context(base_url=door.address) as window:
        secret = walker.cookies.get("hat") or ""
        window.add_cookies([{"name": "hat", "value": secret, "url": door.address}])
        page = window.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.on(
            "request",
            lambda each: None if each.url.startswith((door.address, "data:")) else said.append(f"asks {each.url}"),
        )
        for address in pages:
            if "window.xss" in walker.get(address).text:
                yield from _opened(page, address, said)


def _opened(page: Page, address: str, said: list[str]) -> Iterator[tuple[str, str]]:
    said.clear()
    page.goto(address)
    if page.evaluate("window.xss") is not None:
        yield address, "a string ran"
    refused = [each for each in said if "Content Security Policy" in each or each.startswith("asks ")]
    if refused:
        yield address, json.dumps(refused)[:300]
    yield address, ""


def test_nothing_that_was_typed_runs(nation: Nation) -> None:
    plant(nation)
    with chromium() as browser:
        found = [each for name in WALKERS for each in looked_at(nation, browser, name)]
    assert [each for each in found if each[1]] == []
    assert len(found) >= 2, "no page shows what was typed: nothing is shown by this"
