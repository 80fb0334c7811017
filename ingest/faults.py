"""Faults of a file's shape as they are met: every one counted, the first thousand of each rule listed."""

from collections import Counter
from collections.abc import Mapping, Sequence

from ingest.headings import Column, letter, shown
from schemas.finding import Finding
from schemas.rule import Rule

MOST_LISTED = 1_000


class Faults:
    """A list of findings that stays short, and the full counts by rule number and column letter."""

    def __init__(self, columns: Sequence[Column] = (), findings: Sequence[Finding] = ()) -> None:
        self._columns = {column.index: column for column in columns}
        self.findings: list[Finding] = []
        self.counts: Counter[tuple[int, str | None]] = Counter()
        self._listed: Counter[int] = Counter()
        for finding in findings:
            self.put(finding)

    def put(self, finding: Finding) -> None:
        self.counts[finding.rule, finding.column] += 1
        if self._listed[finding.rule] < MOST_LISTED:
            self._listed[finding.rule] += 1
            self.findings.append(finding)

    def add(self, rule: Rule, row: int | None = None, index: int | None = None, **placeholders: str) -> None:
        """One fault at a row and, where it is one cell's, the column with that index."""
        place = None if index is None else letter(index)
        if self._listed[rule.number] >= MOST_LISTED:
            self.counts[rule.number, place] += 1
            return
        column = None if index is None else self._columns.get(index)
        self.put(
            rule.finding(
                row=row,
                column=place,
                heading=shown(column.heading) if column else None,
                field=column.field if column else None,
                **placeholders,
            )
        )

    @property
    def total(self) -> Mapping[tuple[int, str | None], int]:
        return dict(self.counts)
