"""Who takes part in the demonstration and what is special about some of them."""

from dataclasses import dataclass
from datetime import date
from importlib import resources

from registry import reference
from registry.demo.window import Window, between, months_after
from registry.official import Organisation, read_organisations

# Parts that one organisation plays. They are register entries like any other; nothing said here is true of them.
FOUND_MORE = "RTH"
"""Begins to use two more sources of cases, and its rate rises."""
FIRST_TRUST = "RJZ"
"""A trust with sign-ins; it has sent a case that it attributes to the other, which has not answered."""
SECOND_TRUST = FOUND_MORE
WELSH_BOARD = "7A4"
"""Sends cases and the count-only return."""
JOINED_LATE = "RWP"
"""Takes part only since the sixth month."""
WITHOUT_HOSPITAL = "7A7"
"""No district general hospital: the Welsh count does not apply to it."""

PILOTS = (
    "RA4",
    "RVY",
    "RH5",
    "RBN",
    "RK9",
    "RA9",
    "REF",
    "RVJ",
    "RTE",
    "RM3",
    "REM",
    "RXN",
    "RXR",
    "RWJ",
    "RBT",
    "RTX",
)
"""Sixteen trusts of two regions with which the registry began; the two that closed since then are among them."""
PILOT_BEGAN = date(2023, 1, 1)
"""Two months before the first of the two closed, so that each has sent a few months at least."""

JOINED_AFTER_MONTHS = 6

GROUPS = ("medical", "surgical", "obstetric", "critical_care", "orthopaedic_trauma")

# Shares of the admissions aged 16 and over by group, in the order of GROUPS; and the median month's admissions.
MIXES: dict[str, tuple[tuple[float, ...], float]] = {
    "general": ((0.58, 0.25, 0.08, 0.015, 0.075), 6200),
    "orthopaedic": ((0.06, 0.05, 0.0, 0.01, 0.88), 1300),
    "cancer": ((0.86, 0.13, 0.0, 0.01, 0.0), 2400),
    "women": ((0.05, 0.30, 0.64, 0.01, 0.0), 2300),
    "children": ((0.55, 0.40, 0.0, 0.0, 0.05), 110),
    "heart": ((0.62, 0.33, 0.0, 0.05, 0.0), 1600),
    "nerves": ((0.45, 0.51, 0.0, 0.04, 0.0), 1100),
    "eyes": ((0.05, 0.95, 0.0, 0.0, 0.0), 2600),
    "plastic": ((0.10, 0.87, 0.0, 0.01, 0.02), 900),
    "community": ((0.97, 0.03, 0.0, 0.0, 0.0), 260),
    "independent": ((0.12, 0.50, 0.0, 0.0, 0.38), 420),
}
SPECIALIST = {
    "RAN": "orthopaedic",
    "RL1": "orthopaedic",
    "RRJ": "orthopaedic",
    "RBV": "cancer",
    "REN": "cancer",
    "RPY": "cancer",
    "REP": "women",
    "RQ3": "women",
    "RBS": "children",
    "RCU": "children",
    "RP4": "children",
    "RGM": "heart",
    "RET": "nerves",
    "RP6": "eyes",
    "RPC": "plastic",
    "RDY": "community",
    WITHOUT_HOSPITAL: "community",
}


@dataclass(frozen=True, slots=True)
class Member:
    """An organisation that takes part; an independent one names the group that runs it."""

    organisation: Organisation
    group: str | None = None

    @property
    def code(self) -> str:
        return self.organisation.code

    @property
    def mix(self) -> str:
        """Which of MIXES its admissions follow."""
        if self.group is not None:
            return "independent"
        return SPECIALIST.get(self.code, "general")


def _independent(number: int, group: str, nation: str, region_code: str, region_name: str) -> Member:
    name = f"Demonstration Independent Hospital {number}"
    return Member(
        Organisation(f"8ZZ{number:02d}", name, "independent_provider", nation, region_code, region_name), group
    )


# Codes that the Organisation Data Service has not given out. Two in Wales: too few to be published as a sector.
INDEPENDENTS = (
    _independent(1, "Demonstration Group A", "England", "Y56", "London"),
    _independent(2, "Demonstration Group A", "England", "Y62", "North West"),
    _independent(3, "Demonstration Group B", "England", "Y60", "Midlands"),
    _independent(4, "Demonstration Group B", "England", "Y58", "South West"),
    _independent(5, "Demonstration Group A", "Wales", "W92000004", "Wales"),
    _independent(6, "Demonstration Group C", "Wales", "W92000004", "Wales"),
)


def register_file() -> bytes:
    """The starting register that comes with the package."""
    return resources.files(reference).joinpath("organisations.csv").read_bytes()


def members() -> tuple[Member, ...]:
    """All 149: the register and six independents."""
    register, _ = read_organisations(register_file())
    return (*(Member(organisation) for organisation in register), *INDEPENDENTS)


def months_of(member: Member, window: Window) -> tuple[date, ...]:
    """The months that a member sends, complete or not."""
    first = live_from(member, window)
    closed = member.organisation.closed_on
    return between(first, min(window.last, closed.replace(day=1)) if closed else window.last)


def live_from(member: Member, window: Window) -> date:
    """Since when a member takes part: its earlier months are structural blanks."""
    if member.code == JOINED_LATE and window.months > JOINED_AFTER_MONTHS:
        return months_after(window.first, JOINED_AFTER_MONTHS)
    return min(window.first, PILOT_BEGAN) if member.code in PILOTS else window.first


def found_more_from(window: Window) -> date:
    """The month from which FOUND_MORE uses its new sources: the first April after half a year."""
    settled = months_after(window.first, 6)
    return date(settled.year + (settled.month > 4), 4, 1)
