"""PDFs read back."""

import io
import os
from ctypes.util import find_library

import pypdf
import pytest

MISSING = "not run: apt-get install libpangoft2-1.0-0 fonts-liberation"


def needs_pango() -> None:
    """Skip where the system's library for fonts is missing; in CI fail."""
    if find_library("pangoft2-1.0") is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)


def read(content: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(content))


def words_of_pdf(content: bytes) -> str:
    """All that can be read, on one line."""
    return " ".join(" ".join(each.extract_text() for each in read(content).pages).split())
