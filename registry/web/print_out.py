"""Pages for paper: one template gives the page that a browser prints and, by WeasyPrint, the same as a PDF.

A template for paper extends `print/page.html`. The PDF is tagged (PDF/UA) and made of the page alone: nothing is fetched but this
service's own static files, nothing is stored, and the same page gives the same bytes.
"""

import logging
from functools import cache
from pathlib import PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse, Response

from registry.errors import Unavailable
from registry.web.pages import STATIC, environment

if TYPE_CHECKING:
    from weasyprint.urls import URLFetcher

PDF = "application/pdf"
HERE = "https://here.invalid/"
"""The address that a page is taken to be at: nothing is fetched from any other, and from this one without a network."""
MISSING = (
    "This server cannot make PDFs: the library Pango is not installed on it. Print the page from your browser instead, and tell "
    "the operators."
)

_ONE_AT_A_TIME = Lock()
"""Fonts and memory: a PDF takes a fraction of a second and tens of megabytes."""


def pdf(html: str) -> bytes:
    """A whole HTML page, as a template made it, as a PDF. Raises Unavailable where the system's library for fonts is missing.

    Links to static files of this service (style sheets, pictures) are followed, all others are left out.
    """
    fetcher = _fetcher()
    from weasyprint import HTML

    with _ONE_AT_A_TIME:
        written: bytes = HTML(string=html, base_url=HERE, url_fetcher=fetcher).write_pdf(pdf_variant="pdf/ua-1")
    return written


def page(template: str, **words: object) -> Response:
    """A page for paper to look at and to print from the browser; `back_href` and `pdf_href` are the links above it.

    It has no head and no menu, so nothing is counted for them.
    """
    return HTMLResponse(text_of(template, **words), headers={"Cache-Control": "no-store"})


def pdf_page(template: str, name: str, **words: object) -> Response:
    """A page for paper as a PDF to keep; `name` is ours, without the ending. Raises Unavailable as `pdf`.

    The words hold `demonstration`, as the settings have it; `page` takes the same.
    """
    content = pdf(text_of(template, **words))
    headers = {"Content-Disposition": f'attachment; filename="{name}.pdf"', "Cache-Control": "no-store"}
    return Response(content, media_type=PDF, headers=headers)


def text_of(template: str, **words: object) -> str:
    """The HTML of a page for paper without a request: nobody is signed in on paper."""
    return environment().get_template(template).render({"service": "HAT registry"} | words)


@cache
def _fetcher() -> "URLFetcher":
    """WeasyPrint, loaded when the first PDF is asked for, and told where it may look."""
    try:
        from weasyprint.urls import URLFetcher, URLFetcherResponse
    except OSError:
        raise Unavailable(MISSING) from None
    # What it says of a page's style may quote the page.
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)

    class OwnFiles(URLFetcher):  # type: ignore[misc] # the library ships no types
        """Static files of this service and nothing else."""

        def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:  # noqa: ARG002 (the library's)
            place = urlsplit(url)
            path = (STATIC / PurePosixPath(place.path).relative_to("/static")).resolve()
            if not url.startswith(HERE) or not path.is_relative_to(STATIC.resolve()):
                raise ValueError("only static files of this service are fetched")
            kind = {".css": "text/css", ".svg": "image/svg+xml"}[path.suffix]
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": kind})

    return OwnFiles()
