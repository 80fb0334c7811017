"""The attacker audit: the gate of a release.

`audit` takes every release that the public has and the draft, and says whether anybody could learn a count too well from them together.
"""

from registry.disclosure.audit.auditing import INSIDER_WIDTH, OUTSIDER_WIDTH, audit
from registry.disclosure.audit.certificates import Certificate, verify
from registry.disclosure.audit.releases import Insider, Published, Release, Told
from registry.disclosure.audit.report import Narrow, Report, Tally, data_hash

__all__ = [
    "INSIDER_WIDTH",
    "OUTSIDER_WIDTH",
    "Certificate",
    "Insider",
    "Narrow",
    "Published",
    "Release",
    "Report",
    "Tally",
    "Told",
    "audit",
    "data_hash",
    "verify",
]
