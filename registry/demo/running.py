"""`hat demo`: everything started, the demonstration made if it is not there yet, its address and sign-ins shown, until Ctrl-C."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from rich.console import Console
from rich.table import Table

from registry import processes
from registry.demo import marking
from registry.demo.making import ahead, make
from registry.demo.marking import Mark
from registry.demo.scene import Member, members
from registry.demo.setting import ACCOUNTS, read_accounts, write_accounts
from registry.settings import Settings
from schemas.days import LONDON

FEWEST_MONTHS = 3
RELEASES = 2


def run(
    settings: Settings, months: int = 24, *, releases: int = RELEASES, senders: Sequence[Member] | None = None
) -> None:
    """Start the demonstration of a data folder, making it first where there is none, and keep it going until it is interrupted.

    So many `releases` are made, one after the other as late returns come in, and a draft of the next.

    All organisations are registered; `senders` (by default all) are those that send returns. A demonstration that was
    interrupted while it was made is taken up where it stopped, with the same returns. Raises DemonstrationError for a folder or
    database that holds another registry, ValueError for fewer than three months, and whatever `processes.running` raises.
    """
    if months < FEWEST_MONTHS:
        raise ValueError(f"the demonstration needs at least {FEWEST_MONTHS} months")
    shown = Console()
    began = time.monotonic()
    mark = marking.begin(settings, months, datetime.now(LONDON).date(), releases)
    settings = marking.as_demonstration(settings)
    try:
        with ThreadPoolExecutor(2) as pool:
            prepared = None if mark.whole else ahead(mark, senders or members(), pool)
            with processes.running(settings) as here:
                if prepared is None:
                    _say_there(shown, settings, mark, months)
                else:
                    make(settings, prepared, shown)
                    marking.finish(settings.data_dir, mark)
                    shown.print(f"Made in {time.monotonic() - began:.0f} s.")
                _show(shown, settings, here.address)
                here.watch()
    except KeyboardInterrupt:
        shown.print("\nStopped; nothing is lost. The same command starts it again.")


def _say_there(console: Console, settings: Settings, mark: Mark, months: int) -> None:
    console.print(f"The demonstration in {settings.data_dir} is there already and is started as it stands.")
    if mark.months != months:
        console.print(f"It holds {mark.months} months. For {months}, remove the folder or set HAT_DATA_DIR to another.")


def _show(console: Console, settings: Settings, address: str) -> None:
    """The address and the sign-ins; `accounts.json` gets the address at which the service now is."""
    made = read_accounts(settings.data_dir)
    if made:
        write_accounts(settings.data_dir, address, made)
    table = Table("Role", "Organisation", "User name", "Password", box=None, pad_edge=False)
    for each in made:
        table.add_row(each.role.replace("_", " "), each.organisation or "", each.user_name, each.password)
    console.print(table)
    console.print(f"\nThe registry is at {address}")
    console.print(f"The sign-ins stand with their API tokens in {settings.data_dir / ACCOUNTS}")
    console.print(
        "Signing in asks for the code of an authenticator app too: `hat demo code USER_NAME` shows it, or set one up with"
    )
    console.print("the totp_secret that stands there.")
    console.print("Ctrl-C stops everything.")
