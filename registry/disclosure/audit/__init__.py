"""The attacker audit: the gate of a release.

`audit` takes every release that the public has and the draft, and says whether anybody could learn a count too well from them together.

*Model.* One whole number that is not known for every atom of a region's financial year, and one row for every published cell of every
release, superseded ones too (`panes`, `drawing`, `linking`). Only the interval of a row depends on the scheme of protection (`schemes`).

*Three stages* (`deciding`). A certificate is two possible worlds that agree with everything published and lie far enough apart in the cell;
`certificates.verify` checks it without a solver, and whoever has the published numbers can find and check it again (`worlds`, `ledger`,
`sheets`, `moves`, `searching`). What has none goes to linear programs, whose bounds are the widest that the truth can have: too narrow there
is too narrow for certain. What those leave goes to integer programs. What time leaves is undecided, and the audit is not passed.

*Why it suffices.* A world is possible if it lies within every published interval, and to an attacker who has nothing but what is published
all possible worlds are equal; between two that lie 4 apart lies an interval of five candidates. The same holds of an insider with his
narrower intervals. Because the splits are one-way, consistent margins can always be filled by joint counts (as a product is), so nothing is
lost by leaving these out. Regions and years share no cell; the nation's figures are sums of rounded cells and tell nothing more.

*What it does not cover.* Likelihoods: a count near the published number is likelier than one four away. An attacker with an exact prior,
such as a whole trust's own counts. Inference of an attribute from a rate. Free text. What the attacker of `linking` does not take for
unchanged, an attacker who knows more might. That offsets are drawn again before the first publication, and cells held after it, tells,
faintly, that they failed.
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
