"""The list of submissions by kind and state, and how far one is while it waits."""

import io
import re
from datetime import UTC, datetime
from uuid import UUID

import openpyxl
import pytest
from starlette.testclient import TestClient

from registry import submissions
from registry.access import Role
from registry.settings import Secrets, Settings
from registry.store import Store, progress
from registry.submissions import Door
from schemas.codes import MainSpecialty
from tests.make import cases, csv_bytes, valid_activity
from tests.registry.submissions.make import send
from tests.registry.web.programs import screened
from tests.registry.web.test_trust import press, rehearsed, upload
from tests.registry.web.visitors import House, house, token_of, words_of

LINKS = r'href="(/trust/submissions/[0-9a-f-]+)"'


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    made = house(settings, store)
    screened(made)
    return made


@pytest.fixture
def nurse(full: House) -> TestClient:
    return full.signed_in(full.person("nurse", (Role.VTE_NURSE, "RRV")))


def test_the_list_is_narrowed_by_kind_and_state(nurse: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry.web.trust import submissions as pages

    page = rehearsed(nurse, csv_bytes(cases(2)))
    press(nurse, page, f"{page.url.path}/store")
    for month in ("2025-07", "2025-08"):
        upload(nurse, csv_bytes([valid_activity(month=month)]), kind="activity")
    monkeypatch.setattr(pages, "PAGE", 1)

    def found(query: str) -> int:
        return len(re.findall(LINKS, nurse.get(f"/trust/submissions{query}").text))

    assert (found("?kind=case&state=accepted"), found("?kind=rca"), found("?state=rehearsed")) == (1, 0, 1)
    activity = nurse.get("/trust/submissions?kind=activity")
    older = re.search(r'href="(/trust/submissions\?kind=activity&amp;before=[^"]+)"', activity.text)
    assert older is not None
    rest = nurse.get(older[1].replace("&amp;", "&"))
    assert (len(re.findall(LINKS, rest.text)), "before=" in rest.text) == (1, False)
    assert "Nothing that was sent is of this kind" in words_of(nurse.get("/trust/submissions?kind=rca"))
    assert nurse.get("/trust/submissions?kind=nonsense").status_code == 404


def test_how_far_a_waiting_file_is_is_told_to_the_script(full: House) -> None:
    limited = House(full.settings.model_copy(update={"small_rows": 1}), full.store, full.ids)
    nurse = limited.signed_in(limited.person("slow", (Role.VTE_NURSE, "RRV")))
    path = rehearsed(nurse, csv_bytes(cases(3))).url.path
    assert nurse.get(f"{path}/progress").json()["words"] == "It waits for its turn."
    progress.tell(full.store, tenant=full.ids["RRV"], submission=_id(path), stage="try 1", done=1, total=3)
    told = nurse.get(f"{path}/progress").json()
    assert told == {"waiting": True, "words": "1 of 3 rows are checked.", "done": 1, "total": 3}
    assert f'data-progress="{path}/progress"' in nurse.get(path).text
    keys = Secrets.load(full.settings.secrets_dir, ["master", "match"])
    submissions.work_waiting(full.store, keys, full.settings, datetime.now(UTC))
    assert nurse.get(f"{path}/progress").json()["waiting"] is False
    other = full.signed_in(full.person("other", (Role.TRUST_LEAD, "RH5")))
    assert other.get(f"{path}/progress").status_code == 404


def test_all_answers_of_a_long_list_are_a_press_away_and_no_value_is_told(nurse: TestClient) -> None:
    page = rehearsed(nurse, csv_bytes([row | {"main_specialty": "Canary 7Q", "sex": "Canary 7Q"} for row in cases(2)]))
    said = words_of(page)
    assert "All 35 answers for main_specialty" in said
    assert all(f"{code.words} ({code.value})" in said for code in MainSpecialty)
    assert "answers for sex" not in said
    assert "Canary" not in page.text
    sheet = openpyxl.load_workbook(io.BytesIO(nurse.get(f"{page.url.path}/annotated.xlsx").content))["Answers"]
    assert sheet.max_row == 1 + len(MainSpecialty)


# --- what changes


def test_which_records_change_is_listed_on_pages(nurse: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry.web.trust import changes as pages

    monkeypatch.setattr(pages, "PAGE", 2)
    first = rehearsed(nurse, csv_bytes(cases(4)))
    assert "September 2025 New 4" in words_of(first)
    press(nurse, first, f"{first.url.path}/store")
    rows = [row | {"sex": "male", "ward": "SECRET"} for row in cases(4)]
    rows[3] = cases(4)[3] | {"withdraw_reason": "duplicate"}
    page = rehearsed(nurse, csv_bytes(rows))
    assert f'href="{page.url.path}/changes"' in page.text
    assert re.search(r"September 2025 .* -1", words_of(page))
    listed = nurse.get(f"{page.url.path}/changes")
    words = words_of(listed)
    for said in ("Which records would change", "4 records", "HAT-000000", "Sex; Ward", "Page 2 of 2"):
        assert said in words, said
    second = words_of(nurse.get(f"{page.url.path}/changes?page=2"))
    assert "Withdraw this case because" in second
    assert "SECRET" not in words + second
    assert nurse.get(f"{page.url.path}/changes?page=3").status_code == 404
    assert "changed no record" in words_of(nurse.get(f"{first.url.path}/changes")).replace("would change", "changed")


def test_what_was_corrected_online_stays_unless_the_person_says_otherwise(full: House, nurse: TestClient) -> None:
    trust = full.ids["RRV"]
    send(full.store, full.settings, trust, cases(3))
    send(full.store, full.settings, trust, [cases(1)[0] | {"sex": "male"}], door=Door.FORM)
    page = rehearsed(nurse, csv_bytes(cases(3)))
    words = words_of(page)
    for said in ("1 cell of this file says otherwise", "Row 2: Sex", "Unchanged 3"):
        assert said in words, said
    again = nurse.get(press(nurse, page, f"{page.url.path}/overwrite").headers["location"])
    assert "Changed 1" in words_of(again)
    assert "is overwritten where this file says otherwise" in words_of(again)
    assert "Check again, to overwrite" not in words_of(again)
    receipt = nurse.get(press(nurse, again, f"{again.url.path}/store").headers["location"])
    assert "1 changed" in words_of(receipt)
    same = press(nurse, page, f"{page.url.path}/overwrite")
    assert same.headers["location"] == again.url.path


def test_the_person_may_say_so_with_the_file(full: House, nurse: TestClient) -> None:
    trust = full.ids["RRV"]
    send(full.store, full.settings, trust, cases(1))
    send(full.store, full.settings, trust, [cases(1)[0] | {"sex": "male"}], door=Door.FORM)
    same = {"once": "0" * 32}
    assert "Unchanged 1" in words_of(rehearsed(nurse, csv_bytes(cases(1)), **same))
    assert "Changed 1" in words_of(rehearsed(nurse, csv_bytes(cases(1)), overwrite_online="true", **same))


def test_another_trusts_changes_are_as_absent(full: House, nurse: TestClient) -> None:
    other = full.signed_in(full.person("other", (Role.TRUST_LEAD, "RH5")))
    theirs = rehearsed(other, csv_bytes(cases(2))).url.path
    assert nurse.get(f"{theirs}/changes").status_code == 404
    token = {"form_token": token_of(nurse.get("/trust"))}
    assert nurse.post(f"{theirs}/overwrite", data=token).status_code == 404


def _id(path: str) -> UUID:
    return UUID(path.rsplit("/", 1)[1])
