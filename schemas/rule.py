"""How a rule is declared: number, severity, fields, the sentence a nurse reads and what to do. Its function's name states the fault."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

from schemas.finding import Finding, Severity, rule_id

Check = Callable[[], pl.Expr]


class Scope(StrEnum):
    """What a rule looks at: the file's shape, one cell, one row's fields together, the rows of a file, or what the register holds."""

    FILE = "file"
    CELL = "cell"
    ROW = "row"
    ROWS = "rows"
    REGISTER = "register"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One numbered rule. `words` says what is wrong, `mend` what to do; both may hold `{field}` placeholders, never a cell's value.

    `fields[0]` is where the finding is shown. An unreadable cell in any of `fields` silences the rule: nothing is called
    missing or contradictory that is there but could not be read.
    """

    number: int
    name: str
    scope: Scope
    severity: Severity
    words: str
    mend: str
    kinds: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    check: Check | None = field(default=None, compare=False, repr=False)
    # Of a rule about repeated rows: the fields that are equal in them (none: the record's key), and how many days apart the
    # date in `fields[0]` may lie (None: any).
    same: tuple[str, ...] = ()
    within_days: int | None = None

    @property
    def id(self) -> str:
        return rule_id(self.number)

    def finding(
        self,
        *,
        row: int | None = None,
        column: str | None = None,
        heading: str | None = None,
        field: str | None = None,
        **placeholders: str,
    ) -> Finding:
        """The finding that this rule makes at one place. Placeholders are names of columns or code lists, never values."""
        return Finding(
            rule=self.number,
            severity=self.severity,
            words=self.words.format(**placeholders),
            mend=self.mend.format(**placeholders),
            row=row,
            column=column,
            heading=heading,
            field=field,
        )


class Catalogue:
    """All rules by number. A number is given once and never reused, also after its rule is withdrawn."""

    def __init__(self) -> None:
        self._rules: dict[int, Rule] = {}

    def add(self, rule: Rule) -> Rule:
        if rule.number in self._rules:
            raise ValueError(f"{rule.id} is declared twice: {self._rules[rule.number].name} and {rule.name}")
        self._rules[rule.number] = rule
        return rule

    def __getitem__(self, number: int) -> Rule:
        return self._rules[number]

    def __iter__(self) -> Iterator[Rule]:
        return iter(sorted(self._rules.values(), key=lambda rule: rule.number))

    def __len__(self) -> int:
        return len(self._rules)


CATALOGUE = Catalogue()


def declare(number: int, name: str, scope: Scope, words: str, mend: str, severity: Severity = Severity.ERROR) -> Rule:
    """A rule whose check is not one expression: the readers and field types apply it where they meet the fault."""
    return CATALOGUE.add(Rule(number=number, name=name, scope=scope, severity=severity, words=words, mend=mend))


def rule(
    number: int,
    *,
    kind: str | tuple[str, ...],
    fields: tuple[str, ...],
    words: str,
    mend: str,
    severity: Severity = Severity.ERROR,
    scope: Scope = Scope.ROW,
) -> Callable[[Check], Check]:
    """Declare the decorated function as a rule: it returns an expression that is true where the fault stands (null is no fault)."""

    def place(check: Check) -> Check:
        kinds = (kind,) if isinstance(kind, str) else kind
        CATALOGUE.add(
            Rule(
                number=number,
                name=check.__name__,
                scope=scope,
                severity=severity,
                words=words,
                mend=mend,
                kinds=kinds,
                fields=fields,
                check=check,
            )
        )
        return check

    return place
