"""Two languages: no text of a public page escapes the translators, and no page says that it is in a language in which it is not."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import nodes
from starlette.testclient import TestClient

from registry.app import create_app
from registry.settings import Settings
from registry.store import Store
from registry.web.languages import Language, catalogue, english, frame_words, in_language, language_of, said, speaking
from registry.web.pages import TEMPLATES, environment
from registry.web.texts import messages, pages, translatable
from tests.registry.web.visitors import words_of
from tests.registry.web.welsh import all_translated, check_welsh

HOLE = "\x00"
SPOKEN = ("alt", "aria-label", "placeholder", "title")
NO_WORDS = re.compile(r"[^A-Za-z]*")
WORDS = re.compile(r"^[A-Z][a-z]|[a-z],? [a-z]{2,}")
NOT_SAID = re.compile(r"^ ?(nhsuk|hat)-|%[BY]")


def test_the_check_finds_a_text_that_is_no_message() -> None:
    assert literal("<p>Hello</p>") == ["Hello"]
    assert literal('<p aria-label="Say {{ x }}">{% trans %}Fine{% endtrans %}</p>') == ["Say"]
    assert literal("<p>{# note #}{{ x }} – {% if y %}12{% endif %}</p>") == []
    assert constants('{{ nhsuk.button({"text": "Show this area"}) }}') == ["Show this area"]
    assert constants('{{ nhsuk.button({"text": _("Show this area")}) }}') == []


def literal(source: str) -> list[str]:
    """Texts and spoken attributes of a template that stand outside every message."""
    source = re.sub(r"{#.*?#}", "", source, flags=re.DOTALL)
    source = re.sub(r"{%-?\s*trans\b.*?endtrans\s*-?%}", HOLE, source, flags=re.DOTALL)
    source = re.sub(r"<(/?)h{{.*?}}", r"<\1h2", source)
    source = re.sub(r"{{.*?\s}}|{%.*?%}", HOLE, source, flags=re.DOTALL)
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            found.append(data)

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(value or "" for name, value in attrs if name in SPOKEN)

    Reader().feed(source)
    return [words for each in found if not NO_WORDS.fullmatch(words := each.replace(HOLE, "").strip())]


def constants(source: str) -> list[str]:
    """Words in the expressions of a template that are given to no message function and compared with nothing."""
    tree = environment().parse(source)
    apart = {
        id(const)
        for kind in (nodes.Compare, nodes.Test)
        for node in tree.find_all(kind)
        for const in node.find_all(nodes.Const)
    }
    apart |= {
        id(const)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name)
        and call.node.name in ("_", "gettext", "ngettext", "frame_words", "frame_plain")
        for const in call.find_all(nodes.Const)
    }
    values = [const.value for const in tree.find_all(nodes.Const) if id(const) not in apart]
    return [value for value in values if isinstance(value, str) and WORDS.search(value) and not NOT_SAID.search(value)]


@pytest.mark.parametrize("name", translatable())
def test_no_text_of_a_public_template_escapes_the_translators(name: str) -> None:
    source = (TEMPLATES / name).read_text("utf-8")
    assert literal(source) == []
    assert constants(source) == []


def test_the_catalogue_holds_every_text_and_no_other() -> None:
    """`python -m registry.web.texts` brings it up to date."""
    listed = re.findall(
        r'^msgid (".*(?:\n".*)*)', (TEMPLATES.parent / "catalogues" / "cy.po").read_text(), re.MULTILINE
    )
    ids = {"".join(re.findall(r'"(.*)"', each)).replace('\\"', '"') for each in listed} - {""}
    assert ids == set(messages())
    assert set(catalogue(Language.WELSH)) <= set(messages())


def test_what_is_translated_keeps_its_holes() -> None:
    for words, welsh in catalogue(Language.WELSH).items():
        assert sorted(re.findall(r"%\(\w+\)s", words)) == sorted(re.findall(r"%\(\w+\)s", welsh))


@pytest.mark.parametrize(
    ("path", "welsh"),
    [
        ("/", "/cy"),
        ("/figures", "/cy/figures"),
        ("/figures/trusts/RA1", "/cy/figures/trusts/RA1"),
        ("/cymru", "/cy/cymru"),
    ],
)
def test_an_address_has_its_like_in_the_other_language(path: str, welsh: str) -> None:
    assert (language_of(path), language_of(welsh)) == (Language.ENGLISH, Language.WELSH)
    assert in_language(path, Language.WELSH) == welsh
    assert in_language(welsh, Language.ENGLISH) == path
    assert in_language(welsh, Language.WELSH) == welsh


def test_a_word_without_translation_is_said_in_english_and_marked_so() -> None:
    assert frame_words("Menu", Language.WELSH) == "Dewislen"
    assert frame_words("No such word", Language.WELSH) == '<span lang="en">No such word</span>'
    with speaking(Language.WELSH):
        assert said("Menu") == "Dewislen"
        assert said("No such word") == "No such word"
        assert english("2 < 3") == '<span lang="en">2 &lt; 3</span>'
    assert english("2 < 3") == "2 < 3"


@pytest.fixture
def http(settings: Settings, store: Store) -> TestClient:
    reader = Store.from_settings(settings, roles=["hat_reader"])
    return TestClient(create_app(settings, reader), base_url=settings.base_url, follow_redirects=False)


PAGES = (
    "", "/figures", "/figures/hat-rate", "/figures/trusts", "/about/data", "/about/patients", "/accessibility", "/learning",
    "/learning/subscribe", "/learning/summaries", "/evaluation", "/evaluation/counts", "/evaluation/series", "/evaluation/sources",
    "/data",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_a_page_that_is_not_translated_is_english_below_cy_and_says_so(http: TestClient, path: str) -> None:
    answer = http.get(f"/cy{path}")
    assert answer.status_code == 200
    assert '<html lang="cy">' in answer.text
    assert "Dewislen" in answer.text
    assert re.search(r'<div class="nhsuk-width-container" lang="en">', answer.text)
    assert "Nid yw'r dudalen hon ar gael yn Gymraeg eto." in words_of(answer)
    assert f'href="{path or "/"}" hreflang="en" lang="en"' in answer.text
    plain = http.get(path or "/")
    assert '<html lang="en">' in plain.text
    assert f'href="/cy{path}" hreflang="cy" lang="cy"' in plain.text
    assert "Gymraeg" not in plain.text


@pytest.fixture
def translated(tmp_path: Path) -> Iterator[None]:
    with all_translated(tmp_path):
        yield


@pytest.mark.usefixtures("translated")
def test_a_page_that_is_translated_is_welsh_as_a_whole(http: TestClient) -> None:
    for path in PAGES:
        check_welsh(http.get(f"/cy{path}"))
    counts = {
        "before_events": "217",
        "before_population": "103845",
        "after_events": "176",
        "after_population": "119128",
    }
    shares = {"before_part": "50", "before_investigated": "217", "after_part": "7", "after_investigated": "176"}
    check_welsh(
        http.post(
            "/cy/evaluation/counts",
            data=counts | shares | {"claim_ratio": "0.88", "claim_lower": "0.77"} | {"claim_upper": "1"},
        )
    )
    check_welsh(http.post("/cy/evaluation/sources", data={"first": "90", "second": "80", "both": "60"}))
    series = "\n".join(f"{2022 + at // 12}-{at % 12 + 1:02d},{20 + at % 3},10000" for at in range(48))
    check_welsh(http.post("/cy/evaluation/series", data={"series": series, "change": "2024-01"}))


@pytest.mark.usefixtures("translated")
def test_a_fault_in_a_welsh_form_is_told_in_english_and_marked_so(http: TestClient) -> None:
    refused = http.post("/cy/evaluation/sources", data={"first": "x", "second": "80", "both": "60"})
    assert refused.status_code == 422
    assert "¤There is a problem" in refused.text
    assert refused.text.count('<span lang="en">Cases in the first source: write a whole number</span>') == 2


def test_every_public_template_is_there() -> None:
    assert set(pages()) <= set(translatable())
    assert "base.html" not in translatable()


def test_a_link_on_a_welsh_page_stays_on_welsh_pages(http: TestClient) -> None:
    page = http.get("/cy").text
    inside = re.findall(r'href="(/(?:figures|about|accessibility|learning|evaluation|data)[^"]*)"', page)
    assert inside == []
    assert 'href="/cy/about/patients"' in page


def test_what_senders_read_has_no_other_language(http: TestClient) -> None:
    assert "hreflang" not in http.get("/fhir").text
    assert http.get("/cy/fhir").status_code == 404
