"""Request bodies: the one JSON reader, forms, and what came packed.

Python's own reader takes what the database or another reader will not: NaN, numbers beyond any range, a member named
twice, half a surrogate pair, nesting that ends the interpreter's stack. All of them are refused here, with 400.
"""

import json
import re
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from fastapi.routing import APIRoute
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from registry.errors import BadRequest, PayloadTooLarge, RegistryError, UnsupportedMedia
from registry.web.edge import BODY_LIMIT, clean_text
from registry.web.forgery import FORM_FIELD, check_form_token, session_cookie

MAX_DEPTH = 32
MAX_DIGITS = 40  # of one number, signs and exponent included
MAX_EXPONENT = 30  # decimal powers either way
MAX_FIELDS = 20
MAX_FILES = 1
FIELD_LIMIT = (
    512 * 1024
)  # bytes of one form field: what is too long for its question comes back with the form, not lost
GZIP = ("gzip", "x-gzip")
PIECE = 1024 * 1024  # bytes unpacked at a time, however small they were packed

# A string, whole or running off the end, or a bracket: what is needed to know how deep a text nests.
_NESTING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)


def read_json(body: bytes, *, limit: int = BODY_LIMIT) -> object:
    """The value of a JSON text in UTF-8 (a byte order mark is let pass).

    Whole numbers come as int, all others as Decimal, so that no digit is lost. Refuses more than `limit` bytes with
    PayloadTooLarge; with BadRequest: other encodings, nesting beyond 32, numbers over 40 characters or beyond 10**±30,
    NaN and Infinity, a member named twice, lone surrogates, NUL and other control characters.
    """
    if len(body) > limit:
        raise PayloadTooLarge
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRequest("The JSON must be in UTF-8.") from None
    _check_depth(text)
    try:
        value: object = json.loads(
            text,
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_constant,
            object_pairs_hook=_members,
        )
    except json.JSONDecodeError as error:
        words = f"The JSON cannot be read from line {error.lineno}, character {error.colno}."
        raise BadRequest(words) from None
    _check_texts(value)
    return value


def _constant(_name: str) -> NoReturn:
    raise BadRequest("NaN and Infinity are not JSON.")


def _check_depth(text: str) -> None:
    depth = 0
    for found in _NESTING.finditer(text):
        mark = found.group()
        depth += (mark in "[{") - (mark in "]}")
        if depth > MAX_DEPTH:
            raise BadRequest(f"The JSON nests deeper than {MAX_DEPTH} levels.")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise BadRequest("The JSON holds a number that is too long.")
    return int(text)


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_DIGITS:
        raise BadRequest("The JSON holds a number that is too long.")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise BadRequest("The JSON holds a number that is out of range.") from None
    if value and abs(value.adjusted()) > MAX_EXPONENT:
        raise BadRequest("The JSON holds a number that is out of range.")
    return value


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadRequest("The JSON names a member twice.")
    return members


def _check_texts(value: object) -> None:
    if isinstance(value, str) and not clean_text(value, breaks=True):
        raise BadRequest("The JSON holds a control character or half a character.")
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for one in value:
            _check_texts(one)


class _StrictRequest(Request):
    async def json(self) -> Any:
        return read_json(await self.body())


class StrictRoute(APIRoute):
    """A route whose JSON body comes through `read_json`: `APIRouter(route_class=StrictRoute)`, for every router with one."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(_StrictRequest(request.scope, request.receive))

        return strict


async def read_form(request: Request, *, max_fields: int = MAX_FIELDS) -> FormData:
    """A form, urlencoded or multipart, its text clean and its token checked where there is a session.

    At most one file, `max_fields` fields of `FIELD_LIMIT` bytes. Refuses with BadRequest (400), Forbidden (403). Close it after use.
    """
    if not re.fullmatch(r"[^;]+(;\s*boundary=[^;]+|;\s*charset=\"?utf-?8\"?)*", _content_type(request), re.IGNORECASE):
        raise BadRequest("The form must be in UTF-8.")
    form = await request.form(max_files=MAX_FILES, max_fields=max_fields, max_part_size=FIELD_LIMIT)
    try:
        _check_form(request, form)
    except RegistryError:
        await form.close()
        raise
    return form


def _check_form(request: Request, form: FormData) -> None:
    for name, value in form.multi_items():
        _check_field(name)
        _check_field(value.filename or "" if isinstance(value, UploadFile) else value)
    if session_cookie(request):
        token = form.get(FORM_FIELD)
        check_form_token(request, token if isinstance(token, str) else None)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "none")


def _check_field(value: str) -> None:
    # U+FFFD is what the parser puts where it could not decode: kept, it would be an altered text
    if "\ufffd" in value or not clean_text(value, breaks=True):
        raise BadRequest("The form holds characters that cannot be read.")


async def submitted_form(request: Request) -> AsyncIterator[FormData]:
    """`read_form` as a dependency: `form: Annotated[FormData, Depends(submitted_form)]`."""
    form = await read_form(request)
    try:
        yield form
    finally:
        await form.close()


async def unpacked(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body as it arrives, unpacked where it came with `Content-Encoding: gzip`.

    Refuses with UnsupportedMedia other encodings, with PayloadTooLarge what is more than `limit` bytes unpacked (before it is
    unpacked further), with BadRequest what is no gzip, is cut off or goes on after its end.
    """
    unpack = _unpacking(request)
    size = 0
    async for block in request.stream():
        for piece in unpack.take(block):
            size += len(piece)
            if size > limit:
                raise PayloadTooLarge
            yield piece
    unpack.close()


async def whole_body(request: Request, limit: int) -> bytes:
    """All of `unpacked`."""
    return b"".join([piece async for piece in unpacked(request, limit)])


def _unpacking(request: Request) -> "_Plain | _Gzip":
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in GZIP:
        return _Gzip()
    if encoding == "identity":
        return _Plain()
    raise UnsupportedMedia("The body may be packed with gzip, or come as it is. No other Content-Encoding is read.")


class _Plain:
    def take(self, block: bytes) -> Iterator[bytes]:
        yield block

    def close(self) -> None:
        """Nothing can be missing."""


class _Gzip:
    """Unpacks one gzip member after another, some bytes at a time."""

    def __init__(self) -> None:
        self._open = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        self._begun = False

    def take(self, block: bytes) -> Iterator[bytes]:
        while block:
            if self._open.eof:
                self._open = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            self._begun = True
            try:
                piece = self._open.decompress(block, PIECE)
            except zlib.error:
                raise _not_gzip() from None
            block = self._open.unused_data if self._open.eof else self._open.unconsumed_tail
            yield piece

    def close(self) -> None:
        if self._begun and not self._open.eof:
            raise _not_gzip()


def _not_gzip() -> BadRequest:
    return BadRequest("The body says that it is packed with gzip and cannot be unpacked. It may have been cut off.")
