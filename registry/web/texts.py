"""Every text of the public pages that can be translated, by where it stands: what the catalogues are made of.

`python -m registry.web.texts` brings the Welsh catalogue up to date after a text has changed.
"""

import sys
from collections import defaultdict

from registry.web.languages import Language, renew
from registry.web.pages import FOOTER, FRAME, NAVIGATION, TEMPLATES, taken_from, texts_in

FRAME_WORDS = (
    "Skip to main content", "Language", "Account", "Menu", "Browse", "More", "Back", "Sign in", "About this service",
    "The registry of hospital-associated thrombosis for England and Wales",
)  # fmt: skip
"""What stands in the head and the foot of every page."""


def messages() -> dict[str, list[str]]:
    """Each text and the templates that it stands in."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for words in (
        *FRAME_WORDS,
        *(link.words for link in FOOTER),
        *(words for words, _, right in NAVIGATION if right is None),
    ):
        found[words].append(FRAME)
    for name in translatable():
        for words in texts_in(name):
            found[words].append(name)
    return dict(found)


PUBLIC = (
    *("evaluation/" + name for name in ("counts.html", "released.html", "series.html", "sources.html")),
    *("lessons/" + name for name in ("learning.html", "lesson.html", "subscribe.html", "subscription.html")),
    *("lessons/" + name for name in ("summaries.html", "summary.html", "unsubscribed.html")),
    *("open_data/" + name for name in ("index.html", "release.html")),
)
"""The public pages among those of a folder that others have pages in too."""


def pages() -> list[str]:
    """The templates whose pages stand below /cy too; the page of a rule is for senders, who read English."""
    names = sorted(f"public/{path.name}" for path in (TEMPLATES / "public").glob("*.html"))
    return [*(name for name in names if name != "public/rule.html"), *PUBLIC]


def translatable() -> list[str]:
    """The templates of these pages, and those that they take macros from."""
    return sorted({taken for name in pages() for taken in taken_from(name)} - {FRAME})


if __name__ == "__main__":
    sys.stdout.write(f"{renew(messages(), Language.WELSH)} texts are not translated\n")
