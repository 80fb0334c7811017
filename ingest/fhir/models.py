"""The one door to the models of fhir.resources, through which the registry reads clinical resources and checks what it sends.

What comes in has passed `ingest.fhir.structure` first, which sees more. The models' own errors hold what the resource held, so none of
them leaves this module, not even as the cause of another.
"""

from decimal import Decimal
from typing import Any

import orjson

from ingest.fhir import tables

_REFUSALS = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What the models raise: a ValidationError is a ValueError; an unknown contained type is a KeyError, deep nesting a RecursionError."""


class UnreadableError(ValueError):
    """The models refuse this resource. It names no more than the type."""


def read(resource: dict[str, Any]) -> Any:
    """The model of a resource whose structure has no fault. UnreadableError where the models refuse it all the same.

    Elements that the models wrongly refuse, such as `_valueString` beside `valueString` in an Extension, are left out of the model.
    """
    model = _model(resource)
    if model is None:
        kind = resource.get("resourceType")
        raise UnreadableError(f"The models cannot read this {kind if tables.known(kind) else 'resource'}.")
    return model


def write(resource: dict[str, Any]) -> bytes:
    """The JSON of a resource of our own making, which the models have read and found right.

    It is the resource as given, not the model written out: the models would turn 1.10 into 1.1, `.356Z` into `.356000Z` and `+00:00`
    into `Z`. A Decimal is written with the digits that it has.
    """
    read(resource)
    return orjson.dumps(resource, default=_digits)


def _model(resource: dict[str, Any]) -> Any | None:
    from fhir.resources.R4B import get_fhir_model_class

    kind = resource.get("resourceType")
    if not isinstance(kind, str) or not tables.known(kind) or not tables.modelled(kind):
        return None
    try:
        return get_fhir_model_class(kind).model_validate(_readable(resource))
    except _REFUSALS:
        return None


def _readable(held: Any) -> Any:
    """A copy without what the models wrongly refuse in an Extension: annexes of its value, a Meta, a UUID of another version than 4."""
    if isinstance(held, dict):
        extension = "url" in held
        return {
            key: _readable(each)
            for key, each in held.items()
            if not (extension and key.startswith(("_value", "valueMeta", "valueUuid")))
        }
    if isinstance(held, list):
        return [_readable(each) for each in held]
    return held


def _digits(held: object) -> orjson.Fragment:
    if isinstance(held, Decimal) and held.is_finite():
        return orjson.Fragment(str(held).encode())
    raise TypeError
