"""Every form of every page under random hands: fields dropped, doubled, filled with what hurts; never a fault of ours, never an echo, and
what is let through leaves in the audit log what its route is to leave there."""

import os
import random
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from tests.attack import trail
from tests.attack.crawling import Form, crawl
from tests.attack.nation import Nation
from tests.attack.naughty import ALL, MARK
from tests.registry.web.visitors import token_of

pytestmark = pytest.mark.slow

EACH = int(os.environ.get("HAT_FUZZ_FORMS", "8"))
"""Tries for each kind of form."""
PAGES = 150
STARTS = ("/", "/trust", "/trust/cases", "/trust/users", "/trust/trail", "/team", "/moderation", "/office", "/admin", "/account",
          "/notices", "/figures", "/learning", "/data", "/evaluation")  # fmt: skip
WALKERS = (
    "rjz.lead",
    "rjz.nurse",
    "analyst.one",
    "national.lead",
    "moderator",
    "registry.office",
    "administrator",
    "stranger",
)


def changed(form: Form, chance: random.Random) -> Iterator[tuple[str, str]]:
    """The form's fields with one to three of them touched."""
    names = [name for name, _ in form.fields if name != "form_token"]
    touched = set(chance.sample(names, min(len(names), chance.randint(1, 3))))
    for name, value in form.fields:
        if name not in touched:
            yield name, value
            continue
        for _ in range(chance.choices((0, 1, 2), (2, 8, 1))[0]):
            yield name, chance.choice(ALL)
    if chance.random() < 0.1:
        yield chance.choice(ALL) or "x", chance.choice(ALL)


@pytest.mark.parametrize("name", WALKERS)
def test_no_form_breaks(nation: Nation, name: str) -> None:
    browser, chance = nation.browser(name), random.Random(f"1 {name}")
    app: FastAPI = browser.app  # type: ignore[assignment] # which the client calls ASGIApp
    _, forms = crawl(browser, STARTS, pages=PAGES)
    assert forms
    broken, untold = [], []
    for form in forms:
        token = token_of(browser.get(form.page))
        for _ in range(EACH):
            fields: dict[str, list[str]] = {}
            for field, value in changed(form, chance):
                fields.setdefault(field, []).append(value)
            fields["form_token"] = [token]
            files = (
                {form.file: (chance.choice(ALL), chance.choice(ALL).encode("utf-8", "surrogatepass"))}
                if form.file
                else None
            )
            answer = browser.post(form.action, data=fields, files=files)
            if said := trail.wrong(app, nation.admin, answer):
                untold.append((said, form.action))
            if answer.status_code >= 500:
                broken.append((form.action, answer.status_code, {k: v for k, v in fields.items() if k != "form_token"}))
            elif answer.status_code >= 400 and answer.headers["content-type"].startswith("application/problem"):
                assert MARK not in answer.text, form.action
    assert not broken, broken
    assert not untold, untold
