"""The entries of a response Bundle: what became of each entry that was sent, what is said about it, and the status of a refusal."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from starlette.responses import Response

from ingest.fhir.issue import Issue
from ingest.fhir.outcome import outcome
from ingest.fhir.unit import Entry, Part, Unit
from registry.submissions.request import Record
from registry.submissions.units import Settled, Standing
from registry.web.fhir.answers import BASE, Resource, etag, http_date, instant, reply, status_line
from registry.web.fhir.asking import Return
from schemas.record import RecordKind
from schemas.rules import fhir as rules

KEPT: Mapping[Part, tuple[RecordKind, str]] = {
    Part.CASE: (RecordKind.CASE, "Condition"),
    Part.CASE_ANSWERS: (RecordKind.CASE, "QuestionnaireResponse"),
    Part.REVIEW: (RecordKind.RCA, "QuestionnaireResponse"),
    Part.RETURN: (RecordKind.ACTIVITY, "MeasureReport"),
}
"""The entries that can be read again, of which record, and as what. The others are kept inside the case."""

REPLAYED = "Idempotent-Replay"

_R4_ITSELF = (*range(350, 370), rules.REFERENCE_NOT_RESOLVED.number, rules.REFERENCE_OUTSIDE.number, 398, 399)
"""The rules that say what is no FHIR at all. The others among 350 to 399 are those of our profiles."""
_STATUS: Mapping[int, int] = {
    rules.TOO_LARGE.number: 413,
    rules.TOO_MANY_ENTRIES.number: 413,
    **dict.fromkeys(_R4_ITSELF, 400),
    rules.NOT_GRANTED.number: 403,
    rules.REPLAY_DIFFERS.number: 409,
    rules.IF_MATCH_FAILED.number: 412,
}
_WORST_FIRST = (413, 400, 403, 409, 412)
_ENTRY = re.compile(r"Bundle\.entry\[([0-9]+)\]")


def refused_status(issues: Iterable[Issue]) -> int:
    """The status of a refusal: what is too large, then what is no FHIR, what is not granted, what contradicts, else 422."""
    broken = {_STATUS.get(each.finding.rule, 422) for each in issues if each.error}
    return next((status for status in _WORST_FIRST if status in broken), 422)


def refused(issues: Sequence[Issue], *, root: str = "Bundle") -> Response:
    """One OperationOutcome with everything that is wrong, the worst first."""
    return reply(outcome(issues, root=root), refused_status(issues))


def response_bundle(kind: str, entries: list[Resource]) -> Resource:
    return {"resourceType": "Bundle", "id": str(uuid4()), "type": f"{kind}-response", "entry": entries}


def entries_of(unit: Unit, settled: Settled, issues: Sequence[Issue], at: datetime) -> list[Resource]:
    """One entry for each that was sent, in its order, each with all that is said about it."""
    told = _by_entry(issues) if len(unit.entries) > 1 else {0: issues}
    return [
        {"response": _response(entry, settled, unit.ordinal, at) | _outcome(told.get(number, ()))}
        for number, entry in enumerate(unit.entries)
    ]


def _by_entry(issues: Iterable[Issue]) -> Mapping[int, Sequence[Issue]]:
    """The issues by the entry that they are about; those about the whole go to the first."""
    found: defaultdict[int, list[Issue]] = defaultdict(list)
    for each in issues:
        named = _ENTRY.match(next(iter(each.expressions), ""))
        found[int(named[1]) if named else 0].append(each)
    return found


def _outcome(issues: Sequence[Issue]) -> Resource:
    return {"outcome": outcome(issues)} if issues else {}


def _response(entry: Entry, settled: Settled, ordinal: int, at: datetime) -> Resource:
    kind, name = KEPT.get(entry.part, (None, ""))
    standing = settled.standing(kind, ordinal) if kind else None
    return {"status": status_line(200)} if standing is None else _standing(standing, name, at)


def _standing(standing: Standing, resource_type: str, at: datetime) -> Resource:
    """What became of one resource. Where nothing changed no time is told: it would be that of an earlier day."""
    told = {
        "status": status_line(201 if standing.did is Record.NEW else 200),
        "location": f"{resource_type}/{standing.record_id}/_history/{standing.version}",
        "etag": etag(standing.version),
    }
    return told if standing.did is Record.UNCHANGED else told | {"lastModified": instant(at)}


def if_match_at(unit: Unit) -> str:
    """Where a unit names the version that must stand: in an entry's request, or in a header about the whole."""
    named = next((number for number, entry in enumerate(unit.entries) if entry.if_match is not None), 0)
    if unit.root == "Bundle":
        return f"Bundle.entry[{named}].request.ifMatch"
    batched = _ENTRY.match(unit.root)
    return f"{batched[0]}.request.ifMatch" if batched else unit.root


def refused_entry(status: int, told: Resource) -> Resource:
    """The entry of a batch that was not taken."""
    return {"response": {"status": status_line(status), "outcome": told}}


def shown(entries: Iterable[Resource], returned: Return) -> list[Resource]:
    """The entries as this sender wants them: with all that is said about them, or only with what asks a person to look."""
    return [_full(each) if returned is Return.OUTCOME else _quiet(each) for each in entries]


def _full(entry: Resource) -> Resource:
    return {"response": entry["response"] | {"outcome": entry["response"].get("outcome") or outcome(())}}


def _quiet(entry: Resource) -> Resource:
    told = entry["response"]
    issues = told.get("outcome", {}).get("issue", ())
    if all(each["severity"] == "information" for each in issues):
        return {"response": {name: said for name, said in told.items() if name != "outcome"}}
    return entry


def told_headers(response: Mapping[str, str], base_url: str) -> Iterator[tuple[str, str]]:
    """The headers of the answer about one resource, from the `response` of its entry."""
    if "location" in response:
        yield "Location", f"{base_url.rstrip('/')}{BASE}/{response['location']}"
    if "etag" in response:
        yield "ETag", response["etag"]
    if "lastModified" in response:
        yield "Last-Modified", http_date(datetime.fromisoformat(response["lastModified"]))
