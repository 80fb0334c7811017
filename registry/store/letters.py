"""A letter's text in the outbox may begin with where its reader ends such letters by one press (RFC 8058); it leaves as a header."""

import re

_HEAD = "List-Unsubscribe: "
_ENDED_AT = re.compile(re.escape(_HEAD) + r"<(https?://[!-;=?-~]+)>\n\n", re.ASCII)


def with_end(address: str, body: str) -> str:
    """A text as it is kept, with the address that ends it. Raises ValueError for what cannot stand in a header."""
    text = f"{_HEAD}<{address}>\n\n{body}"
    if not _ENDED_AT.match(text):
        raise ValueError("not an address that can stand in a header")
    return text


def parted(text: str) -> tuple[str | None, str]:
    """The address that ends it, where there is one, and the text that is read."""
    found = _ENDED_AT.match(text)
    return (found[1], text[found.end() :]) if found else (None, text)
