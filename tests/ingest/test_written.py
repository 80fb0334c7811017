"""Whatever a field holds, as it is written it reads back as the same value."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.check import check_frame
from ingest.written import texts, written
from schemas.dictionary import field, fields
from schemas.record import RecordKind
from tests.ingest.test_round_trip import _row, context, few
from tests.schemas.judging import text_frame


@pytest.mark.parametrize("kind", RecordKind)
@given(data=st.data())
@few
def test_a_record_as_it_is_written_reads_back_as_it_was(kind: RecordKind, data: st.DataObject) -> None:
    row: dict[str, Any] = data.draw(_row(kind))
    typed = check_frame(text_frame(kind, [texts(kind, row)]), kind, context(kind)).typed
    (read,) = typed.select(each.name for each in fields(kind)).to_dicts()
    assert read == row


@pytest.mark.parametrize(
    ("kind", "name", "value", "text"),
    [
        (RecordKind.CASE, "admission_date", date(2025, 9, 1), "2025-09-01"),
        (RecordKind.CASE, "admitted_at", datetime(2025, 9, 1, 8, 5, tzinfo=UTC), "2025-09-01 09:05"),
        (RecordKind.CASE, "admitted_at", datetime(2025, 9, 1, 8, 5, 7, tzinfo=UTC), "2025-09-01 09:05:07"),
        (RecordKind.CASE, "admitted_at", datetime(2025, 10, 26, 1, 30, tzinfo=UTC), "2025-10-26T01:30:00+00:00"),
        (RecordKind.ACTIVITY, "month", date(2025, 9, 1), "2025-09"),
        (RecordKind.ACTIVITY, "medical_day_case", 0, "0"),
        (RecordKind.RCA, "weight_kg", 70.0, "70"),
        (RecordKind.RCA, "weight_kg", 123.45, "123.45"),
        (RecordKind.RCA, "inadequacies", ["missed_doses", "extended"], "extended|missed_doses"),
        (RecordKind.RCA, "inadequacies", [], None),
        (RecordKind.RCA, "category", None, None),
    ],
)
def test_it_is_written_as_people_write_it(kind: RecordKind, name: str, value: object, text: str | None) -> None:
    assert written(field(kind, name), value) == text
