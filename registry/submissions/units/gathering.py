"""Units of requests that come at the same moment are checked together: for one row the checks cost what they cost for hundreds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock

from ingest.check import Context
from ingest.fhir.checked import CheckedUnits, check_units
from ingest.fhir.unit import Unit


@dataclass(slots=True, eq=False)
class _Asked:
    unit: Unit
    context: Context
    checked: CheckedUnits | None = None


class Gathering:
    """Checks one batch at a time; while it does, the requests that come wait, and then are one batch."""

    def __init__(self) -> None:
        self._busy = Lock()
        self._guard = Lock()
        self._waiting: list[_Asked] = []

    def check(self, unit: Unit, context: Context) -> CheckedUnits:
        """The unit as `check_units` checks it, whoever else asks at the same time."""
        asked = _Asked(unit, context)
        with self._guard:
            self._waiting.append(asked)
        with self._busy:
            if asked.checked is None:
                taken = self._taken(context)
                # Whose batch went wrong in another's hands is checked by itself.
                _check(taken if asked in taken else [asked])
        assert asked.checked is not None
        return asked.checked

    def _taken(self, context: Context) -> list[_Asked]:
        """Those who wait for the same context: a trust, on a day."""
        with self._guard:
            taken = [each for each in self._waiting if each.context == context]
            self._waiting = [each for each in self._waiting if each.context != context]
        return taken


def _check(several: Sequence[_Asked]) -> None:
    if len(several) == 1:
        (asked,) = several
        asked.checked = check_units([asked.unit], asked.context)
        return
    numbered = [replace(each.unit, ordinal=number) for number, each in enumerate(several, 1)]
    together = check_units(numbered, several[0].context)
    for number, each in enumerate(several, 1):
        each.checked = together.alone(number, each.unit)
