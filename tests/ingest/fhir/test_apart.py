"""Files of units: where each line stands, and chunks read in other processes as in this one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import psutil
import pytest

from ingest.check import Context
from ingest.fhir import apart
from ingest.fhir.lines import LONGEST, look_over, read_chunk
from schemas.codelist import Nation
from schemas.record import RecordKind
from tests.fhir_units import bundle, ndjson
from tests.make import ON, nhs_number, valid_case, valid_rca

ROOT = Path(__file__).parents[3]
CONTEXT = Context(nation=Nation.ENGLAND, sender="RJZ", on=ON, synthetic=True)
LINE = b'{"resourceType":"Bundle"}'


def _units(count: int) -> bytes:
    """Good ones, one with a fault of form, one with a fault of content, one that holds something unusable, and one of no JSON."""
    sent = [
        bundle(
            valid_case(local_case_id=f"HAT-{place:06d}", nhs_number=nhs_number(place)),
            valid_rca(local_case_id=f"HAT-{place:06d}"),
        )
        for place in range(count)
    ]
    sent[1]["entry"][0]["resource"]["gender"] = 7
    sent[2]["entry"][0]["resource"]["birthDate"] = "2025-02-30"
    sent[4]["entry"][-1]["resource"]["item"][1]["answer"] = [{"valueBoolean": True}]
    return ndjson(sent) + b"{broken\n"


def _readers(pid: int) -> list[psutil.Process]:
    """The reading processes that a process has started."""
    return [each for each in psutil.Process(pid).children() if any("serve()" in word for word in each.cmdline())]


def _told(path: Path, *, processes: int, after: int = 0) -> list[object]:
    found: list[object] = []
    for read in apart.chunks(look_over(path, 3), CONTEXT, after=after, processes=processes):
        for unit in read.units:
            found.append((unit.ordinal, unit.identifier, set(unit.records), read.checked.issues(unit.ordinal)))
        found += [read.checked.standing(kind).rows() for kind in read.checked.kinds]
    return found


def test_other_processes_say_the_same_in_the_same_order(tmp_path: Path) -> None:
    path = tmp_path / "units.ndjson"
    path.write_bytes(_units(10))
    here = _told(path, processes=0)
    assert _told(path, processes=2) == here
    assert _told(path, processes=3, after=4) == _told(path, processes=0, after=4)


def test_what_is_found_later_is_told_at_its_place(tmp_path: Path) -> None:
    """The register's findings too need the paths of what was sent."""
    path = tmp_path / "units.ndjson"
    path.write_bytes(_units(5))
    for processes in (0, 1):
        checked = next(apart.chunks(look_over(path, 100), CONTEXT, processes=processes)).checked
        checked.note(RecordKind.CASE, checked.checked(RecordKind.CASE).findings.clear())
        found = checked.checked(RecordKind.CASE).typed.select("row").head(1)
        checked.note(RecordKind.CASE, found.with_columns(pl.lit(0).alias("place"), pl.lit(309).alias("rule")))
        (issue,) = checked.issues(1)
        assert issue.expressions[0].startswith("Bundle.entry[2].resource.identifier")


def test_a_process_that_ends_too_early_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "units.ndjson"
    path.write_bytes(_units(12))
    reading = apart.chunks(look_over(path, 3), CONTEXT, processes=1)
    next(reading)
    (process,) = _readers(os.getpid())
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(OSError):  # noqa: PT011 (the system says it in its own words, or we do)
        list(reading)
    assert not _readers(os.getpid())


def test_a_file_that_is_gone_is_told_by_its_kind_alone(tmp_path: Path) -> None:
    path = tmp_path / "units.ndjson"
    path.write_bytes(_units(12))
    lines = look_over(path, 3)
    path.unlink()
    with pytest.raises(OSError, match="FileNotFoundError"):
        list(apart.chunks(lines, CONTEXT, processes=1))


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_chunks_begin_where_their_lines_do(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "units.ndjson"
    long = b'{"x":"' + b"x" * (2 * LONGEST) + b'"}'
    path.write_bytes(end.join([b"\xef\xbb\xbf" + LINE, b"", LINE, b"  ", long, LINE, b"", LINE]))
    lines = look_over(path, 2)
    assert [(each.first, each.count) for each in lines.chunks] == [(1, 2), (3, 2), (5, 1)]
    whole = [unit for chunk in look_over(path, 10).chunks for unit in read_chunk(path, chunk, "RJZ")]
    parts = [unit for chunk in lines.chunks for unit in read_chunk(path, chunk, "RJZ")]
    assert [each.ordinal for each in parts] == [1, 2, 3, 4, 5]
    assert parts == whole
    assert [each.finding.rule for each in parts[2].issues] == [385]


@pytest.mark.parametrize("content", [b"", b"\n\r\n  \n", b"<Bundle/>\n", LINE.decode().encode("utf-16"), b"\x00\x00\n"])
def test_what_holds_no_unit_says_why(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "units.ndjson"
    path.write_bytes(content)
    assert [each.error for each in look_over(path, 2).unreadable] == [True]


def test_a_process_ends_with_the_one_that_asks_it(tmp_path: Path) -> None:
    """Also where that is killed: nobody is left to ask, so its pipe ends."""
    path = tmp_path / "units.ndjson"
    path.write_bytes(_units(12))
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from ingest.fhir import apart\n"
        "from tests.ingest.fhir.test_apart import CONTEXT, look_over\n"
        "reading = apart.chunks(look_over(Path(sys.argv[1]), 3), CONTEXT, processes=2)\n"
        "next(reading)\n"
        "print('begun', flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, cwd=ROOT) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == b"begun\n"
        readers = _readers(asking.pid)
        assert len(readers) == 2
        asking.kill()
    gone, left = psutil.wait_procs(readers, timeout=20)
    assert (len(gone), left) == (2, [])
