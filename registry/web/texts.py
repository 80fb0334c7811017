"""Every text of the public pages that can be translated, by where it stands: what the catalogues are made of.

`python -m registry.web.texts` brings the Welsh catalogue up to date after a text has changed.
"""

import sys
from collections import defaultdict

from registry.web.languages import Language, renew
from registry.web.pages import FOOTER, NAVIGATION, TEMPLATES, texts_in

FRAME = (
    "Skip to main content", "Language", "Account", "Menu", "Sign in", "About this service",
    "The registry of hospital-associated thrombosis for England and Wales",
)  # fmt: skip
"""What stands in the head and the foot of every page."""


def messages() -> dict[str, list[str]]:
    """Each text and the templates that it stands in."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for words in (
        *FRAME,
        *(link.words for link in FOOTER),
        *(words for words, _, right in NAVIGATION if right is None),
    ):
        found[words].append("base.html")
    for name in translatable():
        for words in texts_in(name):
            found[words].append(name)
    return dict(found)


def translatable() -> list[str]:
    """The templates whose pages stand below /cy too; the page of a rule is for senders, who read English."""
    names = sorted(f"public/{path.name}" for path in (TEMPLATES / "public").glob("*.html"))
    return [name for name in names if name != "public/rule.html"]


if __name__ == "__main__":
    sys.stdout.write(f"{renew(messages(), Language.WELSH)} texts are not translated\n")
