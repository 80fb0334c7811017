"""The reference rates of case mix: those of all trusts and health boards of a financial year, frozen for good by a named person.

They are national counts; what they expect of each organisation is written beside its own by the worker, so that a trust reads its own
without reading the nation's.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, insert, select, text, update

from registry.access import Actor, Kind, Right
from registry.errors import Conflict, Forbidden
from registry.publications.case_mix import MONTHS, Key, Mix, Year, read, standardised, years
from registry.store import SYSTEM_TENANT, audit
from registry.store.outliers import reference, reference_rate, trust_year
from registry.store.tables import trust_month

REFERENCE_LOCK = 0x4841_5403
REFERENCE_COLUMNS = (
    "year", "trusts", "trusts_with_strata", "cases", "admissions", "data_hash", "code_version", "frozen_by_name", "frozen_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reference:
    """The frozen rates of a year: cases and overnight admissions by stratum, those with `all` by group alone."""

    year: date
    trusts: int
    trusts_with_strata: int
    cases: int
    admissions: int
    data_hash: str
    code_version: str
    frozen_by_name: str
    frozen_at: datetime
    rates: Mapping[Key, tuple[int, int]]

    @property
    def rate(self) -> float:
        """Cases per 1,000 overnight admissions over all."""
        return 1000 * self.cases / self.admissions if self.admissions else 0.0


def reference_of(connection: Connection, year: date) -> Reference | None:
    """The reference that is frozen of a year, or `None`."""
    row = connection.execute(select(reference).where(reference.c.year == year)).one_or_none()
    if row is None:
        return None
    c = reference_rate.c
    rates = {
        (one.age_band, one.sex, one.admission_group): (one.cases, one.admissions)
        for one in connection.execute(
            select(c.age_band, c.sex, c.admission_group, c.cases, c.admissions).where(c.year == year)
        )
    }
    return Reference(**{name: row._mapping[name] for name in REFERENCE_COLUMNS}, rates=rates)


def before(year: date) -> date:
    """The financial year before."""
    return date(year.year - 1, 4, 1)


def open_months(connection: Connection, year: date) -> int:
    """How many months of a year may still change, those to come included: nothing is frozen or judged before it is none."""
    end = date(year.year + 1, 4, 1)
    c = trust_month.c
    inside = (c.month >= year, c.month < end)
    open_still = connection.scalar(select(func.count(c.month.distinct())).where(*inside, c.provisional)) or 0
    ended = connection.scalar(select(func.count(c.month.distinct())).where(*inside)) or 0
    return open_still + MONTHS - ended


def freeze(connection: Connection, year: date, *, by: Actor, at: datetime, code_version: str) -> Reference:
    """Freeze the rates of a year, for good. Raises Conflict where it is frozen already or not yet final, Forbidden for a program."""
    if by.kind is not Kind.PERSON or not by.may(Right.CHECK_OUTLIERS):
        raise Forbidden("A reference is frozen by a national analyst, signed in.")
    connection.execute(select(func.pg_advisory_xact_lock(REFERENCE_LOCK)))
    if reference_of(connection, year) is not None:
        raise Conflict("The reference of this year is frozen already. It never changes.")
    if open_months(connection, year):
        raise Conflict("Some months of this year may still change. Its rates can be frozen once all are final.")
    counted = [one for one in read(connection, year) if one.months]
    rates = summed(counted)
    if not counted or not rates:
        raise Conflict("Nothing is counted of this year.")
    connection.execute(
        insert(reference).values(
            year=year,
            trusts=len(counted),
            trusts_with_strata=sum(not one.strata_why for one in counted),
            cases=sum(one.cases for one in counted),
            admissions=sum(one.admissions for one in counted),
            data_hash=digest(counted),
            code_version=code_version,
            frozen_by=by.label,
            frozen_by_name=by.name,
            frozen_at=at,
        )
    )
    columns = ("age_band", "sex", "admission_group")
    connection.execute(
        insert(reference_rate),
        [
            dict(zip(columns, key, strict=True)) | {"year": year, "cases": cases, "admissions": people}
            for key, (cases, people) in rates.items()
        ],
    )
    audit.record(
        connection, tenant=SYSTEM_TENANT, actor=by.label, role=by.role, action="reference frozen", object_type="reference",
        object_id=year.isoformat(), detail={"trusts": len(counted)},
    )  # fmt: skip
    frozen = reference_of(connection, year)
    assert frozen is not None
    return frozen


def summed(counted: Iterable[Year]) -> dict[Key, tuple[int, int]]:
    """Cases and admissions of all by stratum: by group of everybody, by age, sex and group of those whose strata are used."""
    found: defaultdict[Key, list[int]] = defaultdict(lambda: [0, 0])
    for one in counted:
        used = {**one.groups, **({} if one.strata_why else one.strata)}
        for key, stratum in used.items():
            found[key][0] += stratum.cases
            found[key][1] += stratum.admissions or 0
    return {key: (cases, people) for key, (cases, people) in sorted(found.items())}


def digest(counted: Iterable[Year]) -> str:
    """SHA-256 of all counts of these years, so that the same counts can be recognised."""
    content = [
        [
            one.organisation.id, one.year.isoformat(), one.months, one.cases, one.admissions, one.strata_admissions, one.sources,
            one.coded_months, one.coded_candidates, one.coded_cases,
            sorted([*key, stratum.cases, stratum.admissions] for key, stratum in {**one.strata, **one.groups}.items()),
        ]
        for one in sorted(counted, key=lambda each: each.organisation.id)
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def write_expected(connection: Connection) -> int:
    """Write beside the counts of each year what the frozen reference of the year before expects; gives for how many organisations.

    Under `hat_jobs`, so that a trust reads its own without reading the nation's counts.
    """
    written = 0
    for year in years(connection):
        frozen = reference_of(connection, before(year))
        if frozen is None:
            continue
        found = [standardised(one, frozen.rates) for one in read(connection, year)]
        _write_years(connection, [one for one in found if one.expected is not None], frozen.year)
        written += sum(one.expected is not None for one in found)
    return written


_STRATUM_EXPECTED = text(
    """
    update figures.stratum_count s set expected = u.expected
      from unnest(cast(:who as integer[]), cast(:age_band as text[]), cast(:sex as text[]), cast(:admission_group as text[]),
                  cast(:expected as double precision[])) as u (who, age_band, sex, admission_group, expected)
     where s.organisation_id = u.who and s.year = :year and s.age_band = u.age_band and s.sex = u.sex
       and s.admission_group = u.admission_group
    """
)


def _write_years(connection: Connection, found: list[Mix], frozen: date) -> None:
    """One statement for all strata of a year, however many."""
    for one in found:
        connection.execute(
            update(trust_year)
            .where(trust_year.c.organisation_id == one.year.organisation.id, trust_year.c.year == one.year.year)
            .values(reference_year=frozen, basis=one.basis, expected=one.expected)
        )
    strata = [(one.year.organisation.id, *key, each) for one in found for key, each in one.by_stratum.items()]
    if strata:
        names = ("who", "age_band", "sex", "admission_group", "expected")
        columns = {name: list(column) for name, column in zip(names, zip(*strata, strict=True), strict=True)}
        connection.execute(_STRATUM_EXPECTED, columns | {"year": found[0].year.year})
