"""The readers of official files, on small files of the official layouts (numbers invented) and on the register's own."""

import io
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import reference
from registry.official import (
    Fault,
    Organisation,
    RiskAssessment,
    Severity,
    Succession,
    read_ods,
    read_organisations,
    read_risk_assessments,
    read_successions,
)
from registry.official.files import LARGEST, LARGEST_UNPACKED, read_date
from registry.official.ods import proper_name
from registry.official.risk_assessment import percent_agrees, read_month, read_number

EXAMPLES = Path(__file__).parent / "examples"
REGISTER = Path(reference.__file__).parent / "organisations.csv"


def example(name: str) -> bytes:
    return (EXAMPLES / name).read_bytes()


def said(faults: tuple[Fault, ...], severity: Severity = Severity.ERROR) -> list[tuple[int | None, str]]:
    return [(fault.line, fault.words) for fault in faults if fault.severity is severity]


# the register's own layout


def test_the_register_that_comes_with_the_package_reads_without_a_fault() -> None:
    organisations, faults = read_organisations(REGISTER.read_bytes())
    assert faults == ()
    assert len(organisations) == 143
    assert {o.code: (o.closed_on, o.successor) for o in organisations if o.closed_on} == {
        "RA4": (date(2023, 3, 31), "RH5"),
        "RVY": (date(2023, 6, 30), "RBN"),
    }
    kings_lynn = next(o for o in organisations if o.code == "RCX")
    assert "King's Lynn" in kings_lynn.name


HEAD = b"code,name,kind,nation,region_code,region_name,icb_code,icb_name,town,latitude,longitude,closed_on,successor\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"rk9,A,nhs_trust,England,Y58,South West,,,,,,,", "not an ODS code"),
        (b"RK9,,nhs_trust,England,Y58,South West,,,,,,,", "name\u201d is empty"),
        (b"RK9,A,trust,England,Y58,South West,,,,,,,", "kind\u201d must be one of"),
        (b"RK9,A,nhs_trust,Scotland,Y58,South West,,,,,,,", "nation\u201d must be one of"),
        (b"RK9,A,nhs_trust,England,Y58,South West,,,,91,0,,", "latitude\u201d must be"),
        (b"RK9,A,nhs_trust,England,Y58,South West,,,,nan,0,,", "latitude\u201d must be"),
        (b"RK9,A,nhs_trust,England,Y58,South West,,,,,,31.3.2023,", "not a date"),
        (b"RK9,A,nhs_trust,England,Y58,South West,,,,,,,RH5", "no closing date"),
        (b"RK9,A,nhs_trust,England,Y58,South West,,,,,,2023-03-31,RK9", "cannot succeed itself"),
    ],
)
def test_a_faulty_organisation_is_named_by_line_and_left_out(line: bytes, words: str) -> None:
    organisations, faults = read_organisations(HEAD + line + b"\n")
    assert organisations == ()
    assert [fault.line for fault in faults] == [2] * len(faults)
    assert any(words in fault.words for fault in faults)


def test_every_fault_of_a_register_is_found_at_once() -> None:
    good = b"RK9,A,nhs_trust,England,Y58,South West,,,,,,2023-03-31,RXX\n"
    organisations, faults = read_organisations(
        HEAD + good + b"\n" + b"RK9,B,nhs_trust,Wales,W92000004,Wales,,,,x,y,,\n"
    )
    assert [o.name for o in organisations] == ["A"]
    assert [(fault.line, fault.severity) for fault in faults] == [
        (2, Severity.WARNING),
        (4, Severity.ERROR),
        (4, Severity.ERROR),
        (4, Severity.ERROR),
    ]


def test_missing_headings_are_all_named() -> None:
    _, faults = read_organisations(b"code,name\nRK9,A\n")
    assert len(faults) == 11


# the Organisation Data Service


def test_the_ods_file_gives_names_regions_and_closures() -> None:
    organisations, faults = read_ods(example("etr.csv"))
    assert faults == ()
    by_code = {o.code: o for o in organisations}
    assert len(by_code) == 10
    assert by_code["RK9"] == Organisation(
        "RK9",
        "University Hospitals Plymouth NHS Trust",
        "nhs_trust",
        "England",
        "Y58",
        "South West",
        opened_on=date(1994, 4, 1),
    )
    assert by_code["RF4"].name == "Barking, Havering and Redbridge University Hospitals NHS Trust"
    assert by_code["RA4"].closed_on == date(2023, 3, 31)
    assert (by_code["RQF"].nation, by_code["RQF"].region_code, by_code["RQF"].region_name) == (
        "Wales",
        "W92000004",
        "Wales",
    )
    assert (by_code["RJD"].region_code, by_code["RJD"].region_name) == ("Y55", "")  # a grouping of before 2020


def test_the_ods_file_and_our_register_agree_on_closures() -> None:
    ours = {o.code: o for o in read_organisations(REGISTER.read_bytes())[0]}
    official = {o.code: o for o in read_ods(example("etr.csv"))[0]}
    successors = {s.predecessor: s for s in read_successions(example("succ.csv"))[0]}
    for code in ("RA4", "RVY"):
        assert official[code].closed_on == ours[code].closed_on
        assert successors[code].successor == ours[code].successor


def test_successions_by_date() -> None:
    successions, faults = read_successions(example("succ.csv"))
    assert faults == ()
    assert successions == (
        Succession("RA4", "RH5", "merger or split", date(2023, 4, 1)),
        Succession("RVY", "RBN", "merger or split", date(2023, 7, 1)),
    )


def test_an_ods_file_with_headings_short_lines_and_bom_is_read() -> None:
    plain = b"RK9,PLYMOUTH,Y58,QT6,,,,,,,19940401,"
    organisations, faults = read_ods(
        b"\xef\xbb\xbfOrganisation Code,Name\r\n" + plain + b"\r\n", kind="local_health_board"
    )
    assert faults == ()
    assert organisations[0].kind == "local_health_board"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"RK9,A,Y58", "3 columns"),
        (b"?,A,Y58,,,,,,,,19940401,", "Column 1"),
        (b"RK9,,Y58,,,,,,,,19940401,", "Column 2"),
        (b"RK9,A,SOUTH,,,,,,,,19940401,", "Column 3"),
        (b"RK9,A,Y58,,,,,,,,1994-13-01,", "Column 11"),
        (b"RK9,A,Y58,,,,,,,,19940401,soon", "Column 12"),
        (b"RK9,A,Y58,,,,,,,,20240401,20230401", "closes before it opens"),
    ],
)
def test_a_faulty_ods_line_is_named(line: bytes, words: str) -> None:
    organisations, faults = read_ods(b"RH5,B,Y58,,,,,,,,19930401,\n" + line + b"\n")
    assert [o.code for o in organisations] == ["RH5"]
    assert [fault.line for fault in faults] == [2]
    assert words in faults[0].words


def test_a_doubled_ods_code_and_an_unknown_kind() -> None:
    line = b"RK9,A,Y58,,,,,,,,19940401,\n"
    organisations, faults = read_ods(line + line)
    assert len(organisations) == 1
    assert said(faults) == [(2, "This code stands already on line 1. Keep one of the two.")]
    with pytest.raises(ValueError, match="kind"):
        read_ods(line, kind="hospital")


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        (b"RK9,RK9,R,20230401,", Severity.ERROR),
        (b"RK9,,R,20230401,", Severity.ERROR),
        (b"RK9,RH5,R,April,", Severity.ERROR),
        (b"RK9,RH5,Z,20230401,", Severity.WARNING),
    ],
)
def test_a_faulty_succession(line: bytes, severity: Severity) -> None:
    successions, faults = read_successions(line)
    assert {fault.severity for fault in faults} == {severity}
    assert len(successions) == (severity is Severity.WARNING)


def test_a_split_has_two_successors() -> None:
    successions, faults = read_successions(b"RK9,RH5,R,20230401,\nRK9,RH8,R,20230401,\nRK9,RH8,R,20230401,\n")
    assert faults == ()
    assert [s.successor for s in successions] == ["RH5", "RH8"]


@pytest.mark.parametrize(
    ("capitals", "name"),
    [
        ("KING'S COLLEGE HOSPITAL NHS FOUNDATION TRUST", "King's College Hospital NHS Foundation Trust"),
        ("THE CHRISTIE NHS FOUNDATION TRUST", "The Christie NHS Foundation Trust"),
        ("STOKE-ON-TRENT (SOUTH)", "Stoke-On-Trent (South)"),
        ("Barts Health NHS Trust", "Barts Health NHS Trust"),
    ],
)
def test_names_in_capitals(capitals: str, name: str) -> None:
    assert proper_name(capitals) == name


# the national risk-assessment file


def test_the_quarterly_file_as_it_is_published() -> None:
    rows, faults = read_risk_assessments(example("vte-risk-assessment-2024-25-q2.csv"))
    assert faults == ()
    assert len(rows) == 9
    assert rows[0] == RiskAssessment(
        2,
        date(2024, 7, 1),
        "RJZ",
        "King's College Hospital NHS Foundation Trust",
        "Y56",
        "London",
        independent=False,
        assessed=11873,
        admissions=12345,
    )
    assert [(row.code, row.month.month) for row in rows if row.independent] == [
        ("8ZZ01", 7),
        ("8ZZ01", 8),
        ("8ZZ01", 9),
    ]


def test_the_older_layout_with_totals_regions_and_a_withheld_cell() -> None:
    rows, faults = read_risk_assessments(example("vte-risk-assessment-older-layout.csv"))
    assert said(faults) == []
    assert said(faults, Severity.WARNING) == [
        (10, "The number risk-assessed is withheld or empty: it is kept as not published.")
    ]
    assert [(row.code, row.assessed, row.admissions) for row in rows] == [
        ("R1H", 20480, 21091),
        ("RK9", 9412, 10022),
        ("RH5", 11478, 12000),
        ("RK9", None, 10101),
    ]
    assert (rows[1].region_code, rows[1].independent) == ("Y58", None)


def test_england_is_compared_with_the_sum() -> None:
    wrong = example("vte-risk-assessment-older-layout.csv").replace(b"43,113", b"43,114")
    _, faults = read_risk_assessments(wrong)
    assert (None, "For July 2019 the providers do not add up to the line of England.") in said(faults, Severity.WARNING)


def test_a_spoilt_file_gives_every_planted_fault_at_once() -> None:
    rows, faults = read_risk_assessments(example("vte-risk-assessment-spoilt.csv"))
    assert [row.code for row in rows] == ["RJZ", "RH8", "RBD", "REF"]
    assert said(faults) == [
        (3, "This provider's month stands already on line 2. Keep one of the two."),
        (4, "The provider's code is empty or not an ODS code."),
        (5, "The month is not the first day of a month, such as 2024-07-01 or 01/07/2024."),
        (6, "The number risk-assessed is not a whole number."),
        (6, "The total admissions is not a whole number."),
    ]
    assert said(faults, Severity.WARNING) == [
        (7, "More were risk-assessed than were admitted. The figures are kept as published."),
        (8, "The printed percentage is not what the two counts give. The counts are kept."),
        (9, "The number risk-assessed is withheld or empty: it is kept as not published."),
    ]


def workbook(**content: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in content.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


HEADINGS: list[object] = ["Org Code", "Org Name", "VTE Risk Assessed Admissions", "Total Admissions", "% risk assessed"]


def test_a_workbook_with_a_sheet_for_each_month_and_notes() -> None:
    made = workbook(
        Notes=[["These numbers are invented"]],
        July_2024=[
            ["Title"],
            [],
            HEADINGS,
            ["RK9", "Plymouth", 9412, 10022, 9412 / 10022],
            ["RJZ", "King's", 1, 2, 0.5],
        ],
        Aug_2024=[HEADINGS, ["RK9", "Plymouth", 9000, 10000, 0.9]],
    )
    rows, faults = read_risk_assessments(made)
    assert [fault.sheet for fault in faults] == ["July_2024", "July_2024", "Aug_2024"]  # an underscore is no month
    assert rows == ()


def test_a_workbook_with_dates_in_cells() -> None:
    made = workbook(
        Data=[["Date", *HEADINGS], [date(2024, 7, 1), "RK9", "Plymouth", 9412, 10022, 9412 / 10022]],
        Again=[["Date", *HEADINGS], [date(2024, 7, 1), "RK9", "Plymouth", 9412, 10022, 0.939]],
    )
    rows, faults = read_risk_assessments(made)
    assert faults == ()
    assert [(row.line, row.code, row.month, row.assessed) for row in rows] == [(2, "RK9", date(2024, 7, 1), 9412)]


@pytest.mark.parametrize("cell", ["XFD1048576", "A100000", "BA1"])
def test_a_workbook_that_would_fill_the_memory_is_refused(cell: str) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0][cell] = 1
    buffer = io.BytesIO()
    book.save(buffer)
    rows, faults = read_risk_assessments(buffer.getvalue())
    assert rows == ()
    assert "beyond column AZ" in faults[0].words


def test_a_workbook_that_unpacks_without_end_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (LARGEST_UNPACKED + 1))
    assert len(buffer.getvalue()) < 1_000_000
    assert "unpacks" in read_risk_assessments(buffer.getvalue())[1][0].words


def test_a_sheet_named_by_its_month() -> None:
    made = workbook(**{"July 2024": [HEADINGS, ["RK9", "Plymouth", 9412, 10022, "93.9%"]]})
    rows, faults = read_risk_assessments(made)
    assert faults == ()
    assert rows[0].month == date(2024, 7, 1)


def test_the_wrong_file_is_told_what_it_lacks() -> None:
    rows, faults = read_risk_assessments(b"Region,Total admissions\nLondon,5\n")
    assert rows == ()
    words = "there is no column for the provider's code, the number risk-assessed."
    assert words in faults[0].words


# what every reader does with what is no table


READERS = (read_organisations, read_ods, read_successions, read_risk_assessments)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b'RK9,"not closed',
        b"RK9\0,a",
        b"PK\x03\x04 no workbook",
        b"\xd0\xcf\x11\xe0 no workbook",
        b"\xff\xfeR",
        b"a" * (LARGEST + 1),
        b"a\n" * 100_001,
        b"x" * 200_000,
    ],
    ids=["empty", "blank", "quote", "nul", "zip", "ole", "utf-16", "large", "long", "wide"],
)
def test_no_reader_fails_on_what_is_no_table(reader: object, data: bytes) -> None:
    assert callable(reader)
    rows, faults = reader(data)
    assert rows == ()
    assert faults


@given(st.binary(max_size=400))
def test_no_reader_fails_on_any_bytes(data: bytes) -> None:
    for reader in READERS:
        reader(data)


@given(
    st.lists(
        st.lists(st.text(alphabet='RK9Y5,"\n*- 0123456789/abc%', max_size=12), min_size=12, max_size=14), max_size=5
    )
)
def test_no_reader_fails_on_any_line(lines: list[list[str]]) -> None:
    body = "\n".join(",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in line) for line in lines).encode()
    head = example("vte-risk-assessment-2024-25-q2.csv").splitlines()[0] + b"\n"
    read_risk_assessments(head + body)
    read_organisations(HEAD + body)
    read_ods(body)
    read_successions(body)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_letters_survive_every_encoding(encoding: str) -> None:
    text = "RK9,Ysbyty Môn,Y58,,,,,,,,19940401,\n"
    assert read_ods(text.encode(encoding))[0][0].name == "Ysbyty Môn"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2024-07-01", date(2024, 7, 1)),
        ("20240701", date(2024, 7, 1)),
        ("01/07/2024", date(2024, 7, 1)),
        ("2024-07-01 00:00:00", date(2024, 7, 1)),
        ("2024-07-01 13:00:00", None),
        ("07/13/2024", None),
        ("01/07/24", None),
        ("", None),
    ],
)
def test_dates(text: str, wanted: date | None) -> None:
    assert read_date(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("July 2024", date(2024, 7, 1)),
        ("Jul-24", date(2024, 7, 1)),
        ("2024-07", date(2024, 7, 1)),
        ("02/07/2024", None),
        ("Q2", None),
    ],
)
def test_months(text: str, wanted: date | None) -> None:
    assert read_month(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("1,234", 1234), ("1 234", 1234), ("1234.0", 1234), ("0", 0), ("*", None), ("-", None), ("n/a", None)],
)
def test_numbers(text: str, wanted: int | None) -> None:
    assert read_number(text) == wanted


@pytest.mark.parametrize("text", ["-5", "12,34", "1.5", "many", "１２", "9" * 20])
def test_what_is_no_number(text: str) -> None:
    assert not isinstance(read_number(text), int | None)


@pytest.mark.parametrize(
    ("printed", "agrees"),
    [
        ("0.8931", True),
        ("89.3%", True),
        ("89.3", True),
        ("89", True),
        ("0.9", True),
        ("0.8932", False),
        ("90%", False),
        ("1", False),
        ("x", False),
    ],
)
def test_percentages_to_their_own_last_digit(printed: str, agrees: bool) -> None:
    assert percent_agrees(printed, 8931, 10_000) is agrees


def test_rows_are_plain_records() -> None:
    row = read_ods(example("etr.csv"))[0][0]
    assert replace(row, successor="RH5").successor == "RH5"
