"""The `hat` command. Each command imports what it needs when it is called, so that asking for help is quick."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

# As in `schemas.record`, `registry.submissions` and `registry.jobs`, compared by a test: importing them here makes help slow.
Kind = Literal["case", "rca", "activity", "activity_strata", "organisation_profile", "wales_quarter"]
Mode = Literal["all-or-nothing", "accept-good-rows"]
JobName = Literal[
    "submissions", "work", "pairs", "attribution", "notices", "letters", "digest", "wishes", "refresh", "figures", "releases", "release_draft", "overlooked", "drafts", "payloads", "identifiers", "told", "learning", "access", "keys", "anchors", "trail", "runs",
]  # fmt: skip

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
OptOut = Annotated[bool, typer.Option("--opt-out-screened", help="The national data opt-out was applied to this file.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite-online", help="Let CSV or XLSX stand also over what was corrected online.")
]
Attached = Annotated[bool, typer.Option("--attached", hidden=True)]

program = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The national registry of hospital-associated thrombosis for England and Wales.",
)
database = typer.Typer(no_args_is_help=True, help="Make, migrate and check the database.")
user = typer.Typer(no_args_is_help=True, help="Let people in.")
register = typer.Typer(no_args_is_help=True, help="The register of organisations.")
audit = typer.Typer(no_args_is_help=True, help="The audit log.")
release = typer.Typer(no_args_is_help=True, help="Releases: whether they are what was audited, and can be made again.")
keys = typer.Typer(no_args_is_help=True, help="Keys: rotate them, and destroy those of one trust.")
demonstration = typer.Typer()
for name, group in {
    "demo": demonstration,
    "database": database,
    "user": user,
    "register": register,
    "audit": audit,
    "release": release,
    "keys": keys,
}.items():
    program.add_typer(group, name=name)


# --- the processes


@program.command()
def up() -> None:
    """Start Postgres, web and worker, and keep them going until Ctrl-C."""
    from registry.commands import service

    service.up()


@program.command()
def serve(
    attached: Attached = False,
    listening: Annotated[int | None, typer.Option("--listening", hidden=True)] = None,
    beside: Annotated[bool, typer.Option("--beside", hidden=True)] = False,
) -> None:
    """Run the web processes, HAT_WEB_PROCESSES of them."""
    from registry.commands import service

    service.serve(attached=attached, listening=listening, beside=beside)


@program.command()
def work(attached: Attached = False) -> None:
    """Run the worker, which keeps the timetable. There may be several."""
    from registry.commands import service

    service.work(attached=attached)


@program.command()
def run(
    job: Annotated[JobName, typer.Argument()],
    on: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="As it would have run on this day.")
    ] = None,
) -> None:
    """Run one job now and show its effect."""
    if on is not None and on > datetime.now():  # noqa: DTZ005 (the operator's own calendar)
        raise typer.BadParameter("That day has not come yet; what a job does cannot always be undone.")
    from registry.commands import service

    _exit(good=service.run(job, on.date() if on else None))


@demonstration.callback(invoke_without_command=True)
def demo(
    context: typer.Context,
    months: Annotated[int, typer.Option(min=3, max=120, help="So many months of returns are made up.")] = 24,
    releases: Annotated[
        int, typer.Option(min=1, max=12, help="So many releases are made, with late returns and reviews between them.")
    ] = 2,
) -> None:
    """Start with made-up returns of the whole country, released figures and sign-ins to try."""
    from registry.commands import service

    if context.invoked_subcommand is None:
        service.demo(months, releases)


@demonstration.command("code")
def demo_code(user_name: str) -> None:
    """Show the code that a sign-in of the demonstration asks for, for whoever has no authenticator app."""
    from registry.commands import service

    _exit(good=service.demo_code(user_name))


# --- for those who send


@program.command()
def submit(
    file: File,
    kind: Annotated[Kind | None, typer.Option(help="What the rows of a CSV or XLSX are.")] = None,
    organisation: Annotated[str | None, typer.Option(help="ODS code, where the token is for several.")] = None,
    url: Annotated[str, typer.Option(envvar="HAT_BASE_URL", help="The registry's address.")] = "http://127.0.0.1:8080",
    token_file: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Holds the API token.")] = None,
    token: Annotated[str, typer.Option(envvar="HAT_TOKEN", hidden=True)] = "",
    mode: Annotated[Mode, typer.Option(help="What becomes of good rows beside faulty ones.")] = "all-or-nothing",
    rehearsal: Annotated[bool, typer.Option("--rehearsal", help="Show what would happen; store nothing.")] = False,
    opt_out_screened: OptOut = False,
    overwrite_online: Overwrite = False,
    key: Annotated[str, typer.Option(help="Idempotency key: give it again to repeat a request safely.")] = "",
    annotated: Annotated[Path | None, typer.Option(help="Fetch a workbook with what to mend beside each row.")] = None,
    failed_rows: Annotated[Path | None, typer.Option(help="Fetch the faulty rows as CSV, to mend and send.")] = None,
    findings: Annotated[Path | None, typer.Option(help="Fetch the list of findings as CSV.")] = None,
    outcome: Annotated[
        Path | None, typer.Option(help="Of FHIR: write the OperationOutcome of each unit, one a line.")
    ] = None,
) -> None:
    """Send a file: CSV, XLSX, or FHIR (a Bundle as .json, many as .ndjson). The token comes from HAT_TOKEN or from --token-file. Exit code 0: all good; 1: something is to be mended; 2: not sent."""
    import uuid

    from registry.client import Order
    from registry.commands import sending, sending_fhir
    from registry.fhir_client import Parcel

    secret = token_file.read_text("utf-8").strip() if token_file else token
    if not secret:
        raise typer.BadParameter("Put the API token into HAT_TOKEN, or name its file with --token-file.")
    if sending_fhir.is_fhir(file):
        parcel = Parcel(
            path=file,
            rehearsal=rehearsal,
            key=key or str(uuid.uuid4()),
            organisation=organisation,
            opt_out_screened=opt_out_screened,
        )
        with _told(code=2):
            good = sending_fhir.submit(parcel, url, secret, outcome)
        _exit(good=good)
        return
    if kind is None:
        raise typer.BadParameter("Say with --kind what the rows are.")
    order = Order(
        path=file,
        kind=kind,
        format=sending.format_of(file),
        mode=mode,
        rehearsal=rehearsal,
        key=key or str(uuid.uuid4()),
        organisation=organisation,
        opt_out_screened=opt_out_screened,
        overwrite_online=overwrite_online,
    )
    wanted = {"annotated_xlsx": annotated, "failed_rows_csv": failed_rows, "findings_csv": findings}
    with _told(code=2):
        good = sending.submit(order, url, secret, wanted)
    _exit(good=good)


# --- for those who run it


@program.command()
def publish() -> None:
    """Write the dataset's templates, schemas and guide again."""
    from registry.commands import administration

    administration.publish()


@database.command("create")
def create_database(
    admin_url: Annotated[str, typer.Option(help="postgresql://… of one who may create roles and databases.")],
) -> None:
    """Make roles, their secrets and the database; what is there is kept."""
    from registry.commands import administration

    administration.create_database(admin_url)


@database.command("migrate")
def migrate_database() -> None:
    """Bring the database to the newest migration."""
    from registry.commands import administration

    administration.migrate_database()


@database.command("scrub")
def scrub_database() -> None:
    """Write tables anew, so that no file of the database holds what was erased. Each table is locked meanwhile."""
    from registry.commands import administration

    administration.scrub_database()


@database.command("adopt")
def adopt_database() -> None:
    """Let the registry go on in a database that was restored or took over; all sessions end."""
    from registry.commands import administration

    administration.adopt_database()


@database.command("check")
def check_database() -> None:
    """See whether all roles can sign in and the server is set up as it must be."""
    from registry.commands import administration

    _exit(good=administration.check_database())


@user.command("create-admin")
def create_admin(
    user_name: Annotated[str, typer.Argument(metavar="NAME")],
    display_name: Annotated[str, typer.Option(help="The person's name.")] = "Administrator",
) -> None:
    """Make an administrator and print the link that sets the password."""
    from registry.commands import administration

    administration.create_admin(user_name, display_name)


@user.command("reset")
def reset(user_name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Print a link with which somebody sets a new password."""
    from registry.commands import administration

    administration.reset(user_name)


@user.command("reset-factor")
def reset_factor(user_name: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Take somebody's second factor away, also the only administrator's: it is set up anew at the next sign-in."""
    from registry.commands import administration

    administration.reset_factor(user_name)


@register.command("import")
def import_register(file: File) -> None:
    """Import organisations from a file in the register's own layout."""
    from registry.commands import administration

    administration.import_register(file)


@audit.command("verify")
def verify_audit(
    anchors: Annotated[
        Path | None, typer.Option(help="Compare with the ends kept in this file, then write it.")
    ] = None,
) -> None:
    """See whether every entry is as it was written."""
    from registry.commands import administration

    with _told(code=2):
        good = administration.verify_audit(anchors)
    _exit(good=good)


@audit.command("check")
def check_trail(
    file: File,
    key_file: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="Holds the key that the page of the trail shows.")
    ],
) -> None:
    """See whether a trust's trail, taken from its page, is as it was written. Needs neither database nor registry."""
    from registry.commands import administration

    with _told(code=2):
        good = administration.check_trail(file, key_file)
    _exit(good=good)


@release.command("verify")
def verify_release(number: Annotated[int, typer.Argument(min=1)]) -> None:
    """See whether a release is what was audited, approved and signed."""
    from registry.commands import release

    _exit(good=release.verify(number))


@release.command("rebuild")
def rebuild_release(number: Annotated[int, typer.Argument(min=1)]) -> None:
    """Make a release again, from what was kept of it and from the records as at its cut, and compare byte by byte."""
    from registry.commands import release

    _exit(good=release.rebuild(number))


@keys.command("status")
def show_keys() -> None:
    """Show which versions there are, what is under them, and how far a rotation is."""
    from registry.commands import keys

    keys.show()


@keys.command("make")
def make_key(kind: Annotated[Literal["master", "match"], typer.Argument()]) -> None:
    """Write the next version of a key into the secrets folder, so that it can be given to every part before it is used."""
    from registry.commands import keys

    keys.make(kind)


@keys.command("rotate")
def rotate_keys(
    kind: Annotated[Literal["master", "data", "match"], typer.Argument()],
    trust: Annotated[str | None, typer.Option(help="Of the data keys only this trust's, by its ODS code.")] = None,
) -> None:
    """Rotate a key, or go on with a rotation that was begun. It may be stopped at any moment; the worker goes on with it too."""
    if trust is not None and kind != "data":
        raise typer.BadParameter("Only data keys belong to one trust.")
    from registry.commands import keys
    from registry.keys.rotation import Kind

    keys.rotate(Kind(kind), trust)


@keys.command("erase")
def erase_trust(
    code: Annotated[str, typer.Argument(metavar="CODE")],
    confirm: Annotated[str, typer.Option(help="The same code again.")] = "",
) -> None:
    """Destroy the keys of one trust: what it sealed is gone, in the backups too."""
    from registry.commands import keys

    keys.erase(code, confirm)


def _exit(*, good: bool) -> None:
    if not good:
        raise typer.Exit(1)


@contextmanager
def _told(code: int = 1) -> Iterator[None]:
    """What an operator can act on is said in its own words, without a trace; all else is a fault of ours."""
    try:
        yield
    except Exception as error:
        words = _words(error)
        if words is None:
            raise
        typer.echo(words, err=True)
        raise SystemExit(code) from None


def _words(error: Exception) -> str | None:
    import psycopg
    from sqlalchemy.exc import DBAPIError

    from registry.client import ClientError
    from registry.database import DatabaseError
    from registry.demo.sending import DemonstrationError
    from registry.embedded import EmbeddedPostgresError
    from registry.errors import RegistryError
    from registry.processes import ProcessError
    from registry.settings import SettingsError
    from registry.trail import TrailError

    if isinstance(error, RegistryError):
        return "\n".join([error.detail, *(f"  {fault.pointer}: {fault.words}" for fault in error.errors)])
    told = (
        SettingsError,
        DatabaseError,
        EmbeddedPostgresError,
        ProcessError,
        ClientError,
        DemonstrationError,
        TrailError,
    )
    if isinstance(error, told):
        return str(error)
    if isinstance(error, psycopg.OperationalError | DBAPIError):
        return f"The database cannot be reached, or cannot do this ({type(error).__name__})."
    return None


def main() -> None:
    with _told():
        program(prog_name="hat")


if __name__ == "__main__":
    main()
