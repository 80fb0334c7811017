"""How well an organisation's cases are looked for, as far as its returns tell: what has to stand beside every rate.

Sources: counting.md 4.6, statistics.md 5.3. It can be assessed with two sources of cases in the profile of the year, or where coded candidates
are counted; otherwise it "cannot be assessed", which is neither good nor bad. Nothing here estimates how many cases there are: candidates
come as a number, not linked case by case to the reports, and a case names one source only, so what two sources share is not known and
Chapman's estimate would be made up. It stands in `registry.statistics.ascertainment.two_sources`, for counts that somebody has linked.
"""

from dataclasses import dataclass
from enum import StrEnum

from registry.settings import CountingRules

CANNOT = "cannot be assessed"


class Basis(StrEnum):
    """By what ascertainment can be assessed."""

    SOURCES = "sources"
    CODED = "coded candidates"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Ascertained:
    """`coded_share`: cases reported for every coded candidate of the months in which these were counted. It is no share of a whole: a case
    may be reported that no code shows, so it may exceed 1."""

    basis: Basis
    words: str
    sources: int | None = None
    coded_months: int = 0
    coded_share: float | None = None

    @property
    def assessable(self) -> bool:
        return self.basis is not Basis.NONE


def ascertained(
    sources: int | None,
    *,
    coded_months: int = 0,
    months: int = 12,
    cases: int = 0,
    candidates: int = 0,
    needed: int = CountingRules().ascertainment_sources_needed,
) -> Ascertained:
    """What the returns of one organisation and period tell.

    `sources`: how many the profile of the year names, `None` without one. Candidates count where they were returned for every one of the
    `months`; `cases` are those reported in the same months.
    """
    coded = months > 0 and coded_months >= months
    share = cases / candidates if coded and candidates else None
    if sources is not None and sources >= needed:
        said = f"cases are found from {sources} sources"
        return Ascertained(Basis.SOURCES, _with_share(said, share), sources, coded_months, share)
    if coded:
        said = _with_share("coded candidates are counted every month", share)
        return Ascertained(Basis.CODED, said, sources, coded_months, share)
    named = "no source of cases is named" if not sources else "one source of cases is named"
    if sources is not None and sources > 1:
        named = f"only {sources} sources of cases are named"
    counted = f", coded candidates in {coded_months} of {months} months" if coded_months else ""
    return Ascertained(Basis.NONE, f"{CANNOT}: {named}{counted}", sources, coded_months)


def _with_share(said: str, share: float | None) -> str:
    return said if share is None else f"{said}; {share:.2f} cases reported for each coded candidate"


def together(parts: list[Ascertained]) -> str:
    """Of several organisations as one: for how many of them it can be assessed."""
    if not parts:
        return CANNOT
    number = sum(part.assessable for part in parts)
    return f"can be assessed for {number} of {len(parts)}" if number else f"{CANNOT} for any of {len(parts)}"
