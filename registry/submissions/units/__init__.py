"""Cases, reviews and returns that come as units of FHIR: one at a time within the request, or many in a file, worked on in chunks."""

from registry.submissions.units.settled import Settled, Standing
from registry.submissions.units.settling import settle_units
from registry.submissions.units.single import Refused, Stored, kind_of, store_unit, validate

__all__ = [
    "Refused",
    "Settled",
    "Standing",
    "Stored",
    "kind_of",
    "settle_units",
    "store_unit",
    "validate",
]
