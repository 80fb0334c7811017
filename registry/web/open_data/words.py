"""The tables of the publication grid as people call them."""

from registry.publications.comparing import Revision

GEOGRAPHY = {"trust": "Trusts", "region": "Regions", "independent_sector": "Independent sector"}
PERIOD = {"month": "by month", "financial_year": "by financial year"}
QUANTITY = {"hat_cases": "cases", "admissions": "admissions"}


def table_words(revision: Revision) -> str:
    """Which table of the grid: `Trusts by financial year: cases by VTE type`."""
    place = GEOGRAPHY.get(revision.geography_kind, revision.geography_kind)
    counted = QUANTITY.get(revision.quantity, revision.quantity)
    split = "" if revision.split == "total" else f" by {split_words(revision.split)}"
    return f"{place} {PERIOD.get(revision.period_kind, revision.period_kind)}: {counted}{split}"


def split_words(split: str) -> str:
    return {"vte_type": "VTE type"}.get(split, split.replace("_", " "))
