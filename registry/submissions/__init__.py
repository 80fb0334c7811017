"""Submissions: received, checked, rehearsed, accepted; one function for every door.

The receipt is one commit (`receive`) and the outcome a second (`check`), between which nothing can be lost; or one has both, where a
file is small enough to be checked while its sender waits.
"""

from registry.submissions.checking import check, spool
from registry.submissions.keys import open_keys
from registry.submissions.receipt import Receipt, Tally, faulty_rows, find, findings, get, latest, tallies
from registry.submissions.receiving import keep, newest_map_version, receive, stored_bytes
from registry.submissions.request import Door, Format, Mode, Reference, Request, State
from registry.submissions.retention import retire
from registry.submissions.working import work_one, work_waiting

__all__ = [
    "Door",
    "Format",
    "Mode",
    "Receipt",
    "Reference",
    "Request",
    "State",
    "Tally",
    "check",
    "faulty_rows",
    "find",
    "findings",
    "get",
    "keep",
    "latest",
    "newest_map_version",
    "open_keys",
    "receive",
    "retire",
    "spool",
    "stored_bytes",
    "tallies",
    "work_one",
    "work_waiting",
]
