"""The parts of deploy/papers that are written from the code: `python -m tests.deploy.written` writes them, a test compares.

A part stands between `<!-- written: name -->` and `<!-- end -->`; everything else in the papers is written by people.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from registry import jobs
from registry.access import RIGHTS, Role
from registry.jobs import TIMETABLE, Constantly, Every, Job, Nightly
from registry.notices import retention
from registry.settings import Settings
from registry.store import held
from schemas.dictionary import fields
from schemas.record import RecordKind

PAPERS = Path(__file__).parents[2] / "deploy" / "papers"
PART = re.compile(r"(<!-- written: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

TERMS = (
    "counting.payload_days_committed",
    "counting.payload_days_refused",
    "counting.identifier_retention_days",
    "counting.one_time_link_days",
    "desk.draft_days",
    "session_idle_minutes",
    "session_hours",
    "step_up_minutes",
    "guessing.forgotten_after_minutes",
)
"""The settings that say how long something is kept or holds."""
SAID = {
    "session_idle_minutes": "A session ends after so long without a request …",
    "session_hours": "… and after so long in any case.",
}
"""What is not said where the setting is declared."""


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of Markdown; nothing in a cell ends it."""
    lines = [[*heads]]
    lines += [["---"] * len(lines[0]), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def roles() -> str:
    """Each role and what it may do."""
    return table(
        ("role", "rights"),
        ((role.words, ", ".join(f"`{right}`" for right in sorted(RIGHTS[role])) or "none") for role in Role),
    )


def timetable() -> str:
    """Each job, when it runs and what it does."""
    return table(("job", "when", "what"), ((f"`{job.name}`", when(job), job.words) for job in TIMETABLE))


def when(job: Job) -> str:
    """When a job runs, in words."""
    match job.when:
        case Constantly():
            return "all the time"
        case Every(period):
            minutes = int(period / timedelta(minutes=1))
            return "every minute" if minutes == 1 else f"every {minutes} minutes"
        case Nightly(clock):
            return f"each day at {clock:%H:%M}"
        case _:
            return f"on day {job.when.day} of each month at {job.when.clock:%H:%M}"


def terms() -> str:
    """How long things are kept: the settings with their defaults, and what the code fixes."""
    fixed = (
        ("fixed", f"{retention.READ_KEPT.days} days", "A notice that was read, and a letter that was given up."),
        ("fixed", f"{retention.SENT_KEPT.days} days", "A letter that was sent; name and address of an invitation that is over."),
        ("fixed", f"{retention.KEPT.days} days", "What was told of already, and a notice that nobody read."),
        ("fixed", f"{jobs.RUNS_KEPT.days} days", "Which job ran when, and its effect in numbers."),
    )  # fmt: skip
    return table(("setting", "default", "what"), (*(term(name) for name in TERMS), *fixed))


def term(name: str) -> tuple[str, str, str]:
    """One setting with its default and what its declaration says of it."""
    *above, last = name.split(".")
    holder = type(Settings.model_fields[above[0]].default) if above else Settings
    unit = next(each for each in ("days", "minutes", "hours") if each in last)
    said = SAID.get(last) or re.sub(r" \([\d.]+\)", "", documented(holder)[last])
    return f"`HAT_{'__'.join((*above, last)).upper()}`", f"{holder.model_fields[last].default} {unit}", said


def documented(kind: type) -> Mapping[str, str]:
    """What the text below each field of a class says."""
    tree = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for one, following in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(one, ast.AnnAssign) and isinstance(following, ast.Expr) and isinstance(one.target, ast.Name):
            found[one.target.id] = str(ast.literal_eval(following.value))
    return found


def identifying() -> str:
    """The fields of the dataset that may tell who a patient is: sealed in the database and masked on pages."""
    rows = [(kind, field) for kind in RecordKind for field in fields(kind) if field.item.identifying]
    return table(
        ("record", "field", "question", "asked"),
        ((kind.value, f"`{field.name}`", field.item.question, field.item.stage.value) for kind, field in rows),
    )


def tables() -> str:
    """What the tables hold that are about patients, staff or who did what, and how long."""
    rows = [each for name, each in sorted(held.kept().items()) if name.startswith(ABOUT_PEOPLE)]
    return table(("table", "what", "how long"), ((f"`{each.name}`", each.purpose, each.retention) for each in rows))


def asked() -> str:
    """How many fields each record of the dataset has, and how many of them may tell who a patient is."""
    counted = ((kind, fields(kind)) for kind in RecordKind)
    return table(
        ("record", "fields", "of them identifying"),
        ((kind.value, str(len(found)), str(sum(each.item.identifying for each in found))) for kind, found in counted),
    )


ABOUT_PEOPLE = ("linkage.", "records.", "register.")
"""The schemas of such tables; in the others are counts, figures and releases."""
PARTS: Mapping[str, Callable[[], str]] = {
    "asked": asked,
    "identifying": identifying,
    "roles": roles,
    "tables": tables,
    "terms": terms,
    "timetable": timetable,
}


def papers() -> Iterator[Path]:
    """Every paper."""
    yield from sorted(PAPERS.glob("*.md"))


def renewed(text: str) -> str:
    """A paper with its written parts as the code has them now."""
    return PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[3]}", text)


if __name__ == "__main__":
    for path in papers():
        path.write_text(renewed(path.read_text("utf-8")), "utf-8")
