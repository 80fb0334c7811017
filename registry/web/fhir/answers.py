"""What the door answers with: resources in the one form that is offered, and the headers that go with them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from ingest.fhir import models
from registry.web.fhir.refusals import MEDIA_TYPE

BASE = "/fhir/r4"
Resource = dict[str, Any]


def reply(resource: Resource, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A resource of ours, through the models."""
    return Response(models.write(resource), status, headers, media_type=MEDIA_TYPE)


def status_line(status: int) -> str:
    """As an entry of a response Bundle has it: `201 Created`."""
    return f"{status} {HTTPStatus(status).phrase}"


def etag(version: int) -> str:
    return f'W/"{version}"'


def instant(at: datetime) -> str:
    """R4's instant, in UTC to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def http_date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True)
