"""Days and moments as people read them, the same on every page: the clocks of London, wherever the moment was noted."""

from datetime import UTC, date, datetime

from schemas.days import LONDON


def said_time(at: datetime | None) -> str:
    """A moment as people say it: 3 March 2026, 9:05. Empty for none; one without an offset is in UTC."""
    if at is None:
        return ""
    here = in_london(at)
    return f"{said_day(here.date())}, {here.hour}:{here.minute:02d}"


def said_day(day: date | None) -> str:
    """A day as people say it: 3 March 2026; of a moment the day that it was in London. Empty for none."""
    if day is None:
        return ""
    here = in_london(day) if isinstance(day, datetime) else day
    return f"{here.day} {here:%B %Y}"


def in_london(at: datetime) -> datetime:
    """The moment by the clocks of London."""
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(LONDON)
