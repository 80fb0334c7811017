"""The report of the audit: what passed, by what, and what did not. The same published numbers give the same bytes."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from registry.disclosure.audit.releases import Release
from registry.disclosure.grid import GRID_VERSION


@dataclass(frozen=True, slots=True, order=True)
class Narrow:
    """A cell that is known too well: between its least and its most possible count lie `width` steps."""

    cell: str
    release: int
    width: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many targets there were, and how many each stage decided."""

    targets: int = 0
    certificate: int = 0
    lp: int = 0
    milp: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What the audit found.

    `min_width` is the least width proven or found among all the targets of an outsider (`None` without targets). `rekey` names the
    cells that failed and whose offset may still be drawn anew, for no release has them yet. They are told to the release desk only: those of
    the insider hold small counts, and are in no form of the report but this one. The seconds are of processor time, all of it and that of stage 3; a part
    remembered from an earlier audit of this process costs none.
    """

    passed: bool
    releases: tuple[int, ...]
    data_hash: str
    code_version: str
    need: int
    min_width: int | None
    outsider: Tally
    insider: Tally
    failing: tuple[Narrow, ...]
    undecided: tuple[str, ...]
    contradictory: tuple[str, ...]
    apart: tuple[tuple[str, int], ...]
    unlinked: tuple[str, ...]
    witnesses: tuple[tuple[str, str], ...]
    insider_need: int
    insider_min_width: int | None
    insider_undecided: int
    insider_frozen_narrow: int
    insider_narrow: int
    rekey: tuple[str, ...]
    cpu_seconds: float
    milp_seconds: float

    def as_dict(self) -> dict[str, object]:
        """What may be published: nothing in it depends on a true count but how many cells need another offset."""
        return {
            "passed": self.passed,
            "grid_version": GRID_VERSION,
            "code_version": self.code_version,
            "data_hash": self.data_hash,
            "releases": list(self.releases),
            "outsider": {
                "needed_width": self.need,
                "least_width": self.min_width,
                **_tally(self.outsider),
                "failing": [{"cell": each.cell, "release": each.release, "width": each.width} for each in self.failing],
                "undecided": list(self.undecided),
                "contradictory_blocks": list(self.contradictory),
                "blocks_apart_from_their_trusts": dict(self.apart),
                "blocks_not_linked": list(self.unlinked),
                "witnesses_sha256": dict(self.witnesses),
            },
            "insider": {
                "needed_width": self.insider_need,
                "least_width": self.insider_min_width,
                **_tally(self.insider),
                "undecided": self.insider_undecided,
                "narrow_before_first_publication": self.insider_narrow,
                "narrow_already_published": self.insider_frozen_narrow,
            },
        }

    def as_json(self) -> str:
        """`as_dict` as text, the same bytes for the same published numbers, offsets and code."""
        return json.dumps(self.as_dict(), sort_keys=True, ensure_ascii=False, indent=1) + "\n"


def _tally(tally: Tally) -> dict[str, int]:
    return {
        "targets": tally.targets,
        "certificate": tally.certificate,
        "lp": tally.lp,
        "milp": tally.milp,
    }


def data_hash(releases: Sequence[Release]) -> str:
    """SHA-256 of all that the audit was given of the public's: each release, its cells in the order of their names, its regions."""
    made = sha256()
    for release in sorted(releases, key=lambda each: each.number):
        for line in (f"release {release.number}", *_lines(release)):
            made.update(line.encode() + b"\n")
    return made.hexdigest()


def _lines(release: Release) -> Iterable[str]:
    yield from sorted(
        f"{one.cell.id} {'' if one.value is None else one.value} {one.state} {int(one.provisional)}{' held' if one.held else ''}"
        for one in release.cells
    )
    yield from sorted(f"{trust} in {region}" for trust, region in release.regions.items())
    yield from sorted(f"{trust} {when} revised" for trust, when in release.revised)
    yield from sorted(
        f"{'+'.join(c.id for c in told.cells)} {told.least} {told.most}{' part' if told.part else ''}"
        for told in release.told
    )
