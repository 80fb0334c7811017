"""PDFs of pages: readable text, tags for screen readers, the same bytes again, and nothing fetched from anywhere."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.web.pages import asset
from registry.web.print_out import pdf
from tests.registry.web.paper import needs_pango, read, words_of_pdf

PAGE = """<!DOCTYPE html><html lang="en"><head><title>Pack</title>{head}</head>
<body><main><h1>Committee pack</h1><p>There were 12 cases.</p>{more}</main></body></html>"""


def page(head: str = "", more: str = "") -> str:
    return PAGE.format(head=head, more=more)


@pytest.fixture(autouse=True)
def pango() -> None:
    needs_pango()


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """A server that nobody should ask, and what it was asked."""
    asked: list[str] = []

    class Listening(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the library)
            """Nothing is written to the test's output."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listening)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_a_page_becomes_a_tagged_pdf_with_its_words_of_pdf() -> None:
    made = pdf(page())
    assert made.startswith(b"%PDF")
    assert "Committee pack There were 12 cases." in words_of_pdf(made)
    root = read(made).root_object
    assert str(root["/MarkInfo"]) == "{'/Marked': True}"
    assert str(root["/Lang"]) == "en"


def test_the_same_page_gives_the_same_bytes() -> None:
    assert pdf(page()) == pdf(page())


def test_our_own_style_sheet_is_used() -> None:
    link = f'<link rel="stylesheet" href="{asset("print.css")}">'
    assert "Page 1 of 1" in words_of_pdf(pdf(page(link)))
    assert "Page 1 of 1" not in words_of_pdf(pdf(page()))


def test_nothing_is_fetched_from_elsewhere(elsewhere: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = elsewhere
    secret = tmp_path / "secret.svg"
    secret.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text y="10">hidden words</text></svg>')
    pictures = "".join(
        f'<img alt="p" src="{url}">'
        for url in (f"{address}/a.png", secret.as_uri(), "/static/../templates/base.html", "/etc/hostname", "data:,x")
    )
    made = pdf(page(f'<link rel="stylesheet" href="{address}/a.css">', pictures))
    assert asked == []
    assert "hidden words" not in words_of_pdf(made)
    assert "There were 12 cases." in words_of_pdf(made)
