"""Days and moments are said alike everywhere, by the clocks of London."""

import re
from datetime import UTC, date, datetime

from registry.web.moments import said_day, said_time
from registry.web.pages import TEMPLATES


def test_a_moment_is_said_by_the_clocks_of_london() -> None:
    assert said_time(datetime(2026, 6, 30, 23, 5, tzinfo=UTC)) == "1 July 2026, 0:05"
    assert said_time(datetime(2026, 12, 31, 23, 5, tzinfo=UTC)) == "31 December 2026, 23:05"
    assert said_time(datetime(2026, 6, 30, 8, 5)) == "30 June 2026, 9:05"  # without an offset it is in UTC
    assert said_time(None) == ""


def test_the_day_of_a_moment_is_london_s() -> None:
    assert said_day(datetime(2026, 6, 30, 23, 5, tzinfo=UTC)) == "1 July 2026"
    assert said_day(date(2026, 6, 30)) == "30 June 2026"
    assert said_day(None) == ""


def test_no_page_says_a_time_in_its_own_way() -> None:
    own = re.compile(r"%H|%d/%m|\(UTC\)|~ \"? ?UTC")
    found = [path.name for path in TEMPLATES.rglob("*.html") if own.search(path.read_text("utf-8"))]
    assert found == []
