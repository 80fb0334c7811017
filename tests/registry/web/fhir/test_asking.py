"""Preferences, parameters and media types as requests write them."""

import pytest
from starlette.requests import Request

from registry.errors import BadRequest, UnsupportedMedia
from registry.web.fhir.asking import OPT_OUT, Return, Wishes, media_of, only_known, screened, wishes


def request(query: str = "", **headers: str | list[str]) -> Request:
    """Names with underscores for dashes; a list is a header that stands several times."""
    given = [
        (name.replace("_", "-").lower().encode(), each.encode())
        for name, value in headers.items()
        for each in ([value] if isinstance(value, str) else value)
    ]
    return Request({"type": "http", "method": "POST", "path": "/", "query_string": query.encode(), "headers": given})


@pytest.mark.parametrize(
    ("prefer", "wished"),
    [
        ([], Wishes()),
        (["return=minimal"], Wishes()),
        (["return=OperationOutcome"], Wishes(Return.OUTCOME)),
        (["RETURN=operationoutcome"], Wishes(Return.OUTCOME)),
        (['respond-async, return="representation"'], Wishes(Return.REPRESENTATION)),
        (["respond-async; handling=lenient"], Wishes(lenient=True)),
        (["handling=strict"], Wishes()),
        (["return=OperationOutcome", "handling=lenient"], Wishes(Return.OUTCOME, lenient=True)),
        (["return=representation, return=minimal"], Wishes(Return.REPRESENTATION)),
        (["return=everything"], Wishes()),
        (["=;,<>return"], Wishes()),
    ],
)
def test_preferences_are_read_and_others_passed_over(prefer: list[str], wished: Wishes) -> None:
    assert wishes(request(prefer=prefer)) == wished


def test_unknown_parameters_are_refused_unless_the_sender_is_content() -> None:
    only_known(request("_format=json&_pretty=true&kind=x"), "kind")
    only_known(request("other=1", prefer="handling=lenient"))
    with pytest.raises(BadRequest) as refused:
        only_known(request("secret-name=1"), "kind")
    assert "secret-name" not in refused.value.detail
    assert "kind" in refused.value.detail


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (request(), False),
        (request(f"{OPT_OUT}=true"), True),
        (request(f"{OPT_OUT}=1"), True),
        (request(opt_out_screened="TRUE"), True),
        (request(f"{OPT_OUT}=false", opt_out_screened="true"), False),
    ],
)
def test_the_declaration_is_in_the_address_or_in_a_header(asked: Request, said: bool) -> None:
    assert screened(asked) is said


def test_a_declaration_that_says_neither_is_refused() -> None:
    with pytest.raises(BadRequest):
        screened(request(opt_out_screened="perhaps"))


@pytest.mark.parametrize(
    "given",
    ["application/fhir+json", "application/json", "Application/FHIR+JSON; Charset=UTF-8", 'application/json;charset="utf8"',
     "application/fhir+json; fhirVersion=4.0"],
)  # fmt: skip
def test_json_is_taken(given: str) -> None:
    assert media_of(request(content_type=given)).endswith("json")


@pytest.mark.parametrize("given", ["", "text/json", "application/fhir+xml", "application/json; charset=latin1"])
def test_nothing_else_is(given: str) -> None:
    with pytest.raises(UnsupportedMedia):
        media_of(request(content_type=given))
