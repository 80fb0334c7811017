"""What a request asks for besides its body: its form, its preferences, its parameters. Read the same way by every address of the door."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from starlette.requests import Request

from registry.errors import BadRequest, Fault, PayloadTooLarge, UnsupportedMedia
from registry.web.bodies import whole_body
from registry.web.fhir.refusals import FHIR_VERSION

JSON = frozenset({"application/fhir+json", "application/json"})
GENERAL = frozenset({"_format", "_pretty"})
"""Parameters that R4 allows everywhere. Answers are in one form, so they change nothing; a form not offered is refused before."""
OPT_OUT = "opt_out_screened"
OPT_OUT_HEADER = "Opt-Out-Screened"
YES_NO: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}
_PREFERENCE = re.compile(r'\s*([a-z-]+)\s*(?:=\s*"?([^";,]*)"?)?', re.IGNORECASE)


class Return(StrEnum):
    """How much of what was stored is in the answer to a write."""

    MINIMAL = "minimal"
    OUTCOME = "OperationOutcome"
    REPRESENTATION = "representation"


@dataclass(frozen=True, slots=True)
class Wishes:
    """The `Prefer` header. What it asks for that is not known here is not granted, and no fault."""

    returned: Return = Return.MINIMAL
    lenient: bool = False


def wishes(request: Request) -> Wishes:
    """The preferences of a request; of one that is stated twice, the first holds (RFC 7240)."""
    found: dict[str, str] = {}
    for line in request.headers.getlist("prefer"):
        for part in re.split("[,;]", line):
            if (named := _PREFERENCE.fullmatch(part)) is not None:
                found.setdefault(named[1].lower(), (named[2] or "").strip().lower())
    returned = {each.value.lower(): each for each in Return}
    return Wishes(returned.get(found.get("return", ""), Return.MINIMAL), found.get("handling") == "lenient")


def only_known(request: Request, *names: str) -> None:
    """Refuse (400) an address with parameters that mean nothing here, unless the sender prefers `handling=lenient`.

    A parameter that is let pass in silence looks like one that was heeded.
    """
    known = GENERAL.union(names)
    if not request.query_params.keys() <= known and not wishes(request).lenient:
        raise BadRequest(
            f"There are parameters that are not known here. Known are: {', '.join(sorted(known))}. "
            "To have others passed over, send Prefer: handling=lenient."
        )


def yes(request: Request, name: str, header: str = "") -> bool:
    """Whether a parameter, or the header that stands for it, says true; BadRequest where it says neither true nor false."""
    given = request.query_params.get(name) or (header and request.headers.get(header)) or "false"
    if (found := YES_NO.get(given.strip().lower())) is None:
        raise BadRequest(errors=[Fault(name, "This must be true or false.")])
    return found


def screened(request: Request) -> bool:
    """Whether the sender declares that the national data opt-out was applied: by the address or, the same, by a header."""
    return yes(request, OPT_OUT, OPT_OUT_HEADER)


def media_of(request: Request, among: Collection[str] = JSON) -> str:
    """The media type of the body, one of `among`. Raises UnsupportedMedia for others, other releases of FHIR and other encodings."""
    media, *rest = request.headers.get("content-type", "").split(";")
    parameters = dict(_parameter(each) for each in rest)
    media = media.strip().lower()
    if media not in among:
        raise UnsupportedMedia(_wrong_media(media, among))
    if parameters.get("charset", "utf-8") not in ("utf-8", "utf8"):
        raise UnsupportedMedia("The body must be in UTF-8.")
    if parameters.get("fhirversion", FHIR_VERSION) not in (FHIR_VERSION, "4.0.1"):
        raise UnsupportedMedia("This door speaks FHIR R4 (4.0.1) only.")
    return media


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip(' "').lower()


def _wrong_media(media: str, among: Collection[str]) -> str:
    kind = "XML is not read here. " if "xml" in media else ""
    return f"{kind}Send the body as one of: {', '.join(sorted(among))}."


async def body_of(request: Request, limit: int) -> bytes:
    """The body, unpacked. Raises PayloadTooLarge beyond `limit` bytes, packed or not; BadRequest where there is none."""
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
        raise PayloadTooLarge
    content = await whole_body(request, limit)
    if not content:
        raise BadRequest("The body is empty.")
    return content
