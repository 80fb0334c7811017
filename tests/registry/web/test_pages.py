import re

import pytest
from starlette.testclient import TestClient

from registry.access import ANYBODY, Right
from registry.web import pages
from tests.registry.web.small import NURSE, client


@pytest.fixture(scope="module")
def http() -> TestClient:
    return client()


def test_values_are_escaped(http: TestClient) -> None:
    text = http.get("/page").text
    assert "&lt;script&gt;window.xss=1" in text
    assert "A. &lt;i&gt;Nurse&lt;/i&gt;" in text


def test_a_page_has_its_frame(http: TestClient) -> None:
    text = http.get("/page").text
    assert "<title>A page – HAT registry</title>" in text
    assert 'href="#maincontent"' in text
    assert 'id="maincontent"' in text
    assert "This is a demonstration with synthetic data" in text
    for link in pages.FOOTER:
        assert f'href="{link.href}"' in text


def test_signing_out_is_offered_to_whoever_is_signed_in_and_signing_in_to_others(http: TestClient) -> None:
    assert 'action="/sign-out" method="post"' in http.get("/page").text
    assert "Sign out" not in http.get("/public").text
    assert 'href="/sign-in"' in http.get("/public").text


def test_the_frame_claims_no_nhs_identity(http: TestClient) -> None:
    text = http.get("/page").text
    assert "NHS England" not in text
    assert "<title>NHS" not in text
    assert "nhsuk-header__logo" not in text


def test_no_template_has_inline_script_or_style_or_unescaped_values() -> None:
    for path in pages.TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", text), path.name
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), path.name
        assert not re.search(r"\|\s*safe\b", text), path.name


def test_every_form_in_a_template_that_changes_something_has_its_token() -> None:
    for path in pages.TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert len(re.findall(r'method="post"', text)) == text.count("token_field()"), path.name


def test_style_sheets_reach_nothing_outside() -> None:
    for path in pages.STATIC.rglob("*.css"):
        text = path.read_text()
        assert "@font-face" not in text
        assert "@import" not in text
        assert "sourceMappingURL" not in text
        for target in re.findall(r"url\(([^)]*)\)", text):
            assert (path.parent / target).is_file()


def test_the_address_of_an_asset_changes_with_its_content() -> None:
    assert re.fullmatch(r"/static/site\.css\?v=[0-9a-f]{12}", pages.asset("site.css"))
    with pytest.raises(FileNotFoundError):
        pages.asset("no-such.css")


def test_links_by_right_and_the_page_one_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = (
        ("Figures", "/figures", None),
        ("Upload", "/upload", Right.SUBMIT),
        ("Users", "/users", Right.MANAGE_PEOPLE),
    )
    monkeypatch.setattr(pages, "NAVIGATION", entries)
    assert [link.words for link in pages.links(ANYBODY, "/")] == ["Figures"]
    assert [link.words for link in pages.links(NURSE, "/")] == ["Figures", "Upload"]
    assert [link.current for link in pages.links(NURSE, "/upload/7")] == ["", "true"]
    assert [link.current for link in pages.links(NURSE, "/figures")] == ["page", ""]


def test_the_librarys_macros_are_at_hand() -> None:
    template = pages.environment().from_string(
        "{% from 'partials/fields.html' import file_field, error_summary with context %}"
        "{{ error_summary([{'words': 'Choose <a> file', 'field': 'file'}]) }}"
        "{{ file_field('file', 'File', hint='CSV', error='Choose a file', accept='.csv') }}"
        "{{ nhsuk.summaryList({'rows': [{'key': {'text': 'Sent'}, 'value': {'text': '<b>'}}]}) }}"
    )
    text = template.render()
    assert 'href="#file"' in text
    assert "Choose &lt;a&gt; file" in text
    assert 'aria-describedby="file-hint file-error"' in text
    assert "&lt;b&gt;" in text
    assert 'data-module="nhsuk-file-upload"' not in text
