"""The narrative: XHTML in one `div`, without anything that runs. The registry never shows it; it is checked because R4 asks for it."""

import re
from html.entities import name2codepoint
from xml.parsers import expat

XHTML = "http://www.w3.org/1999/xhtml"

_ALLOWED = frozenset(
    """
    a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd del dfn div dl dt em h1 h2 h3 h4 h5 h6 hr
    i img ins kbd li map ol p pre q s samp small span strike strong sub sup table tbody td tfoot th thead tr tt u ul var center font
    """.split()  # noqa: SIM905  # a list of words
)
"""R4's list (rule txt-1) and, since nothing is lost by them, the other formatting elements of HTML 4 that systems write."""

_OPENS = re.compile(r"\s*(?:<\?xml[^>]*\?>\s*)?<(?:\w+:)?div[\s>/]")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_RUNS = re.compile(r"\s*(?:javascript|vbscript|data\s*:\s*text/html)", re.IGNORECASE)
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})


def fault(div: str) -> str | None:
    """What is wrong with a narrative, to end a sentence with; None if nothing. No document type, and so no entity of its own, is read."""
    if _OPENS.match(div) is None:
        return "it does not begin with “<div”"
    found: list[str] = []
    seen = _Seen(found)
    parser = expat.ParserCreate()
    parser.StartElementHandler = seen.start
    parser.EndElementHandler = seen.end
    parser.CharacterDataHandler = seen.text
    try:
        parser.Parse(_ENTITY.sub(_character, div), True)
    except (expat.ExpatError, UnicodeEncodeError):
        return "it is not well-formed"
    if not found and not seen.says:
        return "it says nothing"
    return found[0] if found else None


def _character(entity: re.Match[str]) -> str:
    """HTML's own entities are allowed; expat knows only those of XML."""
    name = entity[1]
    if name in _XML_ENTITIES or name not in name2codepoint:
        return entity[0]
    return chr(name2codepoint[name])


class _Seen:
    """What the parser meets on its way."""

    def __init__(self, found: list[str]) -> None:
        self.found = found
        self.says = False
        self.depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        prefix, _, tag = name.rpartition(":")
        self.depth += 1
        if self.depth == 1 and attributes.get(f"xmlns:{prefix}" if prefix else "xmlns") != XHTML:
            self.found.append("its “div” is not in the namespace of XHTML")
        if tag not in _ALLOWED:
            self.found.append("it has an element that is not allowed there")
        if tag == "img":
            self.says = True
        for attribute, value in attributes.items():
            if attribute.lower().startswith("on") or _RUNS.match(value):
                self.found.append("it has something that would run")

    def end(self, _: str) -> None:
        self.depth -= 1

    def text(self, text: str) -> None:
        self.says = self.says or not text.isspace()
